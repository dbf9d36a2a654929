//! Says whether a token is active, and to an operator also why not.
//!
//! Introspection and `tokensmith inspect` both use this. An access token is judged by the
//! verifier's verdict, on one read of the records that can have revoked it; a refresh token by the
//! same decision that a refresh makes.

use tokensmith_verifier::{
    AccessTokenClaims, Expectations, Rejection, RevocationStatus, SignedClaims, Timestamp, verdict,
};

use crate::Issuer;
use crate::api_key::{self, read_presented};
use crate::credential::{ApiKeySecret, CredentialKind, GrantCredential};
use crate::error::{ApiKeyDenied, ClientDenied, Denied, Error, GrantDenied, Unavailable};
use crate::grant::redeem::{self, GrantState, Step};
use crate::keys::KeySet;
use crate::revocation::read_status;
use crate::store::records::{ApiKey, Client, Grant};

/// A token after its judgement.
#[derive(Debug)]
pub enum Judged {
    /// An access token that this issuer signed.
    AccessToken {
        /// Its claims.
        claims: Box<AccessTokenClaims>,
        /// Whether it is active.
        verdict: Result<(), Rejection>,
    },
    /// A refresh token that this issuer made, with its grant.
    RefreshToken {
        /// Its grant.
        grant: Box<Grant>,
        /// Whether a refresh with it would succeed now.
        verdict: Result<(), Denied>,
    },
    /// An API key that this issuer made, and that was presented whole.
    ApiKey {
        /// The key.
        key: Box<ApiKey>,
        /// Whether it is accepted now.
        verdict: Result<(), Denied>,
    },
    /// Neither an access token that this issuer signed, nor one of its credentials.
    Unrecognized(Rejection),
    /// A refresh token or code that this issuer did not make, or whose grant no longer exists.
    UnrecognizedCredential(Denied),
}

impl Judged {
    /// Whether the key that made the token was withdrawn.
    pub(crate) fn is_of_withdrawn_key(&self) -> bool {
        match self {
            Self::Unrecognized(why) => *why == Rejection::KeyWithdrawn,
            Self::UnrecognizedCredential(why) => *why == GrantDenied::WithdrawnKey.into(),
            Self::AccessToken { verdict, .. } => *verdict == Err(Rejection::KeyWithdrawn),
            Self::RefreshToken { .. } | Self::ApiKey { .. } => false,
        }
    }
}

impl Issuer {
    /// Judges `token`.
    ///
    /// # Errors
    /// [`Unavailable`] when keys or records cannot be read.
    pub async fn judge(&self, token: &str) -> Result<Judged, Unavailable> {
        let now = self.clock.now();
        if ApiKeySecret::is_meant(token) {
            return self.judge_api_key(token, now).await;
        }
        if CredentialKind::of(token).is_none() {
            return self.judge_access_token(token, now).await;
        }
        let judged = match GrantCredential::parse(token) {
            Err(_) => Err(GrantDenied::MalformedRefreshToken.into()),
            Ok(unproven) => self.judge_refresh_token(unproven, now).await,
        };
        match judged {
            Ok((grant, verdict)) => Ok(Judged::RefreshToken {
                grant: Box::new(grant),
                verdict,
            }),
            Err(Error::Denied(denied)) => Ok(Judged::UnrecognizedCredential(denied)),
            Err(Error::Unavailable(unavailable)) => Err(unavailable),
        }
    }

    async fn judge_api_key(&self, token: &str, now: Timestamp) -> Result<Judged, Unavailable> {
        let unrecognized = |why| Judged::UnrecognizedCredential(ClientDenied::ApiKey(why).into());
        let Ok(presented) = ApiKeySecret::parse(token) else {
            return Ok(unrecognized(ApiKeyDenied::MalformedApiKey));
        };
        let key = match read_presented(&self.table, &presented).await? {
            Ok(key) => key,
            Err(denied) => return Ok(unrecognized(denied)),
        };
        let client = self.table.get(&Client::key_of(&key.client_id)).await?;
        let client = client.map(|client| client.record);
        let verdict = api_key::standing(&key, client.as_ref(), now);
        Ok(Judged::ApiKey {
            key: Box::new(key),
            verdict: verdict.map_err(|why| ClientDenied::ApiKey(why).into()),
        })
    }

    /// Judges what must be an access token: everything else is [`Judged::Unrecognized`]. It needs no private key.
    pub(crate) async fn judge_access_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Judged, Unavailable> {
        let keys = self.keys.at(now).await?;
        match keys.signed_claims(token) {
            Err(rejection) => Ok(Judged::Unrecognized(rejection)),
            Ok(signed) => {
                let verdict = self.judge_claims(&signed, &keys, now).await?;
                Ok(Judged::AccessToken {
                    claims: Box::new(signed.claims),
                    verdict,
                })
            }
        }
    }

    async fn judge_claims(
        &self,
        signed: &SignedClaims,
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<Result<(), Rejection>, Unavailable> {
        let (claims, expected) = (&signed.claims, self.expected_of_own_tokens(now));
        // A token that is refused for its claims, such as an expired one, needs no read.
        if let Err(rejection) = expected.check(claims) {
            return Ok(Err(rejection));
        }
        let standing = RevocationStatus {
            key_withdrawn: signed.key_ids().any(|key| keys.is_withdrawn(key)),
            ..read_status(&self.table, claims, now).await?
        };
        Ok(verdict(claims, &expected, &standing))
    }

    /// What holds of every access token that this issuer has made, for whatever resource, and that has not expired.
    pub(crate) fn expected_of_own_tokens(&self, now: Timestamp) -> Expectations<'_> {
        Expectations {
            issuer: self.config.issuer.as_str(),
            audience: None,
            now: now.seconds(),
            leeway: 0,
        }
    }

    async fn judge_refresh_token(
        &self,
        unproven: GrantCredential,
        now: Timestamp,
    ) -> Result<(Grant, Result<(), Denied>), Error> {
        let (redeemer, kind) = (self.redeemer()?, CredentialKind::RefreshToken);
        let proven = redeemer.prove(unproven, kind, now).await?;
        let state = redeemer.read(&proven, now).await?;
        let key = Client::key_of(&state.grant.client_id);
        let client = self.table.get(&key).await?.map(|client| client.record);
        let verdict = match usable(client.as_ref()) {
            Err(denied) => Err(denied),
            Ok(client) => match redeem::decide(&state, client, &proven, None, now) {
                Ok(Step::Advance | Step::Keep | Step::Repeat) => Ok(()),
                Ok(Step::Revoke) => Err(GrantDenied::RefreshTokenReused.into()),
                Err(denied) => Err(denied.into()),
            },
        };
        Ok((state.grant, verdict))
    }
}

/// Whether tokens can be had with a grant, and if not, why: what a refresh decides whatever token is
/// presented. `client` is the record of the grant's client, if there is one.
///
/// # Errors
/// [`Denied`] says what has ended the grant.
pub fn standing(state: &GrantState, client: Option<&Client>, now: Timestamp) -> Result<(), Denied> {
    Ok(redeem::standing(state, usable(client)?, now)?)
}

/// The client, if it can authenticate.
fn usable(client: Option<&Client>) -> Result<&Client, Denied> {
    client
        .filter(|client| client.is_usable())
        .ok_or_else(|| ClientDenied::ClientDisabled.into())
}
