//! The HMAC keys that prove authorization codes, device codes and refresh tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::cache::Cache;
use super::{EncryptionContext, KeyUse, KeyWrap};
use crate::clock::Timestamp;
use crate::config::MAX_GRANT_TTL;
use crate::credential::HmacKey;
use crate::error::Unavailable;
use crate::names::IssuerUrl;
use crate::random::random_bytes;
use crate::store::records::{HMAC_KEYS, HmacKeyRecord};
use crate::store::{Change, Insert, Table, Update};
use zeroize::Zeroizing;

/// The HMAC keys of the issuer, reloaded when they are older than the cache allows.
#[derive(Debug)]
pub struct HmacKeys {
    table: Table,
    wrap: Arc<dyn KeyWrap>,
    cache: Cache<Versions>,
}

type Versions = BTreeMap<u32, Arc<HmacKey>>;

impl HmacKeys {
    /// Nothing is loaded until a key is needed.
    pub fn new(table: Table, wrap: Arc<dyn KeyWrap>, cache_ttl: Duration) -> Self {
        Self {
            table,
            wrap,
            cache: Cache::new(cache_ttl),
        }
    }

    /// Creates the first key unless there is one.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the custody fail.
    pub async fn create_first_key(
        &self,
        issuer: &IssuerUrl,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        match self.table.get(&HmacKeyRecord::key_of(1)).await? {
            Some(_) => Ok(()),
            None => self.create(issuer, 1, now).await,
        }
    }

    /// Makes a new version, which makes every new credential from now on; the older ones stay as
    /// long as a credential that they prove may live. Returns the new version.
    ///
    /// Safe to repeat: of two rotations at once one makes the version, and a rotation that died
    /// half-way is finished by the next.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the custody fail.
    pub async fn rotate(&self, issuer: &IssuerUrl, now: Timestamp) -> Result<u32, Unavailable> {
        let records = self.table.query_all::<HmacKeyRecord>(HMAC_KEYS).await?;
        let newest = records.iter().map(|record| record.version).max();
        let next = newest.unwrap_or(0) + 1;
        self.create(issuer, next, now).await?;
        let superseded = records.iter().filter(|record| record.expires_at.is_none());
        for record in superseded {
            let mut ending = record.record.clone();
            ending.expires_at = Some(now.after(MAX_GRANT_TTL));
            let change = Change::between(record, &ending)?;
            match self
                .table
                .update(&HmacKeyRecord::key_of(record.version), change)
                .await?
            {
                // Whoever changed it meanwhile has given it an end as well.
                Update::Applied(_) | Update::Refused(_) => {}
            }
        }
        Ok(next)
    }

    /// The key that makes new credentials.
    ///
    /// # Errors
    /// [`Unavailable`] when the keys must be loaded and cannot.
    pub async fn newest(&self, now: Timestamp) -> Result<Arc<HmacKey>, Unavailable> {
        let keys = self
            .cache
            .fresh(now, async |last| self.load(last).await)
            .await?;
        let newest = keys.values().next_back().cloned();
        newest.ok_or_else(|| Unavailable::Key("there is no HMAC key".to_owned()))
    }

    /// The key of `version`. One that is loaded costs no I/O, however old the load: a key never
    /// changes. An unknown one is looked for once, and no more than once a second.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no such key, for it may be newer than what was loaded.
    pub async fn version(&self, version: u32, now: Timestamp) -> Result<Arc<HmacKey>, Unavailable> {
        let known = |keys: &Versions| keys.get(&version).cloned();
        let loaded = self.cache.peek();
        if let Some(key) = loaded.as_ref().and_then(|loaded| known(&loaded.value)) {
            return Ok(key);
        }
        let reloaded = match loaded {
            Some(loaded) if loaded.at == now => loaded.value,
            seen => {
                let load = async |last| self.load(last).await;
                self.cache.newer_than(seen, now, load).await?
            }
        };
        known(&reloaded)
            .ok_or_else(|| Unavailable::Key(format!("HMAC key version {version} is unknown")))
    }

    async fn create(
        &self,
        issuer: &IssuerUrl,
        version: u32,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        let secret = Zeroizing::new(random_bytes::<32>());
        let context = EncryptionContext::new(issuer, KeyUse::Hmac);
        let record = HmacKeyRecord {
            version,
            created_at: now,
            expires_at: None,
            secret: self.wrap.wrap(context, &*secret).await?,
        };
        match self.table.insert(&record).await? {
            // Somebody else's new key is as good as ours.
            Insert::Inserted | Insert::Exists(_) => Ok(()),
        }
    }

    /// Opens every version; those that `last` has opened already are taken over.
    async fn load(&self, last: Option<Arc<Versions>>) -> Result<Versions, Unavailable> {
        let mut keys = BTreeMap::new();
        for record in self.table.query_all::<HmacKeyRecord>(HMAC_KEYS).await? {
            let version = record.version;
            let opened = last.as_ref().and_then(|last| last.get(&version));
            let key = match opened {
                Some(key) => key.clone(),
                None => {
                    let secret = self.wrap.unwrap(&record.secret).await?;
                    Arc::new(HmacKey::new(version, &secret))
                }
            };
            keys.insert(version, key);
        }
        Ok(keys)
    }
}
