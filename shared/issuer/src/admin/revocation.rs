//! An operator inspects and revokes tokens. Unlike a client, an operator may revoke anything.

use tokensmith_verifier::Rejection;

use super::{AdminEvent, Administrator};
use crate::Issuer;
use crate::credential::GrantId;
use crate::error::{Denied, Unavailable};
use crate::keys::KeyAccess;
use crate::names::ClientId;
use crate::revocation::{
    RevokeOutcome, revoke_access_token, revoke_client, revoke_grant, revoke_subject,
};
use crate::store::StoreError;
use crate::token::Judged;

impl Administrator {
    /// Says whether a token is active, and if not, why.
    ///
    /// # Errors
    /// [`Unavailable`] when keys or records cannot be read.
    pub async fn judge(&self, token: &str) -> Result<Judged, Unavailable> {
        let access = KeyAccess {
            open: Some(self.opener.clone()),
            sign: None,
        };
        let (config, table) = (self.config.clone(), self.table.clone());
        let issuer = Issuer::new(config, table, access, self.clock.clone());
        issuer.judge(token).await
    }

    /// Revokes an access token, or a refresh token with its whole grant.
    ///
    /// # Errors
    /// [`RevokeError`] when this issuer did not make the token, or when table or custody fail.
    pub async fn revoke_token(&self, token: &str) -> Result<(Revoked, AdminEvent), RevokeError> {
        let claims = match self.judge(token).await? {
            Judged::AccessToken { claims, .. } => claims,
            Judged::RefreshToken { grant, .. } => return self.revoke_grant(grant.id).await,
            Judged::Unrecognized(why) => return Err(why.into()),
            Judged::UnrecognizedCredential(why) => return Err(why.into()),
        };
        let outcome = revoke_access_token(&self.table, &claims, self.clock.now()).await?;
        done(outcome, Revoked::AccessToken { jti: claims.jti })
    }

    /// Revokes a grant and all its tokens.
    ///
    /// # Errors
    /// [`RevokeError`] when there is no such grant, or the table fails.
    pub async fn revoke_grant(
        &self,
        grant_id: GrantId,
    ) -> Result<(Revoked, AdminEvent), RevokeError> {
        let outcome = revoke_grant(&self.table, grant_id, None, self.clock.now()).await?;
        done(outcome, Revoked::Grant { grant_id })
    }

    /// Revokes all grants and tokens that a client has now. Later ones are valid.
    ///
    /// # Errors
    /// [`RevokeError`] when there is no such client, or the table fails.
    pub async fn revoke_client(
        &self,
        client_id: ClientId,
    ) -> Result<(Revoked, AdminEvent), RevokeError> {
        let outcome = revoke_client(&self.table, &client_id, &self.clock).await?;
        done(outcome, Revoked::Client { client_id })
    }

    /// Revokes all grants that a subject has given until now, and all tokens issued for it.
    ///
    /// # Errors
    /// [`RevokeError`] when there is no such subject, or the table fails.
    pub async fn revoke_subject(
        &self,
        subject: String,
    ) -> Result<(Revoked, AdminEvent), RevokeError> {
        let outcome = revoke_subject(&self.table, &subject, &self.clock).await?;
        done(outcome, Revoked::Subject { subject })
    }
}

fn done(outcome: RevokeOutcome, what: Revoked) -> Result<(Revoked, AdminEvent), RevokeError> {
    match outcome {
        RevokeOutcome::Revoked => Ok((what.clone(), AdminEvent::Revoked(what))),
        RevokeOutcome::NothingFound => Err(RevokeError::NothingFound),
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
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for RevokeError {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}
