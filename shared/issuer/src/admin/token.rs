//! An access token that an operator makes in the name of a client, to try something.

use std::sync::Arc;

use super::audit::Made;
use super::{AdminEvent, Administrator, Changed};
use crate::Issuer;
use crate::client::AuthenticatedClient;
use crate::error::{ClientDenied, Denied, Error, Unavailable};
use crate::grant::{AskedAccess, client_credentials};
use crate::keys::{KeyAccess, Sign};
use crate::names::ClientId;
use crate::store::records::GrantType;
use crate::store::{CheckedTime, StoreError};
use crate::token::{self, MintedToken};

impl Administrator {
    /// The token that a client would get with `client_credentials`, signed by `signer`. It may be what the
    /// client may be, and no more. That it was made is recorded.
    ///
    /// # Errors
    /// [`IssueError`] when the client would not get it, or when table or custody fail.
    pub async fn issue_token(
        &self,
        signer: Arc<dyn Sign>,
        id: &ClientId,
        asked: AskedAccess,
    ) -> Result<Changed<MintedToken>, IssueError> {
        let issued = |jti| AdminEvent::TokenIssued {
            client: id.clone(),
            jti,
        };
        let change = |time: CheckedTime| async move {
            let minted = self.mint_token(signer, id, asked, time).await?;
            let event = issued(Some(minted.token_id.clone()));
            Ok(Made {
                outcome: minted,
                event,
                effective_by: time.latest(),
            })
        };
        self.recorded(issued(None), change).await
    }

    async fn mint_token(
        &self,
        signer: Arc<dyn Sign>,
        id: &ClientId,
        asked: AskedAccess,
        time: CheckedTime,
    ) -> Result<MintedToken, IssueError> {
        let now = time.now();
        let found = self.find_client(id).await?;
        let record = found.ok_or_else(|| IssueError::UnknownClient(id.clone()))?;
        let client = AuthenticatedClient::of_operator(record.record, now)?;
        if !client
            .record()
            .grant_types
            .contains(&GrantType::ClientCredentials)
        {
            return Err(ClientDenied::GrantTypeNotAllowed.into());
        }
        let granted = client_credentials::grant(&client, asked);
        let ttl = self.config.access_ttl;
        let audiences = granted.target().audiences(client.record());
        let audiences = audiences.map_err(Error::from)?;
        let resources = self.resources().find(audiences, ttl, now).await?;
        let approved = token::approve(&client, granted, &resources, ttl, now)?;
        let access = KeyAccess {
            open: None,
            sign: Some(signer),
        };
        let (config, table) = (self.config.clone(), self.table.clone());
        let issuer = Issuer::new(config, table, access, time.into());
        issuer
            .mint_for(&client, approved)
            .await
            .map_err(IssueError::from)
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// There is no such client.
    #[error("no client {0}")]
    UnknownClient(ClientId),
    /// The client may not have it.
    #[error("the client gets no such token: {0} ({reason})", reason = .0.reason().replace('_', " "))]
    Denied(#[from] Denied),
    /// Table or custody failed.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

impl From<Error> for IssueError {
    fn from(err: Error) -> Self {
        match err {
            Error::Denied(denied) => Self::Denied(denied),
            Error::Unavailable(unavailable) => Self::Unavailable(unavailable),
        }
    }
}

impl From<ClientDenied> for IssueError {
    fn from(denied: ClientDenied) -> Self {
        Self::Denied(denied.into())
    }
}

impl From<StoreError> for IssueError {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}
