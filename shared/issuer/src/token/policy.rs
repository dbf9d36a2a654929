//! What a token may contain. Pure: it is given the time, and does no I/O.

use std::time::Duration;

use crate::client::AuthenticatedClient;
use crate::credential::GrantId;
use crate::error::{AccessDenied, Error, Unavailable};
use crate::grant::AskedAccess;
use crate::names::{Audience, ClientId, Scopes};
use crate::store::records::Client;
use tokensmith_verifier::Timestamp;

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
}

/// What a grant allows its tokens.
#[derive(Debug)]
pub struct GrantLimits {
    /// Its id, which its tokens have as `grant_id`.
    pub grant_id: GrantId,
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
}

/// Decides what the token contains: never more than client and grant allow.
///
/// # Errors
/// [`AccessDenied`] for a scope or resource that is not allowed; [`Unavailable::JustRevoked`] shortly
/// after a revocation that would cover the new token as well.
pub fn approve(
    client: &AuthenticatedClient,
    granted: GrantedAccess,
    issuer_ttl: Duration,
    now: Timestamp,
) -> Result<ApprovedToken, Error> {
    let record = client.record();
    let limits = granted.limits.as_ref();
    let scopes = approve_scopes(record, limits, granted.asked.scopes)?;
    let audiences = approve_audiences(record, limits, granted.asked.resources)?;
    // The `iat` of a token is the time of the oldest read that it rests on, so that a revocation
    // which that read could not see covers the token.
    let grant_read_at = limits.map_or(now, |limits| limits.read_at);
    let issued_at = client.read_at().min(grant_read_at).min(now);
    let not_before = record
        .not_before
        .max(limits.and_then(|limits| limits.not_before));
    if let Some(end) = not_before.filter(|end| issued_at <= *end) {
        return Err(Unavailable::JustRevoked(end).into());
    }
    let ttl = record.access_ttl.map_or(issuer_ttl, Duration::from_secs);
    let ends = [limits.map(|limits| limits.expires_at), granted.until];
    let own_end = issued_at.after(ttl);
    let expires_at = ends.into_iter().flatten().fold(own_end, Timestamp::min);
    Ok(ApprovedToken(ApprovedParts {
        client_id: record.id.clone(),
        subject: granted.subject,
        scopes,
        audiences: audiences.iter().map(ToString::to_string).collect(),
        grant_id: limits.map(|limits| limits.grant_id),
        issued_at,
        expires_at,
        expires_in: expires_at.since(now).as_secs(),
    }))
}

fn approve_scopes(
    client: &Client,
    limits: Option<&GrantLimits>,
    asked: Option<Scopes>,
) -> Result<Scopes, AccessDenied> {
    let (allowed, default) = match limits {
        None => (client.scopes.clone(), client.default_scopes.clone()),
        // RFC 6749 §6: the granted scopes that the client still has.
        Some(limits) => {
            let both = limits.scopes.intersection(&client.scopes);
            (both.clone(), both)
        }
    };
    match asked {
        None => Ok(default),
        Some(asked) if allowed.contains_all(&asked) => Ok(asked),
        Some(_) => Err(AccessDenied::ScopeNotAllowed),
    }
}

fn approve_audiences(
    client: &Client,
    limits: Option<&GrantLimits>,
    asked: Vec<Audience>,
) -> Result<Vec<Audience>, AccessDenied> {
    let granted = |audience: &Audience| {
        limits.is_none_or(|limits| audience.registered_in(&limits.audiences).is_some())
    };
    let mut allowed = client.audiences.iter().filter(|audience| granted(audience));
    if asked.is_empty() {
        let first = allowed.next().ok_or(AccessDenied::ResourceNotAllowed)?;
        return Ok(vec![first.clone()]);
    }
    // A token carries the spelling that the client is registered with.
    let allowed: Vec<Audience> = allowed.cloned().collect();
    let approved = asked.iter().map(|audience| {
        let registered = audience.registered_in(&allowed);
        registered.cloned().ok_or(AccessDenied::ResourceNotAllowed)
    });
    approved.collect()
}

/// A decision that exactly one token may be minted from: only [`approve`] makes it, nothing
/// copies it, and minting consumes it.
#[derive(Debug)]
pub struct ApprovedToken(ApprovedParts);

impl ApprovedToken {
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
    pub grant_id: Option<GrantId>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub expires_in: u64,
}
