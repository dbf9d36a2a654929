//! RFC 6749 §6 and RFC 9700 §4.14: a refresh token becomes a new access token and its successor.
//!
//! The decision is pure and takes what one strongly consistent read has found; carrying it out is
//! one conditional write. Both are safe to repeat: the successor is derived, so there is only one.

use std::time::Duration;

use crate::credential::{CredentialKind, GrantCredential, HmacKey};
use crate::error::Denied;
use crate::grant::AskedAccess;
use crate::names::IssuerUrl;
use crate::store::records::{Client, Grant, RefreshGrace, Subject};
use crate::store::{Change, StoreError};
use crate::token::{GrantLimits, GrantedAccess};
use tokensmith_verifier::Timestamp;

/// A refresh token whose HMAC is right: this issuer made it.
#[derive(Debug)]
pub struct ProvenRefreshToken(GrantCredential);

impl ProvenRefreshToken {
    /// Checks the HMAC; nothing else makes one. No I/O.
    ///
    /// # Errors
    /// [`Denied`] when it is no refresh token, or this issuer has not made it with this key.
    pub fn prove(
        unproven: GrantCredential,
        key: &HmacKey,
        issuer: &IssuerUrl,
    ) -> Result<Self, Denied> {
        if unproven.kind != CredentialKind::RefreshToken || unproven.generation == 0 {
            return Err(Denied::MalformedRefreshToken);
        }
        match key.proves(issuer, &unproven) {
            true => Ok(Self(unproven)),
            false => Err(Denied::ForgedRefreshToken),
        }
    }

    /// The credential.
    pub fn credential(&self) -> &GrantCredential {
        &self.0
    }
}

/// A grant and its subject, as one read has found them.
#[derive(Clone, Debug)]
pub struct GrantState {
    /// The grant.
    pub grant: Grant,
    /// Its subject's record; `None` when there is none.
    pub subject: Option<Subject>,
    /// When the read started.
    pub read_at: Timestamp,
}

/// What a refresh token is good for now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// It is the current one: it becomes its successor.
    Advance,
    /// It is the current one, and its client keeps it.
    Keep,
    /// It is the predecessor, still honoured: the same successor is handed out again, and nothing
    /// is written.
    Repeat,
    /// It was used again after its grace: the grant is to be revoked.
    Revoke,
}

/// Decides what `token` is good for. The client is authenticated; the token's HMAC is right.
///
/// # Errors
/// Why it is good for nothing. Nothing is to be written then.
pub fn decide(
    state: &GrantState,
    client: &Client,
    token: &ProvenRefreshToken,
    now: Timestamp,
) -> Result<Step, Denied> {
    let (grant, token) = (&state.grant, token.credential());
    if grant.client_id != client.id {
        return Err(Denied::GrantOfAnotherClient);
    }
    if grant.nonce_hash != token.nonce.hash() {
        return Err(Denied::ForgedRefreshToken);
    }
    if grant.revoked_at.is_some() {
        return Err(Denied::GrantRevoked);
    }
    if now >= grant.expires_at || now >= grant.idle_expires_at {
        return Err(Denied::GrantExpired);
    }
    let covers =
        |not_before: Option<Timestamp>| not_before.is_some_and(|end| grant.created_at <= end);
    if covers(client.not_before) {
        return Err(Denied::ClientRevoked);
    }
    if covers(
        state
            .subject
            .as_ref()
            .and_then(|subject| subject.not_before),
    ) {
        return Err(Denied::SubjectRevoked);
    }
    if token.generation > grant.generation {
        return Err(Denied::GenerationAhead);
    }
    match grant.generation - token.generation {
        // Only one version of the key has made the current credential.
        0 if token.hmac_version != grant.hmac_version => Err(Denied::ForgedRefreshToken),
        0 if client.refresh_rotation => Ok(Step::Advance),
        0 => Ok(Step::Keep),
        1 if is_honoured(grant, client, now) => Ok(Step::Repeat),
        _ => Ok(Step::Revoke),
    }
}

/// Whether the predecessor of the current refresh token is still honoured. Its successor has not
/// been used: then it would be no predecessor any more.
fn is_honoured(grant: &Grant, client: &Client, now: Timestamp) -> bool {
    match client.refresh_grace() {
        RefreshGrace::UntilUsed => true,
        RefreshGrace::Seconds(grace) => now < grant.rotated_at.after(Duration::from_secs(grace)),
    }
}

/// What the new access token may be good for.
pub fn grant(state: &GrantState, asked: AskedAccess) -> GrantedAccess {
    let grant = &state.grant;
    GrantedAccess {
        subject: grant.subject.to_string(),
        asked,
        limits: Some(GrantLimits {
            grant_id: grant.id,
            scopes: grant.scopes.clone(),
            audiences: grant.audiences.clone(),
            expires_at: grant.expires_at,
            not_before: state
                .subject
                .as_ref()
                .and_then(|subject| subject.not_before),
            read_at: state.read_at,
        }),
    }
}

/// The grant after `step`: with its next generation, made by `hmac_version`, or just used.
pub fn advanced(
    grant: &Grant,
    step: Step,
    hmac_version: u32,
    client: &Client,
    now: Timestamp,
) -> Grant {
    let mut next = grant.clone();
    if step == Step::Advance {
        next.generation += 1;
        next.hmac_version = hmac_version;
    }
    next.rotated_at = now;
    let idle_end = now.after(Duration::from_secs(client.refresh_ttl));
    next.idle_expires_at = idle_end.min(grant.expires_at);
    next
}

/// The one write of a refresh: from `grant` to `next`, unless the grant was revoked or has
/// advanced.
///
/// # Errors
/// [`StoreError`] when the change cannot be expressed.
pub fn advance(grant: &Grant, next: &Grant) -> Result<Change, StoreError> {
    Ok(Change::of_existing()
        .if_equal("generation", grant.generation)?
        .if_absent("revoked_at")
        .set("generation", next.generation)?
        .set("hmac_version", next.hmac_version)?
        .set("rotated_at", next.rotated_at)?
        .set("idle_expires_at", next.idle_expires_at)?
        .expiring(next.forgotten_at()))
}
