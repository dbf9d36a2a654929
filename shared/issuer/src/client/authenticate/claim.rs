use tokensmith_verifier::Timestamp;

use crate::error::{ClientDenied, Error};
use crate::store::records::SingleUse;
use crate::store::{Insert, Table};

/// Something that may be used for one request only, by its unique id: an assertion or a proof.
/// Recording it prevents replay.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim(SingleUse);

impl Claim {
    /// `name` is unique among everything that is used once. The claim must be kept until
    /// `expires_at`; after that, the assertion or proof has expired anyway.
    pub fn new(name: impl Into<String>, expires_at: Timestamp) -> Self {
        Self(SingleUse {
            name: name.into(),
            expires_at,
        })
    }

    /// Records the use by one conditional insert: of several requests at the same time, one
    /// succeeds.
    ///
    /// # Errors
    /// [`ClientDenied::CredentialsUsed`] when it was used before; [`Unavailable`] when the table fails.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn insert(self, table: &Table) -> Result<(), Error> {
        match table.insert(&self.0).await? {
            Insert::Inserted => Ok(()),
            Insert::Exists(_) => Err(ClientDenied::CredentialsUsed.into()),
        }
    }
}
