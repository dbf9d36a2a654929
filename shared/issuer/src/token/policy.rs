//! What a token may contain. Pure: it is given the time, and does no I/O.

use std::time::Duration;

use super::StaticClaims;
use crate::client::{AuthenticatedClient, FoundResources, Target};
use crate::credential::GrantId;
use crate::error::{AccessDenied, Error, Unavailable};
use crate::grant::AskedAccess;
use crate::names::{Audience, ClientId, Scopes};
use crate::store::records::{Client, Dpop, Profile, Resource};
use tokensmith_verifier::dpop::DpopRejection;
use tokensmith_verifier::{Actor, Algorithm, KeyId, Parent, Timestamp};

/// The access that a grant type found, before policy is applied.
#[derive(Debug)]
pub struct GrantedAccess {
    /// The subject of the token.
    pub subject: String,
    /// What the request asked for.
    pub asked: AskedAccess,
    /// What the grant allows; `None` when the client's registration is the only limit.
    pub limits: Option<GrantLimits>,
    /// When what it rests on ends, besides the grant: no token is valid for longer.
    pub until: Option<Timestamp>,
    /// Who acts for the subject, where another client has got a token for that.
    pub delegated: Option<Delegated>,
    /// What it is exchanged for, which the token ends with.
    pub parents: Vec<Parent>,
}

/// How a client goes on for somebody, by a token that was sent to its API.
#[derive(Clone, Debug)]
pub struct Delegated {
    /// Who acts, and who has acted before.
    pub act: Actor,
    /// The resource that the token was for.
    pub from: Audience,
}

impl GrantedAccess {
    /// What the token is to be for.
    pub fn target(&self) -> Target {
        let limits = self.limits.as_ref();
        if let Some(delegated) = &self.delegated {
            let from = std::iter::once(&delegated.from);
            return Target::Exchanged(from.chain(&self.asked.resources).cloned().collect());
        }
        Target::Wanted {
            asked: self.asked.resources.clone(),
            granted: limits.map(|limits| limits.audiences.clone()),
        }
    }
}

/// What a grant, or an API key, allows its tokens.
#[derive(Debug)]
pub struct GrantLimits {
    /// Its id, which its tokens have as `grant_id`; `None` when it is an API key.
    pub grant_id: Option<GrantId>,
    /// The scopes that were granted.
    pub scopes: Scopes,
    /// The audiences that were granted.
    pub audiences: Vec<Audience>,
    /// When the grant ends. No token is valid for longer.
    pub expires_at: Timestamp,
    /// Tokens of the subject issued at or before this time are invalid.
    pub not_before: Option<Timestamp>,
    /// When the read of the grant started.
    pub read_at: Timestamp,
    /// When the person who gave the grant had signed in.
    pub auth_time: Option<Timestamp>,
}

/// Decides what the token contains: never more than client and grant allow. `resources` is what is registered
/// about its audiences.
///
/// # Errors
/// [`AccessDenied`] for a scope or resource that is not allowed; [`Unavailable::JustRevoked`] shortly
/// after a revocation that would cover the new token as well.
pub fn approve(
    client: &AuthenticatedClient,
    granted: GrantedAccess,
    resources: &FoundResources,
    issuer_ttl: Duration,
    now: Timestamp,
) -> Result<ApprovedToken, Error> {
    let record = client.record();
    let limits = granted.limits.as_ref();
    let (audiences, resource, scopes) = approve_access(record, &granted, resources)?;
    // The `iat` of a token is the time of the oldest read that it rests on, so that a revocation
    // which that read could not see covers the token.
    let read_at = [limits.map(|limits| limits.read_at), resources.read_at()];
    let read_at = read_at.into_iter().flatten().min().unwrap_or(now);
    let issued_at = client.read_at().min(read_at).min(now);
    let not_before = record
        .not_before
        .max(limits.and_then(|limits| limits.not_before));
    if let Some(end) = not_before.filter(|end| issued_at <= *end) {
        return Err(Unavailable::JustRevoked(end).into());
    }
    let ends = [limits.map(|limits| limits.expires_at), granted.until];
    let own_end = issued_at.after(longest_lifetime(record, resource, issuer_ttl));
    let expires_at = ends.into_iter().flatten().fold(own_end, Timestamp::min);
    let bound_to = approve_binding(resource, client.key()?)?;
    let algorithm = resource.and_then(|resource| resource.algorithm);
    let algorithm = algorithm.or(record.algorithm);
    if let Some(profile) = record.profile {
        check_profile(profile, bound_to.as_ref(), algorithm)?;
    }
    // They are about the client: a token of somebody else says nothing of it.
    let is_own = granted.subject == record.id.as_str();
    let claims = is_own.then(|| record.claims.clone());
    Ok(ApprovedToken(ApprovedParts {
        client_id: record.id.clone(),
        subject: granted.subject,
        scopes,
        audiences,
        algorithm,
        claims: claims.unwrap_or_default(),
        grant_id: limits.and_then(|limits| limits.grant_id),
        auth_time: limits.and_then(|limits| limits.auth_time),
        act: granted.delegated.map(|delegated| delegated.act),
        bound_to,
        parents: granted.parents,
        issued_at,
        expires_at,
        expires_in: expires_at.since(now).as_secs(),
    }))
}

