//! What a change would end, counted for an operator who is asked before it is made. Nothing here
//! changes anything.
//!
//! Access tokens are not stored, so they cannot be counted: a client that is revoked loses all of its
//! own, and a key that is withdrawn all that it has signed.

use serde::Serialize;
use tokensmith_verifier::Algorithm;

use super::scan::GrantsWithOwners;
use super::standing::{judge, judge_one};
use super::{Administrator, ApiKeyError, ClientError, GrantsOf, RevokeError};
use crate::credential::{ApiKeyId, GrantId};
use crate::error::Unavailable;
use crate::keys::{KeyState, RetireError};
use crate::names::{ClientId, SubjectName};
use crate::store::StoreError;
use crate::store::records::{Grant, HMAC_KEYS, HmacKeyRecord, Subject};
use crate::token::Judged;

impl Administrator {
    /// What ends when a client's grants and tokens are revoked.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such client, or the table fails.
    pub async fn ending_of_client(&self, id: &ClientId) -> Result<Ending, ClientError> {
        self.client(id).await?;
        let grants = self.grants_of(GrantsOf::Client(id.clone()));
        Ok(Ending {
            grants: grants.live().await?,
            api_keys: self.api_keys_of(id).live().await?,
            ..Ending::default()
        })
    }

    /// What ends when an API key is revoked.
    ///
    /// # Errors
    /// [`ApiKeyError`] when there is no such key, or the table fails.
    pub async fn ending_of_api_key(&self, id: &ApiKeyId) -> Result<Ending, ApiKeyError> {
        let listed = self.api_key(id).await?;
        Ok(Ending {
            api_keys: usize::from(listed.standing.is_ok()),
            ..Ending::default()
        })
    }

    /// What ends when everything that a subject has granted is revoked.
    ///
    /// # Errors
    /// [`RevokeError`] when there is no such subject, or the table fails.
    pub async fn ending_of_subject(&self, name: &str) -> Result<Ending, RevokeError> {
        let known = self.table.get(&Subject::key_of(name)).await?;
        if known.is_none() {
            return Err(RevokeError::NothingFound);
        }
        // A name that no subject can have is a client's, which has given no grants.
        let grants = match name.parse::<SubjectName>() {
            Ok(subject) => self.grants_of(GrantsOf::Subject(subject)).live().await?,
            Err(_) => 0,
        };
        Ok(Ending {
            grants,
            ..Ending::default()
        })
    }

    /// What ends when a grant is revoked.
    ///
    /// # Errors
    /// [`RevokeError`] when there is no such grant, or the table fails.
    pub async fn ending_of_grant(&self, id: GrantId) -> Result<Ending, RevokeError> {
        let found = self.table.get(&Grant::key_of(id)).await?;
        let grant = found.ok_or(RevokeError::NothingFound)?.record;
        let now = self.time().await?.now();
        let judged = judge(&self.table, vec![Ok(grant)], now).await?;
        let live = judged
            .into_iter()
            .flatten()
            .filter(|one| one.standing.is_ok());
        Ok(Ending {
            grants: live.count(),
            ..Ending::default()
        })
    }

    /// What ends when a token is revoked, besides an access token itself.
    ///
    /// # Errors
    /// [`RevokeError`] when this issuer did not make the token, or when table or custody fail.
    pub async fn ending_of_token(&self, token: &str) -> Result<Ending, RevokeError> {
        match self.judge(token).await? {
            Judged::AccessToken { .. } => Ok(Ending::default()),
            Judged::RefreshToken { grant, .. } => self.ending_of_grant(grant.id).await,
            Judged::ApiKey { verdict, .. } => Ok(Ending {
                api_keys: usize::from(verdict.is_ok()),
                ..Ending::default()
            }),
            Judged::Unrecognized(why) => Err(why.into()),
            Judged::UnrecognizedCredential(why) => Err(why.into()),
        }
    }

    /// What ends when the signing keys of `algorithms` are replaced at once, or all keys if none is
    /// named.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn ending_of_keys(&self, algorithms: &[Algorithm]) -> Result<Ending, StoreError> {
        let keys = self.signing_keys().await?;
        let ends = keys.iter().filter(|listed| {
            let meant = algorithms.is_empty() || algorithms.contains(&listed.key.jwk.alg);
            meant && listed.state != KeyState::Retired
        });
        Ok(Ending {
            signing_keys: ends.count(),
            ..Ending::default()
        })
    }

    /// What ends when one signing key is withdrawn.
    ///
    /// # Errors
    /// [`RetireError`] when there is no such key, or the table fails.
    pub async fn ending_of_key(&self, key_id: &str) -> Result<Ending, RetireError> {
        let keys = self.signing_keys().await.map_err(Unavailable::from)?;
        let key = keys.iter().find(|one| one.key.jwk.kid.as_str() == key_id);
        match key.ok_or(RetireError::Unknown)?.state {
            KeyState::Active => Err(RetireError::Active),
            KeyState::Retired => Ok(Ending::default()),
            KeyState::Pending | KeyState::Retiring => Ok(Ending {
                signing_keys: 1,
                ..Ending::default()
            }),
        }
    }

    /// What ends when every key is replaced. This reads the whole table.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn ending_of_everything(&self) -> Result<Ending, StoreError> {
        let GrantsWithOwners {
            clients,
            subjects,
            grants,
        } = self.scan().grants_with_owners().await?;
        let now = self.time().await?.now();
        let live = grants.into_iter().filter(|grant| {
            let client = clients.get(&grant.client_id);
            let subject = subjects.get(&grant.id.subject_hash()).cloned();
            judge_one(grant.clone(), client, subject, now)
                .standing
                .is_ok()
        });
        let live = live.count();
        let hmac_keys = self.table.query_all::<HmacKeyRecord>(HMAC_KEYS).await?;
        let valid = hmac_keys.iter().filter(|key| key.withdrawn_at.is_none());
        Ok(Ending {
            grants: live,
            hmac_keys: valid.count(),
            ..self.ending_of_keys(&[]).await?
        })
    }

    /// What ends in a repair, which replaces every key if a time lies ahead, and otherwise does nothing.
    /// This reads the whole table.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn ending_of_repair(&self) -> Result<Ending, StoreError> {
        match self.has_times_ahead().await? {
            true => self.ending_of_everything().await,
            false => Ok(Ending::default()),
        }
    }
}

/// How much a change would end.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Ending {
    /// Grants with which tokens can be had now.
    pub grants: usize,
    /// API keys that are accepted now.
    pub api_keys: usize,
    /// Signing keys whose tokens are accepted now.
    pub signing_keys: usize,
    /// HMAC keys whose refresh tokens are accepted now.
    pub hmac_keys: usize,
    /// Browsers in which a user is signed in.
    #[serde(skip_serializing_if = "is_zero")]
    pub sessions: usize,
}

/// Only users have sessions.
fn is_zero(number: &usize) -> bool {
    *number == 0
}
