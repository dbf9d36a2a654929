//! Finding the record of a key: in the cache, or in the table.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokensmith_verifier::Timestamp;

use crate::credential::{ApiKeyId, ApiKeySecret, SecretHash};
use crate::error::ApiKeyDenied;
use crate::store::records::ApiKey;
use crate::store::{StoreError, TableReader};

/// The API keys, as of reads that are used for a while.
///
/// A key that was found is kept: it only ends, and who keeps it for long learns of that from the revocation feed. That there
/// is no key of some name is not kept: strangers can make up as many as they like.
#[derive(Debug)]
pub struct ApiKeys {
    table: TableReader,
    cache: Cache<ApiKeyId, FoundApiKey>,
}

/// A key's record as of one read. It was presented whole.
#[derive(Clone, Debug)]
pub struct FoundApiKey {
    /// The record.
    pub record: Arc<ApiKey>,
    /// When the read started.
    pub read_at: Timestamp,
}

impl ApiKeys {
    /// Reads from `table`.
    pub fn new(table: TableReader) -> Self {
        Self {
            table,
            cache: Cache::new(CACHED_KEYS),
        }
    }

    /// The record of the key that was presented, from a read that started less than `oldest` ago (`GetItem`, unless it is
    /// kept).
    ///
    /// An unknown key and one with a wrong secret part cost the same read, and the caller is told the same.
    ///
    /// # Errors
    /// [`StoreError`] when it must be read and cannot be.
    pub async fn find(
        &self,
        presented: &ApiKeySecret,
        oldest: Duration,
        now: Timestamp,
    ) -> Result<Result<FoundApiKey, ApiKeyDenied>, StoreError> {
        let kept = self.cache.get(presented.id());
        let found = match kept.filter(|found| now.since(found.read_at) < oldest) {
            Some(found) => Some(found),
            None => self.read(presented.id(), oldest, now).await?,
        };
        let record = found.as_ref().map(|found| &*found.record);
        let checked = check(presented, record);
        Ok(checked.and_then(|()| found.ok_or(ApiKeyDenied::UnknownApiKey)))
    }

    /// Empties the cache.
    pub fn forget_all(&self) {
        self.cache.clear();
    }

    async fn read(
        &self,
        id: &ApiKeyId,
        oldest: Duration,
        now: Timestamp,
    ) -> Result<Option<FoundApiKey>, StoreError> {
        let stored = self.table.get(&ApiKey::key_of(id)).await?;
        let found = stored.map(|stored| FoundApiKey {
            record: Arc::new(stored.record),
            read_at: now,
        });
        match &found {
            Some(found) if !oldest.is_zero() => self.cache.insert(id.clone(), found.clone()),
            Some(_) => {}
            None => drop(self.cache.remove(id)),
        }
        Ok(found)
    }
}

/// The record of the key that was presented, read now (`GetItem`).
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn read_presented(
    table: &TableReader,
    presented: &ApiKeySecret,
) -> Result<Result<ApiKey, ApiKeyDenied>, StoreError> {
    let stored = table.get(&ApiKey::key_of(presented.id())).await?;
    let record = stored.map(|stored| stored.record);
    let checked = check(presented, record.as_ref());
    Ok(checked.and_then(|()| record.ok_or(ApiKeyDenied::UnknownApiKey)))
}

/// Whether what is presented is the key with this record.
pub fn is_same_key(presented: &ApiKeySecret, key: &ApiKey) -> bool {
    key.hash.matches(&presented.hash())
}

/// Whether the secret part is that of the key. The same work is done whether or not there is such a key.
fn check(presented: &ApiKeySecret, key: Option<&ApiKey>) -> Result<(), ApiKeyDenied> {
    let hash = presented.hash();
    match key {
        Some(key) if key.hash.matches(&hash) => Ok(()),
        Some(_) => Err(ApiKeyDenied::WrongApiKey),
        None => {
            let _ = SecretHash::of_nothing().matches(&hash);
            Err(ApiKeyDenied::UnknownApiKey)
        }
    }
}

/// Bounds the memory of a process. A key that is pushed out costs a read when it is used again.
const CACHED_KEYS: usize = 10_000;
