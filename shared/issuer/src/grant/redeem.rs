//! Redeeming a generation of a grant, the same for every kind of credential: prove, read, decide,
//! advance and print.
//!
//! The decision is pure and rests on one strongly consistent read; carrying it out is one
//! conditional write. Both are safe to repeat: the successor is derived and not random, so there is
//! only one (RFC 6749 §6, RFC 9700 §4.14).

use std::time::Duration;

use secrecy::SecretString;
use tokensmith_verifier::dpop::DpopRejection;
use tokensmith_verifier::{KeyId, Timestamp};

use super::PresentedTerms;
use crate::client::AuthenticatedClient;
use crate::credential::{CredentialKind, DeviceCode, GrantCredential, GrantId, HmacKey};
use crate::error::{Error, GrantDenied};
use crate::keys::HmacKeys;
use crate::names::IssuerUrl;
use crate::store::records::{Client, Grant, Origin, RefreshGrace, Subject};
use crate::store::{Change, StoreError, Table, Update};

/// A generation credential whose HMAC was verified: this issuer made it.
#[derive(Debug)]
pub struct ProvenCredential(GrantCredential);

impl ProvenCredential {
    /// Checks the HMAC of a credential that is presented as a `kind`. Nothing else makes a
    /// [`ProvenCredential`]. No I/O.
    ///
    /// # Errors
    /// [`GrantDenied`] when it is of another kind, or when this issuer did not make it with this
    /// key.
    pub fn prove(
        unproven: GrantCredential,
        kind: CredentialKind,
        key: &HmacKey,
        issuer: &IssuerUrl,
    ) -> Result<Self, GrantDenied> {
        // Every code is generation 0 and nothing else is, so the prefix and the generation must
        // agree.
        let fits = (unproven.generation == 0) == (kind == CredentialKind::AuthorizationCode);
        if unproven.kind != kind || !fits {
            return Err(GrantDenied::MalformedRefreshToken);
        }
        match key.proves(issuer, &unproven) {
            true => Ok(Self(unproven)),
            false => Err(GrantDenied::ForgedRefreshToken),
        }
    }

    /// A device code, whose request names the grant of this id. That, and the nonce, is its proof.
    pub fn of_device(code: &DeviceCode, grant_id: GrantId) -> Self {
        Self(GrantCredential::of_device(code, grant_id))
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

impl GrantState {
    /// Tokens of the subject issued at or before this time are invalid.
    pub fn subject_not_before(&self) -> Option<Timestamp> {
        self.subject.as_ref().and_then(|subject| subject.not_before)
    }
}

/// What has to be done with a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// It is the current one: the grant advances to its successor.
    Advance,
    /// It is the current one, and its client does not rotate refresh tokens: it stays current.
    Keep,
    /// It is the predecessor and still accepted: the client gets the same successor again, and
    /// nothing is written.
    Repeat,
    /// It was used after its grace: two parties have it, and the grant must be revoked.
    Revoke,
}

/// The result of a step.
#[derive(Debug)]
pub enum Advance {
    /// It was carried out.
    Advanced {
        /// The grant after it.
        grant: Box<Grant>,
        /// The refresh token that is current after it.
        refresh_token: SecretString,
    },
    /// Another request advanced the grant first; this is the grant as it is now.
    LostTo(Box<Grant>),
}

/// Redeems the credentials of one issuer.
#[derive(Debug)]
pub struct Redeemer<'a> {
    pub(crate) table: &'a Table,
    pub(crate) hmac_keys: &'a HmacKeys,
    pub(crate) issuer: &'a IssuerUrl,
}

