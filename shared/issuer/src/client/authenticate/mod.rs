//! Client authentication (RFC 6749 §2.3): evidence becomes an authenticated client.
//!
//! Evidence is gathered first, which may wait for reads. The decision on it is pure and may be
//! taken twice. Neither uses up an assertion or a proof: each is kept as a [`Claim`], which is
//! inserted when the request is carried out.

mod claim;
mod secret;

use std::sync::Arc;

use tokensmith_verifier::Timestamp;

use super::PresentedCredentials;
use crate::error::{ClientDenied, Error};
use crate::store::Table;
use crate::store::records::{AuthenticationMethod, Client};

pub use claim::Claim;

/// What a request presents to authenticate its client, and what one read has found of that client.
#[derive(Debug)]
pub struct Evidence<'a> {
    pub(super) presented: &'a PresentedCredentials,
    /// The client's record; `None` when there is no such client.
    pub(super) record: Option<Arc<Client>>,
    /// When the read of the record started.
    pub(super) read_at: Timestamp,
    /// The time of this request.
    pub(super) now: Timestamp,
    /// Whether the record came from the cache and may be read again.
    pub(super) may_renew: bool,
    /// The single uses that the presented credentials are limited to.
    pub(super) claims: Vec<Claim>,
}

impl Evidence<'_> {
    /// Decides whether the client is the one that it claims to be. Pure, so it may be called again.
    ///
    /// An unknown client costs the same work as a wrong secret, and gets the same answer, so that
    /// nobody can find out which client ids exist.
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
        // Checked after the secret, so that this reason in the log means that the client itself has
        // asked.
        if record.disabled {
            return Err(ClientDenied::ClientDisabled);
        }
        Ok(AuthenticatedClient {
            record,
            read_at: self.read_at,
            now: self.now,
        })
    }

    /// Records the single uses of the credentials. It comes after signing and before the grant
    /// advances, so that a request that is refused, or whose token cannot be signed, uses up
    /// nothing. Repeating it has no effect.
    ///
    /// # Errors
    /// [`ClientDenied::CredentialsUsed`] when another request has used them; [`Unavailable`] when
    /// the table fails.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn claim(&mut self, table: &Table) -> Result<(), Error> {
        for claim in self.claims.drain(..) {
            claim.insert(table).await?;
        }
        Ok(())
    }

    /// The time of this request.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

/// A client that has authenticated, as of one read of its record.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    record: Arc<Client>,
    read_at: Timestamp,
    now: Timestamp,
}

impl AuthenticatedClient {
    /// A client in whose name an operator acts, who could as well give it a new secret. `record` was read at
    /// `now`.
    ///
    /// # Errors
    /// [`ClientDenied::ClientDisabled`] when it may not authenticate.
    pub(crate) fn of_operator(record: Client, now: Timestamp) -> Result<Self, ClientDenied> {
        match record.disabled || record.deleted_at.is_some() {
            true => Err(ClientDenied::ClientDisabled),
            false => Ok(Self {
                record: Arc::new(record),
                read_at: now,
                now,
            }),
        }
    }

    /// Its registration.
    pub fn record(&self) -> &Client {
        &self.record
    }

    /// When the read of its registration started.
    pub fn read_at(&self) -> Timestamp {
        self.read_at
    }

    /// The time at which it was authenticated.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}
