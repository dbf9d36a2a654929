//! A client exchanges an access token that was sent to its API, to go on for the subject of the token.
//!
//! Pure: signatures are verified with keys that are there, and the records that can have ended the tokens are read elsewhere.

use secrecy::ExposeSecret;
use tokensmith_verifier::{
    AccessTokenClaims, Actor, Confirmation, Expectations, KeyId, Parent, Rejection,
    RevocationStatus, SignedClaims, Timestamp, verdict,
};

use super::PresentedTokens;
use crate::client::FoundResources;
use crate::error::ExchangeDenied;
use crate::grant::AskedAccess;
use crate::keys::KeySet;
use crate::names::{Audience, ClientId, Scopes};
use crate::store::records::Resource;
use crate::token::{Delegated, GrantLimits, GrantedAccess};

/// The access tokens of a request that this issuer has signed, and that have not expired.
#[derive(Debug)]
pub struct SignedDelegation {
    subject: SignedClaims,
    actor: Option<SignedClaims>,
}

impl SignedDelegation {
    /// Verifies the signatures of what was presented. No I/O.
    ///
    /// # Errors
    /// [`ExchangeDenied`] for what this issuer did not sign, or what has expired.
    pub fn verify(
        tokens: &PresentedTokens,
        keys: &KeySet,
        expected: &Expectations<'_>,
    ) -> Result<Self, ExchangeDenied> {
        let signed = |token: &str| -> Result<SignedClaims, Rejection> {
            let signed = keys.signed_claims(token)?;
            expected.check(&signed.claims)?;
            Ok(signed)
        };
        let subject = signed(tokens.subject.expose_secret());
        let actor = tokens.actor.as_ref().map(|actor| {
            let actor = signed(actor.expose_secret());
            actor.map_err(ExchangeDenied::Actor)
        });
        Ok(Self {
            subject: subject.map_err(ExchangeDenied::Subject)?,
            actor: actor.transpose()?,
        })
    }

    /// The claims of the subject token, and of the actor token if there is one.
    pub fn claims(&self) -> Vec<&AccessTokenClaims> {
        let tokens = std::iter::once(&self.subject).chain(&self.actor);
        tokens.map(|token| &token.claims).collect()
    }

    /// The resources that matter: those of the tokens, and those that a token is asked for.
    pub fn resources(&self, asked: &AskedAccess) -> Vec<Audience> {
        let claims = self.claims().into_iter();
        let own = claims.flat_map(|claims| claims.aud.as_slice());
        let own = own.filter_map(|one| one.parse().ok());
        own.chain(asked.resources.iter().cloned()).collect()
    }

    /// Checks that `client` may exchange these tokens, and that they can be exchanged at all.
    ///
    /// # Errors
    /// [`ExchangeDenied`] says why not.
    pub fn check(
        &self,
        client: &ClientId,
        resources: &FoundResources,
    ) -> Result<(), ExchangeDenied> {
        let subject = &self.subject.claims;
        let from = sole_audience(subject).ok_or(ExchangeDenied::SubjectNotOwned)?;
        if !owns(client, &from, resources) {
            return Err(ExchangeDenied::SubjectNotOwned);
        }
        if let Some(SignedClaims { claims: actor, .. }) = &self.actor {
            // Whoever presents it must be its client, or have got it as a resource server.
            let is_own = actor.client_id == client.as_str();
            let for_own = || sole_audience(actor).is_some_and(|one| owns(client, &one, resources));
            if !is_own && !for_own() {
                return Err(ExchangeDenied::ActorNotOwned);
            }
            // Whom an actor acts for would be lost: `act` has one chain, and it is the subject's.
            if actor.act.is_some() {
                return Err(ExchangeDenied::ActorIsDelegated);
            }
        }
        Ok(())
    }

    /// Judges the tokens by what one read of their records says, which began at `read_at`: `statuses` has the subject token
    /// and the actor token.
    ///
    /// # Errors
    /// [`ExchangeDenied`] when one of them is dead.
    pub fn judge(
        self,
        statuses: &[RevocationStatus],
        keys: &KeySet,
        expected: &Expectations<'_>,
        read_at: Timestamp,
    ) -> Result<Delegation, ExchangeDenied> {
        let judge = |token: &SignedClaims, status: &RevocationStatus| {
            let key_withdrawn = token.key_ids().any(|key| keys.is_withdrawn(key));
            let status = RevocationStatus {
                key_withdrawn,
                ..*status
            };
            verdict(&token.claims, expected, &status)
        };
        let mut statuses_left = statuses.iter();
        // Without a status nothing is known of a token, so it is not let pass.
        let mut next = || {
            statuses_left
                .next()
                .copied()
                .unwrap_or(RevocationStatus::GONE)
        };
        judge(&self.subject, &next()).map_err(ExchangeDenied::Subject)?;
        if let Some(actor) = &self.actor {
            judge(actor, &next()).map_err(ExchangeDenied::Actor)?;
        }
        let all = statuses.iter().copied();
        Ok(Delegation {
            signed: self,
            status: all.fold(RevocationStatus::default(), RevocationStatus::or),
            read_at,
        })
    }
}

/// Live tokens, and what one read of their records has said.
#[derive(Debug)]
pub struct Delegation {
    signed: SignedDelegation,
    status: RevocationStatus,
    read_at: Timestamp,
}

