use std::time::Duration;

use tokensmith_verifier::Clock;

use super::{Limit, Limited, Limits, Taken};
use crate::client::Resources;
use crate::config::MAX_ACCESS_TTL;
use crate::names::Audience;
use crate::store::records::ApiKey;
use crate::store::{Counters, StoreError, TableReader};

/// The limits of resources and of API keys, for whoever stands before an API.
#[derive(Debug)]
pub struct RequestLimits {
    resources: Resources,
    limits: Limits,
    clock: Clock,
}

impl RequestLimits {
    /// Reads the records of resources from `table`, and leases from `counters`.
    pub fn new(table: TableReader, counters: Counters, clock: Clock) -> Self {
        Self {
            resources: Resources::new(table, RECORDS_KEPT),
            limits: Limits::new(counters, clock.clone()),
            clock,
        }
    }

    /// Takes a permit for a request to the resource `uri`; `None` when it has no limit.
    ///
    /// # Errors
    /// [`StoreError`] when its record must be read, or a permit be leased, and the table fails.
    pub async fn take(&self, uri: &Audience) -> Result<Option<Taken>, StoreError> {
        let Some(limit) = self.limit_of(uri).await? else {
            return Ok(None);
        };
        let taken = self.limits.take(&Limited::resource(uri), limit).await?;
        Ok(Some(taken))
    }

    /// Takes a permit for a request with an API key; `None` when the key has no limit.
    ///
    /// # Errors
    /// [`StoreError`] when a permit must be leased, and the table fails.
    pub async fn take_of_key(&self, key: &ApiKey) -> Result<Option<Taken>, StoreError> {
        let Some(limit) = key.limit else {
            return Ok(None);
        };
        let taken = self.limits.take(&Limited::api_key(&key.id), limit).await?;
        Ok(Some(taken))
    }

    /// Makes sure that the record of `uri` can be read and permits can be leased, and leases none.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot.
    pub async fn check(&self, uri: &Audience) -> Result<(), StoreError> {
        self.resources.forget_all();
        self.limit_of(uri).await?;
        self.limits.check().await
    }

    async fn limit_of(&self, uri: &Audience) -> Result<Option<Limit>, StoreError> {
        let now = self.clock.now();
        let found = self.resources.find(vec![uri.clone()], MAX_ACCESS_TTL, now);
        Ok(found.await?.of(uri).and_then(|resource| resource.limit))
    }
}

/// How long a record is used before it is read again: as the issuer does by default.
const RECORDS_KEPT: Duration = Duration::from_secs(10);
