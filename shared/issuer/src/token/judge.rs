//! Says of any token whether it is live, and to an operator why not.
//!
//! Introspection and `tokensmith inspect` both ask here. An access token is judged by the
//! verifier's one verdict, on one read of its own keys; a refresh token by the same decision that
//! a refresh makes.

use tokensmith_verifier::{AccessTokenClaims, Expectations, Rejection, verdict};

use crate::Issuer;
use crate::credential::{CredentialKind, GrantCredential};
use crate::error::{Denied, Error, Unavailable};
use crate::grant::refresh_token::{GrantState, ProvenRefreshToken, Step, decide};
use crate::revocation::read_status;
use crate::store::Stored;
use crate::store::records::{Client, Grant, Subject};
use tokensmith_verifier::Timestamp;

/// A token, and what became of it.
#[derive(Debug)]
pub enum Judged {
    /// An access token that this issuer has signed.
    AccessToken {
        /// What it says.
        claims: AccessTokenClaims,
        /// Whether it is live.
        verdict: Result<(), Rejection>,
    },
    /// A refresh token that this issuer has made, with its grant.
    RefreshToken {
        /// Its grant.
        grant: Box<Grant>,
        /// Whether it would be honoured now.
        verdict: Result<(), Denied>,
    },
    /// An access token that this issuer has not signed, or no token at all.
    NoAccessToken(Rejection),
    /// A refresh token that this issuer has not made, or whose grant is gone.
    NoRefreshToken(Denied),
}

impl Issuer {
    /// Judges `token`.
    ///
    /// # Errors
    /// [`Unavailable`] when keys or records cannot be read.
    pub async fn judge(&self, token: &str) -> Result<Judged, Unavailable> {
        let now = self.clock.now();
        if CredentialKind::of(token).is_none() {
            return match self.keys.at(now).await?.verification().signed_claims(token) {
                Err(rejection) => Ok(Judged::NoAccessToken(rejection)),
                Ok(claims) => {
                    let verdict = self.judge_access_token(&claims, now).await?;
                    Ok(Judged::AccessToken { claims, verdict })
                }
            };
        }
        let judged = match GrantCredential::parse(token) {
            Err(_) => Err(Denied::MalformedRefreshToken.into()),
            Ok(unproven) => self.judge_refresh_token(unproven, now).await,
        };
        match judged {
            Ok((grant, verdict)) => Ok(Judged::RefreshToken {
                grant: Box::new(grant),
                verdict,
            }),
            Err(Error::Denied(denied)) => Ok(Judged::NoRefreshToken(denied)),
            Err(Error::Unavailable(unavailable)) => Err(unavailable),
        }
    }

    /// Checks a refresh token's HMAC. No I/O, unless its key version was never loaded.
    ///
    /// # Errors
    /// [`Denied`] when this issuer did not make it; [`Unavailable`] when its key is unknown.
    pub(crate) async fn prove(
        &self,
        unproven: GrantCredential,
        now: Timestamp,
    ) -> Result<ProvenRefreshToken, Error> {
        let key = self.hmac_keys.version(unproven.hmac_version, now).await?;
        let proven = ProvenRefreshToken::prove(unproven, &key, &self.config.issuer);
        Ok(proven?)
    }

    async fn judge_access_token(
        &self,
        claims: &AccessTokenClaims,
        now: Timestamp,
    ) -> Result<Result<(), Rejection>, Unavailable> {
        let expected = Expectations {
            issuer: self.config.issuer.as_str(),
            audience: None,
            now: now.seconds(),
            leeway: 0,
        };
        // What is dead by what it says needs no read.
        if let Err(rejection) = expected.check(claims) {
            return Ok(Err(rejection));
        }
        let standing = read_status(&self.table, claims).await?;
        Ok(verdict(claims, &expected, &standing))
    }

    async fn judge_refresh_token(
        &self,
        unproven: GrantCredential,
        now: Timestamp,
    ) -> Result<(Grant, Result<(), Denied>), Error> {
        let token = self.prove(unproven, now).await?;
        let state = self.read_grant(&token, now).await?;
        let client = self
            .table
            .get(&Client::key_of(&state.grant.client_id))
            .await?;
        let usable = |client: &Stored<Client>| !client.disabled && client.deleted_at.is_none();
        let verdict = match client.filter(usable) {
            None => Err(Denied::ClientDisabled),
            Some(client) => match decide(&state, &client, &token, now) {
                Ok(Step::Advance | Step::Keep | Step::Repeat) => Ok(()),
                Ok(Step::Revoke) => Err(Denied::RefreshTokenReused),
                Err(denied) => Err(denied),
            },
        };
        Ok((state.grant, verdict))
    }

    /// One strongly consistent read of a refresh token's grant, and of its subject's record.
    ///
    /// # Errors
    /// [`Denied::UnknownGrant`] when there is no grant; [`Unavailable`] when it cannot be read.
    pub(crate) async fn read_grant(
        &self,
        token: &ProvenRefreshToken,
        now: Timestamp,
    ) -> Result<GrantState, Error> {
        let id = token.credential().grant_id;
        let (grant_key, subject_key) = (Grant::key_of(id), Subject::key_of_hash(id.subject_hash()));
        let mut found = self.table.get_several(&[&grant_key, &subject_key]).await?;
        let grant = found.take(&grant_key)?.ok_or(Denied::UnknownGrant)?;
        Ok(GrantState {
            grant: grant.record,
            subject: found.take(&subject_key)?.map(|subject| subject.record),
            read_at: now,
        })
    }
}