impl Delegation {
    /// Checks again that `client` may exchange these tokens, on records that may be newer.
    ///
    /// # Errors
    /// [`ExchangeDenied`] says why not.
    pub fn check(
        &self,
        client: &ClientId,
        resources: &FoundResources,
    ) -> Result<(), ExchangeDenied> {
        self.signed.check(client, resources)
    }

    /// Whether `key`, which the request has proved, makes up for the keys that its tokens are bound to: it is the same, or the new
    /// token is bound to it. A thief of a bound token gets none that is worth more to them (RFC 9449 §7.2).
    ///
    /// # Errors
    /// [`ExchangeDenied::BoundToken`] when it does not.
    pub fn check_binding(
        &self,
        key: Option<&KeyId>,
        is_new_one_bound: bool,
    ) -> Result<(), ExchangeDenied> {
        let claims = self.signed.claims().into_iter();
        let mut keys = claims.filter_map(|claims| claims.cnf.as_ref());
        let made_up_for = |bound_to: &Confirmation| {
            key.is_some_and(|key| is_new_one_bound || bound_to.jkt == *key)
        };
        match keys.all(made_up_for) {
            true => Ok(()),
            false => Err(ExchangeDenied::BoundToken),
        }
    }

    /// The subject of the new token is that of the subject token. What is issued opens no more than it, and ends with it.
    ///
    /// # Errors
    /// [`ExchangeDenied`] when the chain would be too long.
    pub fn grant(
        &self,
        client: &ClientId,
        asked: AskedAccess,
    ) -> Result<GrantedAccess, ExchangeDenied> {
        let subject = &self.signed.subject.claims;
        let from = sole_audience(subject).ok_or(ExchangeDenied::SubjectNotOwned)?;
        let malformed = ExchangeDenied::Subject(Rejection::Malformed);
        let scopes: Scopes = subject
            .scope
            .as_deref()
            .unwrap_or_default()
            .parse()
            .map_err(|_| malformed)?;
        let ends = self.signed.claims().into_iter().map(|claims| claims.exp);
        let not_before = self.status.client_not_before;
        let not_before = not_before.max(self.status.subject_not_before);
        let auth_time = subject
            .other
            .get("auth_time")
            .and_then(|time| time.as_u64());
        Ok(GrantedAccess {
            subject: subject.sub.clone(),
            asked,
            limits: Some(GrantLimits {
                grant_id: None,
                scopes,
                audiences: vec![from.clone()],
                expires_at: Timestamp::from_seconds(ends.min().unwrap_or_default()),
                not_before: not_before.map(Timestamp::from_seconds),
                read_at: self.read_at,
                auth_time: auth_time.map(Timestamp::from_seconds),
            }),
            until: None,
            delegated: Some(Delegated {
                act: self.actor(client)?,
                from,
            }),
            parents: self.parents()?,
        })
    }

    /// Who acts: the subject of the actor token, or the client; and then whoever has acted so far (RFC 8693 §4.1).
    fn actor(&self, client: &ClientId) -> Result<Actor, ExchangeDenied> {
        let actor = self.signed.actor.as_ref();
        let sub = actor.map_or(client.as_str(), |actor| &actor.claims.sub);
        let actor = Actor {
            sub: sub.to_owned(),
            act: self.signed.subject.claims.act.clone().map(Box::new),
        };
        match actor.chain().count() > MAX_ACTORS {
            true => Err(ExchangeDenied::TooManyActors),
            false => Ok(actor),
        }
    }

    /// Everything that the new token ends with, the oldest first.
    fn parents(&self) -> Result<Vec<Parent>, ExchangeDenied> {
        let mut parents: Vec<Parent> = Vec::new();
        for token in std::iter::once(&self.signed.subject).chain(&self.signed.actor) {
            for parent in lineage(token) {
                if !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
        }
        match parents.len() > MAX_PARENTS {
            true => Err(ExchangeDenied::TooManyParents),
            false => Ok(parents),
        }
    }
}

/// What a token was exchanged for, and then the token itself, each with the key that signed it.
fn lineage(token: &SignedClaims) -> Vec<Parent> {
    let SignedClaims { key_id, claims } = token;
    let mut lineage: Vec<_> = claims
        .parents
        .iter()
        .map(|parent| parent.clone().signed_by(key_id))
        .collect();
    lineage.push(Parent::Token {
        jti: claims.jti.clone(),
        client_id: claims.client_id.clone(),
        grant_id: claims.grant_id.clone(),
        kid: Some(KeyId::clone(key_id)),
    });
    lineage
}

/// The one audience of a token. Whose the scopes of a token for several are, nobody can say.
fn sole_audience(claims: &AccessTokenClaims) -> Option<Audience> {
    match claims.aud.as_slice() {
        [one] => one.parse().ok(),
        _ => None,
    }
}

fn owns(client: &ClientId, resource: &Audience, resources: &FoundResources) -> bool {
    let registered: Option<&Resource> = resources.of(resource);
    registered.is_some_and(|resource| resource.owners.contains(client))
}

/// How many may have acted, one after the other.
const MAX_ACTORS: usize = 4;

/// How much a token may rest on. Each is read, and bounds what a request with the token costs.
const MAX_PARENTS: usize = 8;