impl Redeemer<'_> {
    /// Checks the HMAC of a credential that is presented as a `kind`. No I/O, unless its key
    /// version has not been loaded.
    ///
    /// # Errors
    /// [`GrantDenied`] when this issuer did not make it; [`Unavailable`] when its key is unknown.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn prove(
        &self,
        unproven: GrantCredential,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<ProvenCredential, Error> {
        let key = self.hmac_keys.version(unproven.hmac_version, now).await?;
        let proven = ProvenCredential::prove(unproven, kind, &key, self.issuer);
        Ok(proven?)
    }

    /// One strongly consistent read of a credential's grant, and of its subject's record.
    ///
    /// # Errors
    /// [`GrantDenied::UnknownGrant`] when there is no grant; [`Unavailable`] when it cannot be read.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn read(
        &self,
        proven: &ProvenCredential,
        now: Timestamp,
    ) -> Result<GrantState, Error> {
        let id = proven.credential().grant_id;
        let (grant_key, subject_key) = (Grant::key_of(id), Subject::key_of_hash(id.subject_hash()));
        let mut found = self.table.get_several(&[&grant_key, &subject_key]).await?;
        let grant = found.take(&grant_key)?.ok_or(GrantDenied::UnknownGrant)?;
        Ok(GrantState {
            grant: grant.record,
            subject: found.take(&subject_key)?.map(|subject| subject.record),
            read_at: now,
        })
    }

    /// Carries out a step with one write, and returns the refresh token that is current after it.
    ///
    /// # Errors
    /// [`GrantDenied::UnknownGrant`] when the grant is gone; [`Unavailable`] when it cannot be
    /// written.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn advance(
        &self,
        client: &AuthenticatedClient,
        grant: &Grant,
        step: Step,
        proven: &ProvenCredential,
        now: Timestamp,
    ) -> Result<Advance, Error> {
        let key = match step {
            Step::Advance => self.hmac_keys.newest(now).await?,
            _ => self.hmac_keys.version(grant.hmac_version, now).await?,
        };
        if step == Step::Repeat {
            return Ok(self.advanced(&key, grant.clone(), proven));
        }
        let mut next = advanced(grant, step, key.version(), client.record(), now);
        // The refresh tokens of a client that proves nothing else, from the first request with a proof on.
        if step == Step::Advance && client.record().is_public() && next.bound_to.is_none() {
            next.bound_to = client.key()?.cloned();
        }
        let change = advancing(grant, &next)?;
        match self.table.update(&Grant::key_of(grant.id), change).await? {
            Update::Applied(_) => Ok(self.advanced(&key, next, proven)),
            Update::Refused(Some(newer)) => Ok(Advance::LostTo(Box::new(newer.record))),
            Update::Refused(None) => Err(GrantDenied::UnknownGrant.into()),
        }
    }

    /// The outcome, with the grant's current refresh token. That is derived, so it is the same for every request.
    fn advanced(&self, key: &HmacKey, grant: Grant, proven: &ProvenCredential) -> Advance {
        let (kind, nonce) = (CredentialKind::RefreshToken, &proven.credential().nonce);
        Advance::Advanced {
            refresh_token: key.print(self.issuer, kind, grant.id, grant.generation, nonce),
            grant: Box::new(grant),
        }
    }
}

/// Decides what has to be done with a credential, once its client is authenticated and its HMAC
/// verified. A code is presented with `terms`.
///
/// # Errors
/// [`GrantDenied`] says why it is refused. Nothing may be written then.
pub fn decide(
    state: &GrantState,
    client: &Client,
    proven: &ProvenCredential,
    terms: Option<&PresentedTerms>,
    now: Timestamp,
) -> Result<Step, GrantDenied> {
    let (grant, presented) = (&state.grant, proven.credential());
    if grant.client_id != client.id {
        return Err(GrantDenied::GrantOfAnotherClient);
    }
    if grant.nonce_hash != presented.nonce.hash() {
        return Err(GrantDenied::ForgedRefreshToken);
    }
    if presented.generation == 0 {
        // Whoever does not know what the client knows is not the client, and ends no grant.
        match (grant.origin, presented.kind, &grant.code, terms) {
            (Origin::Code, CredentialKind::AuthorizationCode, Some(demanded), Some(terms)) => {
                terms.check(demanded)?;
            }
            (Origin::Device, CredentialKind::DeviceCode, None, None) => {}
            _ => return Err(GrantDenied::ForgedRefreshToken),
        }
    }
    standing(state, client, now)?;
    if presented.generation > grant.generation {
        return Err(GrantDenied::GenerationAhead);
    }
    // A device code is older than its grant, and has no HMAC.
    let has_hmac = presented.kind != CredentialKind::DeviceCode;
    match grant.generation - presented.generation {
        // The record names the version of the key that made the current credential. A credential of
        // this generation with another version is a forgery.
        0 if has_hmac && presented.hmac_version != grant.hmac_version => {
            Err(GrantDenied::ForgedRefreshToken)
        }
        // Redeeming a code always advances the grant to a refresh token.
        0 if client.refresh_rotation || presented.generation == 0 => Ok(Step::Advance),
        0 => Ok(Step::Keep),
        1 if is_honoured(grant, client, now) => Ok(Step::Repeat),
        _ => Ok(Step::Revoke),
    }
}