/// What the token is for, what is registered about that, and its scopes.
fn approve_access<'a>(
    client: &Client,
    granted: &GrantedAccess,
    resources: &'a FoundResources,
) -> Result<(Vec<String>, Option<&'a Resource>, Scopes), AccessDenied> {
    let limits = granted.limits.as_ref();
    if let (Some(delegated), Some(limits)) = (&granted.delegated, limits) {
        let (from, held) = (&delegated.from, &limits.scopes);
        let (resource, scopes) = approve_exchange(from, held, &granted.asked, resources)?;
        return Ok((vec![resource.uri.to_string()], Some(resource), scopes));
    }
    let audiences = granted.target().audiences(client)?;
    let resource = approve_audiences(client, &audiences, resources)?;
    let scopes = approve_scopes(client, resource, limits, granted.asked.scopes.clone())?;
    let audiences = match resource {
        Some(resource) => vec![resource.uri.to_string()],
        None => audiences.iter().map(ToString::to_string).collect(),
    };
    Ok((audiences, resource, scopes))
}

/// How long a token may live that rests on nothing else.
fn longest_lifetime(
    client: &Client,
    resource: Option<&Resource>,
    issuer_ttl: Duration,
) -> Duration {
    let ttl = client.access_ttl.map_or(issuer_ttl, Duration::from_secs);
    let longest = resource.and_then(|resource| resource.access_ttl);
    longest.map_or(ttl, |longest| ttl.min(Duration::from_secs(longest)))
}

/// The resource and the scopes of a token that is exchanged for one with the scopes `held` for `from`. The registration of
/// the client says nothing here: it goes on for somebody else, as the owner of one resource and by the word of another.
fn approve_exchange<'a>(
    from: &Audience,
    held: &Scopes,
    asked: &AskedAccess,
    resources: &'a FoundResources,
) -> Result<(&'a Resource, Scopes), AccessDenied> {
    let target = match asked.resources.as_slice() {
        [] => from,
        [one] => one,
        _ => return Err(AccessDenied::SeveralResources),
    };
    let resource = resources.of(target);
    let resource = resource.ok_or(AccessDenied::ResourceNotAllowed)?;
    let allowed = match target.is_same_as(from) {
        true => held.intersection(&resource.scopes()),
        false => resource.scopes_for_exchange(from, held),
    };
    // A token without scopes opens what asks for none, so that it needs the word of the resource, too.
    if !target.is_same_as(from) && allowed.is_empty() {
        return Err(AccessDenied::ExchangeNotAllowed);
    }
    match &asked.scopes {
        None => Ok((resource, allowed)),
        Some(asked) if allowed.contains_all(asked) => Ok((resource, asked.clone())),
        Some(_) => Err(AccessDenied::ScopeNotAllowed),
    }
}

/// The key that the token is bound to: that of the request's proof, where the resource checks proofs (RFC 9449 §5).
fn approve_binding(
    resource: Option<&Resource>,
    key: Option<&KeyId>,
) -> Result<Option<KeyId>, DpopRejection> {
    match (resource.and_then(|resource| resource.dpop), key) {
        (None, _) | (Some(Dpop::Optional), None) => Ok(None),
        (Some(Dpop::Required), None) => Err(DpopRejection::MissingProof),
        (Some(_), Some(key)) => Ok(Some(key.clone())),
    }
}

