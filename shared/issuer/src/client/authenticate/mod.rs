//! Client authentication (RFC 6749 §2.3): evidence becomes an authenticated client.
//!
//! Evidence is gathered first, and may wait for reads; the decision on it is pure and may be taken
//! twice. Neither consumes anything: what can be used once travels as a [`Claim`] and is inserted
//! when the request is carried out.

mod claim;
mod secret;

use std::sync::Arc;

use tokensmith_verifier::Timestamp;

use super::PresentedCredentials;
use crate::error::{ClientDenied, Error};
use crate::store::Table;
use crate::store::records::{AuthenticationMethod, Client};

pub use claim::Claim;

/// What a request presents of its client, and what one read has found of it.
#[derive(Debug)]
pub struct Evidence<'a> {
    pub(super) presented: &'a PresentedCredentials,
    /// The client's record; `None` when there is no such client.
    pub(super) record: Option<Arc<Client>>,
    /// When the read of the record started.
    pub(super) read_at: Timestamp,
    /// The moment of this request.
    pub(super) now: Timestamp,
    /// Whether the record is a cached one that may be read anew.
    pub(super) may_renew: bool,
    /// What the presented credentials use up.
    pub(super) claims: Vec<Claim>,
}

impl Evidence<'_> {
    /// Decides whether the client is who it says it is. Pure: it may be asked again.
    ///
    /// An unknown client costs the same work as a wrong secret, and looks the same outside.
    ///
    /// # Errors
    /// Why the client is not authenticated.
    pub fn authenticate(&self) -> Result<AuthenticatedClient, ClientDenied> {
        let method = self.presented.method();
        let matches = secret::matches(self.presented.secret(), self.record.as_deref(), self.now);
        let record = self.record.clone().ok_or(ClientDenied::UnknownClient)?;
        let allowed = match record.authentication {
            Some(only) => only == method,
            None => method != AuthenticationMethod::None,
        };
        if !allowed {
            return Err(ClientDenied::WrongAuthenticationMethod);
        }
        if method != AuthenticationMethod::None && !matches {
            return Err(ClientDenied::WrongClientSecret);
        }
        // Only the client itself may learn from the log's reason that it is disabled.
        if record.disabled {
            return Err(ClientDenied::ClientDisabled);
        }
        Ok(AuthenticatedClient {
            record,
            read_at: self.read_at,
            now: self.now,
        })
    }

    /// Uses up what the credentials are good for once: after signing, before a grant advances, so
    /// that what is refused or cannot be signed uses up nothing. Repeating it does nothing.
    ///
    /// # Errors
    /// [`ClientDenied::CredentialsUsed`] when somebody was faster; [`Unavailable`] when the table
    /// fails.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn claim(&mut self, table: &Table) -> Result<(), Error> {
        for claim in self.claims.drain(..) {
            claim.insert(table).await?;
        }
        Ok(())
    }

    /// The moment of this request.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

/// A client whose credentials were proven, as of one read of its record.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    record: Arc<Client>,
    read_at: Timestamp,
    now: Timestamp,
}

impl AuthenticatedClient {
    /// Its registration.
    pub fn record(&self) -> &Client {
        &self.record
    }

    /// When the read of its registration started.
    pub fn read_at(&self) -> Timestamp {
        self.read_at
    }

    /// The moment at which it was authenticated.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}
