//! An operator inspects and revokes tokens. Unlike a client, an operator may revoke anything.

use tokensmith_verifier::{AccessTokenClaims, Rejection};

use super::audit::Made;
use super::{AdminEvent, Administrator, Changed};
use crate::Issuer;
use crate::credential::{ApiKeyId, GrantId};
use crate::error::{Denied, Unavailable};
use crate::keys::KeyAccess;
use crate::names::ClientId;
use crate::revocation::{
    RevokeOutcome, revoke_access_token, revoke_api_key, revoke_client, revoke_grant, revoke_subject,
};
use crate::store::records::ApiKey;
use crate::store::{CheckedTime, StoreError};
use crate::token::{Judged, TokenChain};

impl Administrator {
    /// Says whether a token is active, and if not, why.
    ///
    /// # Errors
    /// [`Unavailable`] when keys or records cannot be read.
    pub async fn judge(&self, token: &str) -> Result<Judged, Unavailable> {
        self.judging_issuer().await?.judge(token).await
    }

    /// What a token rests on that this issuer has signed, and which of it has ended.
    ///
    /// # Errors
    /// [`Unavailable`] when keys or records cannot be read.
    pub async fn chain_of(&self, claims: &AccessTokenClaims) -> Result<TokenChain, Unavailable> {
        self.judging_issuer().await?.chain_of(claims).await
    }

    async fn judging_issuer(&self) -> Result<Issuer, Unavailable> {
        let access = KeyAccess {
            open: Some(self.opener.clone()),
            sign: None,
        };
        let (config, table) = (self.config.clone(), self.table.clone());
        let clock = self.time().await?.into();
        Ok(Issuer::new(config, table, access, clock))
    }

    /// Revokes an access token, a refresh token with its whole grant, or an API key.
    ///
    /// # Errors
    /// [`RevokeError`] when this issuer did not make the token, or when table or custody fail.
    pub async fn revoke_token(&self, token: &str) -> Result<Changed<Revoked>, RevokeError> {
        let claims = match self.judge(token).await? {
            Judged::AccessToken { claims, .. } => claims,
            Judged::RefreshToken { grant, .. } => return self.revoke_grant(grant.id).await,
            Judged::ApiKey { key, .. } => return self.revoke_presented_key(&key).await,
            Judged::Unrecognized(why) => return Err(why.into()),
            Judged::UnrecognizedCredential(why) => return Err(why.into()),
        };
        let jti = claims.jti.clone();
        let event = AdminEvent::TokenRevoked { jti: jti.clone() };
        let change = |time: CheckedTime| async move {
            let outcome = revoke_access_token(&self.table, &claims, time.now()).await?;
            self.done(outcome, Revoked::AccessToken { jti }, time)
        };
        self.recorded(event, change).await
    }

    async fn revoke_presented_key(&self, key: &ApiKey) -> Result<Changed<Revoked>, RevokeError> {
        let revoked = Revoked::ApiKey {
            key_id: key.id.clone(),
            client_id: key.client_id.clone(),
        };
        let event = revoked.event();
        let change = |time: CheckedTime| async move {
            let outcome = revoke_api_key(&self.table, &key.id, None, time.now()).await?;
            self.done(outcome, revoked, time)
        };
        self.recorded(event, change).await
    }

    /// Revokes a grant and all its tokens.
    ///
    /// # Errors
    /// [`RevokeError`] when there is no such grant, or the table fails.
    pub async fn revoke_grant(&self, grant_id: GrantId) -> Result<Changed<Revoked>, RevokeError> {
        let event = AdminEvent::GrantRevoked { grant: grant_id };
        let change = |time: CheckedTime| async move {
            let outcome = revoke_grant(&self.table, grant_id, None, time.now()).await?;
            self.done(outcome, Revoked::Grant { grant_id }, time)
        };
        self.recorded(event, change).await
    }

    /// Revokes all grants and tokens that a client has now. Later ones are valid.
    ///
    /// # Errors
    /// [`RevokeError`] when there is no such client, or the table fails.
    pub async fn revoke_client(
        &self,
        client_id: ClientId,
    ) -> Result<Changed<Revoked>, RevokeError> {
        let event = AdminEvent::ClientRevoked {
            client: client_id.clone(),
        };
        let change = |time: CheckedTime| async move {
            let outcome = revoke_client(&self.table, &client_id, &time).await?;
            self.done(outcome, Revoked::Client { client_id }, time)
        };
        self.recorded(event, change).await
    }

    /// Revokes all grants that a subject has given until now, and all tokens issued for it.
    ///
    /// # Errors
    /// [`RevokeError`] when there is no such subject, or the table fails.
    pub async fn revoke_subject(&self, subject: String) -> Result<Changed<Revoked>, RevokeError> {
        let event = AdminEvent::SubjectRevoked {
            subject: subject.clone(),
        };
        let change = |time: CheckedTime| async move {
            let outcome = revoke_subject(&self.table, &subject, &time).await?;
            self.done(outcome, Revoked::Subject { subject }, time)
        };
        self.recorded(event, change).await
    }

    fn done(
        &self,
        outcome: RevokeOutcome,
        what: Revoked,
        time: CheckedTime,
    ) -> Result<Made<Revoked>, RevokeError> {
        match outcome {
            RevokeOutcome::Revoked => {
                let event = what.event();
                Ok(self.in_feed(what, event, time))
            }
            RevokeOutcome::NothingFound => Err(RevokeError::NothingFound),
        }
    }
}

/// What was revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revoked {
    /// One access token.
    AccessToken {
        /// Its id.
        jti: String,
    },
    /// A grant and all its tokens.
    Grant {
        /// The grant.
        grant_id: GrantId,
    },
    /// An API key, and all tokens that it was exchanged for.
    ApiKey {
        /// Its public id.
        key_id: ApiKeyId,
        /// Whose it was.
        client_id: ClientId,
    },
    /// All grants and tokens that a client had.
    Client {
        /// The client.
        client_id: ClientId,
    },
    /// All grants that a subject had given, and their tokens.
    Subject {
        /// The subject.
        subject: String,
    },
}

impl Revoked {
    fn event(&self) -> AdminEvent {
        match self.clone() {
            Self::AccessToken { jti } => AdminEvent::TokenRevoked { jti },
            Self::Grant { grant_id } => AdminEvent::GrantRevoked { grant: grant_id },
            Self::ApiKey { key_id, client_id } => AdminEvent::ApiKeyRevoked {
                key: key_id,
                client: Some(client_id),
            },
            Self::Client { client_id } => AdminEvent::ClientRevoked { client: client_id },
            Self::Subject { subject } => AdminEvent::SubjectRevoked { subject },
        }
    }
}

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// There is no grant, client or subject of that name.
    #[error("there is nothing of that name to revoke")]
    NothingFound,
    /// This issuer did not sign this access token.
    #[error(transparent)]
    Unrecognized(#[from] Rejection),
    /// This issuer did not make this refresh token, or its grant no longer exists.
    #[error(transparent)]
    UnrecognizedCredential(#[from] Denied),
    /// Table or custody failed.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for RevokeError {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}
