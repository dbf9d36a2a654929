//! Finding the records of registered resources: in the cache, or in the table.
//!
//! They are cached as clients are, and so is that there is none: an audience without a record costs a read as
//! seldom as one with a record.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use quick_cache::sync::Cache;
use tokensmith_verifier::{Timestamp, canonical_resource};

use crate::names::Audience;
use crate::store::records::Resource;
use crate::store::{StoreError, TableReader};

/// The registered resources.
#[derive(Debug)]
pub(crate) struct Resources {
    table: TableReader,
    cache_ttl: Duration,
    cache: Cache<String, FoundResource>,
}

impl Resources {
    /// Reads from `table`, and keeps what it finds for `cache_ttl`.
    pub(crate) fn new(table: TableReader, cache_ttl: Duration) -> Self {
        Self {
            table,
            cache_ttl,
            cache: Cache::new(CACHED_RESOURCES),
        }
    }

    /// What is registered about `audiences`, for a token with the lifetime `access_ttl`: the `iat` of a token is the
    /// time of the oldest read that it rests on, so short-lived tokens need fresh reads. All that has to be
    /// read is read at the same time.
    ///
    /// # Errors
    /// [`StoreError`] when something must be read and cannot be.
    pub(crate) async fn find(
        &self,
        audiences: Vec<Audience>,
        access_ttl: Duration,
        now: Timestamp,
    ) -> Result<FoundResources, StoreError> {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for uri in audiences {
            let cached = self.cache.get(&canonical_resource(uri.as_str()));
            let longest = |one: &FoundResource| self.cache_ttl.min(one.ttl_of(access_ttl) / 10);
            match cached.filter(|one| now.since(one.read_at) < longest(one)) {
                Some(one) => found.push((one.renewed_at != Some(now), one)),
                None => unknown.push(uri),
            }
        }
        let read = self.read(unknown, now, None).await?;
        found.extend(read.into_iter().map(|one| (false, one)));
        Ok(FoundResources(found))
    }

    /// Reads again what came from the cache, at most once for each resource and second.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub(crate) async fn renew(
        &self,
        audiences: Vec<Audience>,
        now: Timestamp,
    ) -> Result<FoundResources, StoreError> {
        let (mut found, mut stale) = (Vec::new(), Vec::new());
        for uri in audiences {
            let cached = self.cache.get(&canonical_resource(uri.as_str()));
            match cached.filter(|one| one.renewed_at == Some(now)) {
                Some(one) => found.push((false, one)),
                None => stale.push(uri),
            }
        }
        let read = self.read(stale, now, Some(now)).await?;
        found.extend(read.into_iter().map(|one| (false, one)));
        Ok(FoundResources(found))
    }

    /// Empties the cache.
    pub(crate) fn forget_all(&self) {
        self.cache.clear();
    }

    async fn read(
        &self,
        uris: Vec<Audience>,
        now: Timestamp,
        renewed_at: Option<Timestamp>,
    ) -> Result<Vec<FoundResource>, StoreError> {
        let reads = uris.into_iter().map(async |uri| {
            let stored = self.table.get(&Resource::key_of(&uri)).await?;
            let one = FoundResource {
                record: stored.map(|stored| Arc::new(stored.record)),
                uri,
                read_at: now,
                renewed_at,
            };
            if !self.cache_ttl.is_zero() {
                let key = canonical_resource(one.uri.as_str());
                self.cache.insert(key, one.clone());
            }
            Ok(one)
        });
        try_join_all(reads).await
    }
}

/// What reads have found of some audiences, each with whether it came from the cache and may be read again.
#[derive(Clone, Debug, Default)]
pub struct FoundResources(Vec<(bool, FoundResource)>);

impl FoundResources {
    /// The resource that is registered under this URI.
    pub(crate) fn of(&self, uri: &Audience) -> Option<&Resource> {
        let mut found = self.0.iter().map(|(_, one)| one);
        found.find(|one| one.uri.is_same_as(uri))?.record.as_deref()
    }

    /// When the oldest of the reads started.
    pub(crate) fn read_at(&self) -> Option<Timestamp> {
        self.0.iter().map(|(_, one)| one.read_at).min()
    }

    /// The lifetime of a token that would otherwise live for `access_ttl`.
    pub(super) fn ttl_of(&self, access_ttl: Duration) -> Duration {
        let ttls = self.0.iter().map(|(_, one)| one.ttl_of(access_ttl));
        ttls.min().unwrap_or(access_ttl)
    }

    pub(super) fn may_renew(&self) -> bool {
        self.0.iter().any(|(may_renew, _)| *may_renew)
    }
}

/// A resource's record, or its absence, as of one read.
#[derive(Clone, Debug)]
struct FoundResource {
    uri: Audience,
    record: Option<Arc<Resource>>,
    /// When the read started.
    read_at: Timestamp,
    /// When it was read again because of a denial.
    renewed_at: Option<Timestamp>,
}

impl FoundResource {
    fn ttl_of(&self, access_ttl: Duration) -> Duration {
        let own = self
            .record
            .as_ref()
            .and_then(|resource| resource.access_ttl);
        own.map_or(access_ttl, |own| access_ttl.min(Duration::from_secs(own)))
    }
}

/// Clients name only audiences that they are registered with, so that this bounds no attack: it is more than
/// one issuer has.
const CACHED_RESOURCES: usize = 10_000;