/// Whether the request has proved the key that the credential is bound to (RFC 9449 §5, §10). It is asked once [`decide`] knows
/// that the credential is the client's own, and before anything is done: whoever lacks the key ends no grant.
///
/// # Errors
/// [`DpopRejection`] when there is no proof, or one by another key.
pub fn check_binding(
    grant: &Grant,
    proven: &ProvenCredential,
    key: Option<&KeyId>,
) -> Result<(), DpopRejection> {
    let of_code = grant.code.as_ref().and_then(|code| code.bound_to.as_ref());
    // A code, or a device's, that is presented again rests on the key of the refresh token that it gave.
    let of_grant = grant.bound_to.as_ref();
    let bound_to = match proven.credential().generation {
        0 => of_code.or(of_grant),
        _ => of_grant,
    };
    match (bound_to, key) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(DpopRejection::MissingProof),
        (Some(bound_to), Some(key)) if bound_to == key => Ok(()),
        (Some(_), Some(_)) => Err(DpopRejection::AnotherKey),
    }
}

/// Whether a grant of `client` lives, whatever credential of it is presented.
///
/// # Errors
/// [`GrantDenied`] says what has ended it.
pub fn standing(state: &GrantState, client: &Client, now: Timestamp) -> Result<(), GrantDenied> {
    let grant = &state.grant;
    if grant.revoked_at.is_some() {
        return Err(GrantDenied::GrantRevoked);
    }
    if now >= grant.expires_at || now >= grant.idle_expires_at {
        return Err(GrantDenied::GrantExpired);
    }
    let covers =
        |not_before: Option<Timestamp>| not_before.is_some_and(|end| grant.created_at <= end);
    // A client that was deleted, and registered anew when nothing was known of it any more.
    if grant.created_at < client.created_at {
        return Err(GrantDenied::ClientRevoked);
    }
    if covers(client.not_before) {
        return Err(GrantDenied::ClientRevoked);
    }
    if covers(state.subject_not_before()) {
        return Err(GrantDenied::SubjectRevoked);
    }
    Ok(())
}

/// Whether the predecessor of the current refresh token is still accepted; an authorization code never is. Its
/// successor has not been used, because using it would have advanced the grant.
fn is_honoured(grant: &Grant, client: &Client, now: Timestamp) -> bool {
    let within = |grace: Duration| now < grant.rotated_at.after(grace);
    let is_first = grant.generation == 1;
    match (grant.origin, client.refresh_grace(grant.bound_to.is_some())) {
        (Origin::Device, _) if is_first => within(DEVICE_CODE_GRACE),
        _ if is_first => false,
        (_, RefreshGrace::UntilUsed) => true,
        (_, RefreshGrace::Seconds(grace)) => within(Duration::from_secs(grace)),
    }
}

/// The grant after `step`: with its next generation, made by `hmac_version`, or only marked as
/// used.
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

/// The one write of a step: from `grant` to `next`, unless the grant was revoked or has advanced.
///
/// # Errors
/// [`StoreError`] when the change cannot be expressed.
pub fn advancing(grant: &Grant, next: &Grant) -> Result<Change, StoreError> {
    let change = Change::of_existing()
        .if_equal("generation", grant.generation)?
        .if_absent("revoked_at")
        .set("generation", next.generation)?
        .set("hmac_version", next.hmac_version)?
        .set("rotated_at", next.rotated_at)?
        .set("idle_expires_at", next.idle_expires_at)?
        .expiring(next.forgotten_at());
    match &next.bound_to {
        Some(key) if grant.bound_to.is_none() => change.set("bound_to", key),
        _ => Ok(change),
    }
}

/// How long a redeemed device code is answered again, with the same refresh token. A device that has lost an answer polls again, and
/// polls less often from then on (RFC 8628 §3.5).
const DEVICE_CODE_GRACE: Duration = Duration::from_secs(60);