/// Whether the token is bound to a key and signed as the client's profile wants it: what its resource says may forbid both.
fn check_profile(
    profile: Profile,
    bound_to: Option<&KeyId>,
    algorithm: Option<Algorithm>,
) -> Result<(), AccessDenied> {
    let is_allowed = algorithm.is_some_and(|algorithm| profile.allows(algorithm.into()));
    match bound_to.is_some() && is_allowed {
        true => Ok(()),
        false => Err(AccessDenied::ResourceBelowProfile),
    }
}

/// What a client may ask a person for: the scopes, and what is registered about the audiences that they are for.
///
/// # Errors
/// [`AccessDenied`] for a scope or resource that is not allowed.
pub fn wanted_access<'a>(
    client: &Client,
    audiences: &[Audience],
    resources: &'a FoundResources,
    asked: Option<Scopes>,
) -> Result<(Scopes, Option<&'a Resource>), AccessDenied> {
    let resource = approve_audiences(client, audiences, resources)?;
    let about_people = client.scopes.about_people();
    let scopes = match asked {
        Some(asked)
            if client
                .scopes_for(resource)
                .union(&about_people)
                .contains_all(&asked) =>
        {
            asked
        }
        Some(_) => return Err(AccessDenied::ScopeNotAllowed),
        None => approve_scopes(client, resource, None, None)?,
    };
    Ok((scopes, resource))
}

/// The registered resource that the token is for, if it is for one: then it is for nothing else, so that no scope
/// of one resource is taken for a scope of another.
fn approve_audiences<'a>(
    client: &Client,
    audiences: &[Audience],
    resources: &'a FoundResources,
) -> Result<Option<&'a Resource>, AccessDenied> {
    let registered = audiences.iter().find_map(|one| resources.of(one));
    if registered.is_some() && audiences.len() > 1 {
        return Err(AccessDenied::SeveralResources);
    }
    // Scopes that a client holds for a resource that was deleted make it no audience.
    let listed = |one: &Audience| one.registered_in(&client.audiences).is_some();
    match registered.is_some() || audiences.iter().all(listed) {
        true => Ok(registered),
        false => Err(AccessDenied::ResourceNotAllowed),
    }
}

fn approve_scopes(
    client: &Client,
    resource: Option<&Resource>,
    limits: Option<&GrantLimits>,
    asked: Option<Scopes>,
) -> Result<Scopes, AccessDenied> {
    let has = client.scopes_for(resource);
    let (allowed, default) = match limits {
        None => {
            let default = client.default_scopes.intersection(&has);
            match resource {
                // Whoever holds scopes for a resource has named them: a client that has no default among them
                // wants them all.
                Some(_) if default.is_empty() => (has.clone(), has),
                _ => (has, default),
            }
        }
        // RFC 6749 §6: the granted scopes that the client still has.
        Some(limits) => {
            let has = has.union(&client.scopes.about_people());
            let both = limits.scopes.intersection(&has);
            (both.clone(), both)
        }
    };
    match asked {
        None => Ok(default),
        Some(asked) if allowed.contains_all(&asked) => Ok(asked),
        Some(_) => Err(AccessDenied::ScopeNotAllowed),
    }
}

/// A decision that exactly one token may be minted from: only [`approve`] makes it, nothing
/// copies it, and minting consumes it.
#[derive(Debug)]
pub struct ApprovedToken(ApprovedParts);

impl ApprovedToken {
    /// The algorithm that it is to be signed with; `None` is the issuer's first.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.0.algorithm
    }

    /// Whether it is bound to the key that the request has proved.
    pub(crate) fn is_bound(&self) -> bool {
        self.0.bound_to.is_some()
    }

    pub(crate) fn into_parts(self) -> ApprovedParts {
        self.0
    }
}

#[derive(Debug)]
pub(crate) struct ApprovedParts {
    pub client_id: ClientId,
    pub subject: String,
    pub scopes: Scopes,
    pub audiences: Vec<String>,
    pub algorithm: Option<Algorithm>,
    pub claims: StaticClaims,
    pub grant_id: Option<GrantId>,
    pub auth_time: Option<Timestamp>,
    pub act: Option<Actor>,
    pub bound_to: Option<KeyId>,
    pub parents: Vec<Parent>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub expires_in: u64,
}
