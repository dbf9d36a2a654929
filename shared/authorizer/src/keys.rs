use async_trait::async_trait;
use tokensmith_issuer::keys::KeySet;
use tokensmith_issuer::store::TableReader;
use tokensmith_verifier::{CacheHeaders, Clock, Fetch, FetchError, FetchRequest, Fetched};

/// Answers the URL of the issuer's keys from its table: one query, and no way through the network.
/// The verifier caches them, and looks for unknown ones, as it does with any answer.
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
