//! The keys of a client that signs assertions.

use std::sync::Arc;

use tokensmith_verifier::jose::{InvalidKeySet, PublicKeySet};

use super::UnverifiedAssertion;
use crate::error::{AssertionDenied, Unavailable};
use crate::fetched::{Document, KeySets, Wanted};
use crate::store::records::Client;

/// The keys of one client, which many requests share.
#[derive(Clone, Debug)]
pub(crate) enum ClientKeys {
    /// From its record.
    Here(Arc<Result<PublicKeySet, InvalidKeySet>>),
    /// From where it publishes them.
    Fetched(Arc<Document<PublicKeySet>>),
}

impl ClientKeys {
    /// The keys in the record, parsed.
    pub(super) fn in_record(client: &Client) -> Option<Self> {
        let keys = client.jwks.as_ref();
        keys.map(|keys| Self::Here(Arc::new(keys.parse())))
    }

    /// The keys that the client publishes. They are fetched anew if the assertion names another one.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no copy of them.
    pub(super) async fn published_by(
        client: &Client,
        assertion: &UnverifiedAssertion,
        key_sets: &KeySets,
    ) -> Result<Option<Self>, Unavailable> {
        let Some(url) = &client.jwks_uri else {
            return Ok(None);
        };
        let mut keys = key_sets.at(url, Wanted::Usual).await?;
        if !assertion.names_one_of(&keys.content) {
            let newer = Wanted::NewerThan(keys.fetched_at);
            keys = key_sets.at(url, newer).await?;
        }
        Ok(Some(Self::Fetched(keys)))
    }

    /// The keys that can be used.
    ///
    /// # Errors
    /// [`AssertionDenied::UnusableAssertionKeys`] when there are none.
    pub(super) fn set(&self) -> Result<&PublicKeySet, AssertionDenied> {
        match self {
            Self::Here(keys) => Ok((**keys).as_ref().map_err(|err| *err)?),
            Self::Fetched(document) => Ok(&document.content),
        }
    }
}
