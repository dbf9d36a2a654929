use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokensmith_issuer::keys::KeySet;
use tokensmith_issuer::store::TableReader;
use tokensmith_issuer::store::records::Settings;
use tokensmith_verifier::{CacheHeaders, Clock, Fetch, FetchError, FetchRequest, Fetched};

/// Answers the fetch of the issuer's key set from its table: one query in place of an HTTP request.
/// The verifier caches the keys and looks for unknown ones, as with any other fetch.
#[derive(Debug)]
pub(crate) struct KeysInTable {
    pub(crate) table: TableReader,
    pub(crate) owner: Settings,
    pub(crate) clock: Clock,
    last: Mutex<Option<Arc<KeySet>>>,
}

impl KeysInTable {
    pub(crate) fn new(table: TableReader, owner: Settings, clock: Clock) -> Self {
        Self {
            table,
            owner,
            clock,
            last: Mutex::default(),
        }
    }

    /// Whether the token, whose key is not published, was signed by a key that was withdrawn before the
    /// last read.
    pub(crate) fn have_withdrawn_signer_of(&self, token: &str) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.clone();
        last.is_some_and(|keys| keys.has_withdrawn_signer_of(token))
    }
}

#[async_trait]
impl Fetch for KeysInTable {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let keys = KeySet::read(&self.table, &self.owner, self.clock.now()).await;
        let keys = keys.map_err(|err| FetchError::Transport(err.to_string()))?;
        let document = keys.jwks().to_vec();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Arc::new(keys));
        Ok(Fetched::Document(document, CacheHeaders::default()))
    }
}
