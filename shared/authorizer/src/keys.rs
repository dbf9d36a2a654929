use async_trait::async_trait;
use tokensmith_issuer::keys::KeySet;
use tokensmith_issuer::store::TableReader;
use tokensmith_verifier::{CacheHeaders, Clock, Fetch, FetchError, FetchRequest, Fetched};

/// Answers the fetch of the issuer's key set from its table: one query in place of an HTTP request.
/// The verifier caches the keys and looks for unknown ones, as with any other fetch.
#[derive(Debug)]
pub(crate) struct KeysInTable {
    pub(crate) table: TableReader,
    pub(crate) clock: Clock,
}

#[async_trait]
impl Fetch for KeysInTable {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let keys = KeySet::read(&self.table, self.clock.now()).await;
        let keys = keys.map_err(|err| FetchError::Transport(err.to_string()))?;
        let document = keys.jwks().to_vec();
        Ok(Fetched::Document(document, CacheHeaders::default()))
    }
}
