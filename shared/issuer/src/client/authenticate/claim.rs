use tokensmith_verifier::Timestamp;
use tokensmith_verifier::dpop::DpopRejection;

use crate::error::{ClientDenied, Error};
use crate::store::records::SingleUse;
use crate::store::{Insert, Table};

/// Something that may be used for one request only, by its unique id: an assertion or a proof.
/// Recording it prevents replay.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    used: SingleUse,
    is_proof: bool,
}

impl Claim {
    /// `name` is unique among everything that is used once. The claim must be kept until
    /// `expires_at`; after that, the assertion or proof has expired anyway.
    pub fn new(name: impl Into<String>, expires_at: Timestamp) -> Self {
        Self {
            used: SingleUse {
                name: name.into(),
                expires_at,
            },
            is_proof: false,
        }
    }

    /// The same for a proof of a key, which authenticates nobody.
    pub(crate) fn of_proof(name: impl Into<String>, expires_at: Timestamp) -> Self {
        Self {
            is_proof: true,
            ..Self::new(name, expires_at)
        }
    }

    /// Records the use by one conditional insert: of several requests at the same time, one
    /// succeeds.
    ///
    /// # Errors
    /// [`ClientDenied::CredentialsUsed`] or [`DpopRejection::Replayed`] when it was used before; [`Unavailable`] when the table fails.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn insert(self, table: &Table) -> Result<(), Error> {
        match table.insert(&self.used).await? {
            Insert::Inserted => Ok(()),
            Insert::Exists(_) if self.is_proof => Err(DpopRejection::Replayed.into()),
            Insert::Exists(_) => Err(ClientDenied::CredentialsUsed.into()),
        }
    }
}
