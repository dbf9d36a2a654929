//! Finding a client's record: in the cache, or in the table.
//!
//! Records are cached for a bounded time, absences too, so that an unknown client and a known one
//! cost the same reads. What fails on a cached record is checked once against the table, so that a
//! rotated secret or a new scope works at once.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::config::Config;
use crate::error::Error;
use crate::names::ClientId;
use crate::store::records::Client;
use crate::store::{StoreError, Table};
use tokensmith_verifier::{Clock, Timestamp};

/// The registered clients.
#[derive(Debug)]
pub struct Clients {
    table: Table,
    clock: Clock,
    cache_ttl: Duration,
    access_ttl: Duration,
    cache: Cache<ClientId, FoundClient>,
}

impl Clients {
    /// Reads from `table`; `config` says how long a record may be kept.
    pub fn new(table: Table, clock: Clock, config: &Config) -> Self {
        Self {
            table,
            clock,
            cache_ttl: config.cache_ttl,
            access_ttl: config.access_ttl,
            cache: Cache::new(CACHED_CLIENTS),
        }
    }

    /// The client's record, cached or read.
    ///
    /// # Errors
    /// [`StoreError`] when it must be read and cannot.
    pub async fn find(&self, id: &ClientId) -> Result<FoundClient, StoreError> {
        let now = self.clock.now();
        if let Some(mut cached) = self.cache.get(id)
            && now.since(cached.read_at) < self.lifetime_of(&cached)
        {
            cached.now = now;
            cached.may_recheck = cached.rechecked_at != Some(now);
            return Ok(cached);
        }
        self.read(id, now, None).await
    }

    /// Decides with the record at hand; and once more with a fresh one where the answer was no,
    /// the record was cached, and no other recheck of this client was made within the same second.
    ///
    /// # Errors
    /// The decision's own, or [`Unavailable`] when the record must be read and cannot.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn decide<T>(
        &self,
        found: &mut FoundClient,
        decide: impl Fn(&FoundClient) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match decide(found) {
            Err(Error::Denied(_)) if found.may_recheck => {
                let now = self.clock.now();
                *found = self.read(&found.id, now, Some(now)).await?;
                decide(found)
            }
            decided => decided,
        }
    }

    /// Forgets everything that is cached.
    pub fn forget_all(&self) {
        self.cache.clear();
    }

    /// Forgets what is cached of a client.
    pub fn forget(&self, id: &ClientId) {
        self.cache.remove(id);
    }

    async fn read(
        &self,
        id: &ClientId,
        now: Timestamp,
        rechecked_at: Option<Timestamp>,
    ) -> Result<FoundClient, StoreError> {
        let stored = self.table.get(&Client::key_of(id)).await?;
        let registered = stored.filter(|client| client.deleted_at.is_none());
        let found = FoundClient {
            id: id.clone(),
            record: registered.map(|stored| Arc::new(stored.record)),
            read_at: now,
            now,
            rechecked_at,
            may_recheck: false,
        };
        if !self.cache_ttl.is_zero() {
            self.cache.insert(id.clone(), found.clone());
        }
        Ok(found)
    }

    /// A token dates from the read that it rests on, so short-lived tokens need fresh reads.
    fn lifetime_of(&self, cached: &FoundClient) -> Duration {
        let own_ttl = cached.record.as_ref().and_then(|record| record.access_ttl);
        let access_ttl = own_ttl.map_or(self.access_ttl, Duration::from_secs);
        self.cache_ttl.min(access_ttl / 10)
    }
}

/// A client's record, or its absence, as of one read.
#[derive(Clone, Debug)]
pub struct FoundClient {
    id: ClientId,
    /// The record; `None` when there is no such client.
    pub record: Option<Arc<Client>>,
    /// When the read started.
    pub read_at: Timestamp,
    /// The moment of this request.
    pub now: Timestamp,
    rechecked_at: Option<Timestamp>,
    may_recheck: bool,
}

/// Bounds the memory that a flood of made-up client ids can take.
const CACHED_CLIENTS: usize = 10_000;
