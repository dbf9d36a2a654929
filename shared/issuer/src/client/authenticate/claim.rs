use tokensmith_verifier::Timestamp;

use crate::error::{ClientDenied, Error};
use crate::store::records::SingleUse;
use crate::store::{Insert, Table};

/// Something that is good for one request only: an assertion or a proof, by its unique id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim(SingleUse);

impl Claim {
    /// `name` tells it from everything else that is used once; it matters until `expires_at`.
    pub fn new(name: impl Into<String>, expires_at: Timestamp) -> Self {
        Self(SingleUse {
            name: name.into(),
            expires_at,
        })
    }

    /// Takes it, by one conditional insert: of several requests at once, one wins.
    pub(super) async fn insert(self, table: &Table) -> Result<(), Error> {
        match table.insert(&self.0).await? {
            Insert::Inserted => Ok(()),
            Insert::Exists(_) => Err(ClientDenied::CredentialsUsed.into()),
        }
    }
}
