//! The HMAC keys that prove authorization codes, device codes and refresh tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::cache::Cache;
use super::{EncryptionContext, KeyCustody, KeyUse};
use crate::config::MAX_GRANT_TTL;
use crate::credential::HmacKey;
use crate::error::{Denied, Error, Unavailable};
use crate::names::IssuerUrl;
use crate::store::records::{HMAC_KEYS, HmacKeyRecord};
use crate::store::{Change, Insert, Stored, Table, Update};
use tokensmith_verifier::Timestamp;
use tokio::sync::OnceCell;

/// The HMAC keys of the issuer, reloaded when they are older than the cache allows.
#[derive(Debug)]
pub struct HmacKeys {
    table: Table,
    custody: Arc<dyn KeyCustody>,
    cache: Cache<Versions>,
}

type Versions = BTreeMap<u32, Version>;

impl HmacKeys {
    /// Nothing is loaded until a key is needed.
    pub fn new(table: Table, custody: Arc<dyn KeyCustody>, cache_ttl: Duration) -> Self {
        Self {
            table,
            custody,
            cache: Cache::new(cache_ttl),
        }
    }

    /// Makes the first version, or a new one once the newest has been in use for `period`. Returns the
    /// version that it made.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the custody fail.
    pub async fn rotate_if_due(
        &self,
        issuer: &IssuerUrl,
        period: Duration,
        now: Timestamp,
    ) -> Result<Option<u32>, Unavailable> {
        let records = self.records().await?;
        let newest = records.iter().max_by_key(|record| record.version);
        match newest {
            Some(newest) if now < newest.created_at.after(period) => {
                // What a rotation that died half-way has left.
                self.end_before(newest.version, &records, now).await?;
                Ok(None)
            }
            _ => self.succeed(issuer, &records, now).await.map(Some),
        }
    }

    /// Makes a new version, which makes every new credential from now on; the older ones stay as
    /// long as a credential that they prove may live. Returns the new version.
    ///
    /// Safe to repeat: of two rotations at once one makes the version.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the custody fail.
    pub async fn rotate(&self, issuer: &IssuerUrl, now: Timestamp) -> Result<u32, Unavailable> {
        let records = self.records().await?;
        self.succeed(issuer, &records, now).await
    }

    /// Makes a new version and withdraws all others, and with them every credential that they prove.
    ///
    /// The new version is made first. Dying in between leaves old ones in use; another call withdraws
    /// them.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the custody fail.
    pub async fn replace(
        &self,
        issuer: &IssuerUrl,
        now: Timestamp,
    ) -> Result<ReplacedHmacKeys, Unavailable> {
        let records = self.records().await?;
        let version = self.succeed(issuer, &records, now).await?;
        let mut withdrawn = Vec::new();
        for record in self.records().await? {
            if record.version == version || record.withdrawn_at.is_some() {
                continue;
            }
            let mut ended = record.record.clone();
            ended.withdrawn_at = Some(now);
            let change = Change::between(&record, &ended)?;
            match self
                .table
                .update(&HmacKeyRecord::key_of(record.version), change)
                .await?
            {
                Update::Applied(_) => withdrawn.push(record.version),
                Update::Refused(_) => {
                    return Err(Unavailable::Key(
                        "an HMAC key was changed meanwhile".to_owned(),
                    ));
                }
            }
        }
        Ok(ReplacedHmacKeys { version, withdrawn })
    }

    /// Makes the version after those that were read: whoever has read the same makes the same one.
    async fn succeed(
        &self,
        issuer: &IssuerUrl,
        records: &[Stored<HmacKeyRecord>],
        now: Timestamp,
    ) -> Result<u32, Unavailable> {
        let newest = records.iter().map(|record| record.version).max();
        let next = newest.unwrap_or(0) + 1;
        self.create(issuer, next, now).await?;
        self.end_before(next, records, now).await?;
        Ok(next)
    }

    async fn records(&self) -> Result<Vec<Stored<HmacKeyRecord>>, Unavailable> {
        Ok(self.table.query_all(HMAC_KEYS).await?)
    }

    /// Gives an end to every version before `newest` that has none.
    async fn end_before(
        &self,
        newest: u32,
        records: &[Stored<HmacKeyRecord>],
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        let superseded = |record: &&Stored<HmacKeyRecord>| {
            record.version < newest && record.expires_at.is_none()
        };
        for record in records.iter().filter(superseded) {
            let mut ending = record.record.clone();
            ending.expires_at = Some(now.after(MAX_GRANT_TTL));
            let change = Change::between(record, &ending)?;
            let key = HmacKeyRecord::key_of(record.version);
            match self.table.update(&key, change).await? {
                // Whoever changed it meanwhile has given it an end as well.
                Update::Applied(_) | Update::Refused(_) => {}
            }
        }
        Ok(())
    }

    /// Looks at the records again when a key is next needed.
    pub fn expire(&self) {
        self.cache.expire();
    }

    /// The key that makes new credentials.
    ///
    /// # Errors
    /// [`Unavailable`] when the keys must be loaded and cannot.
    pub async fn newest(&self, now: Timestamp) -> Result<Arc<HmacKey>, Unavailable> {
        let load = async |last| self.load(last).await;
        let keys = self.cache.fresh(now, load).await?;
        match keys.values().next_back() {
            Some(newest) => newest.open(&*self.custody).await,
            None => Err(Unavailable::Key("there is no HMAC key".to_owned())),
        }
    }

    /// The key of `version`. One that is loaded costs no read, however old the load: a key never
    /// changes. An unknown one is looked for once, and no more than once a second.
    ///
    /// # Errors
    /// [`Denied::WithdrawnKey`] when nothing that it proves is good any more; [`Unavailable`] when there
    /// is no such key, for it may be newer than what was loaded.
    pub async fn version(&self, version: u32, now: Timestamp) -> Result<Arc<HmacKey>, Error> {
        let loaded = match self.cache.peek() {
            Some(loaded) if loaded.at == now || loaded.value.contains_key(&version) => loaded.value,
            seen => {
                let load = async |last| self.load(last).await;
                self.cache.newer_than(seen, now, load).await?
            }
        };
        match loaded.get(&version) {
            Some(known) if known.record.withdrawn_at.is_some() => Err(Denied::WithdrawnKey.into()),
            Some(known) => Ok(known.open(&*self.custody).await?),
            None => Err(Unavailable::Key(format!("HMAC key version {version} is unknown")).into()),
        }
    }

    async fn create(
        &self,
        issuer: &IssuerUrl,
        version: u32,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        let context = EncryptionContext::new(issuer, KeyUse::Hmac);
        let record = HmacKeyRecord {
            version,
            created_at: now,
            expires_at: None,
            withdrawn_at: None,
            secret: self.custody.new_secret(context).await?,
        };
        match self.table.insert(&record).await? {
            // Somebody else's new key is as good as ours.
            Insert::Inserted | Insert::Exists(_) => Ok(()),
        }
    }

    /// Reads every version; those that `last` has opened already are taken over.
    async fn load(&self, last: Option<Arc<Versions>>) -> Result<Versions, Unavailable> {
        let records = self.records().await?;
        let known = |version| last.as_ref().and_then(|last| last.get(&version));
        let versions = records.into_iter().map(|record| {
            let opened = match known(record.version) {
                Some(known) => known.opened.clone(),
                None => OnceCell::new(),
            };
            let record = record.record;
            (record.version, Version { record, opened })
        });
        Ok(versions.collect())
    }
}

/// What a replacement has done.
#[derive(Clone, Debug)]
pub struct ReplacedHmacKeys {
    /// The version that makes and proves credentials now.
    pub version: u32,
    /// Those whose credentials are good for nothing any more.
    pub withdrawn: Vec<u32>,
}

/// A version of the key, opened when it is first needed and kept.
#[derive(Debug)]
struct Version {
    record: HmacKeyRecord,
    opened: OnceCell<Arc<HmacKey>>,
}

impl Version {
    async fn open(&self, custody: &dyn KeyCustody) -> Result<Arc<HmacKey>, Unavailable> {
        let open = async || {
            let secret = custody.unwrap(&self.record.secret).await?;
            Ok(Arc::new(HmacKey::new(self.record.version, &secret)))
        };
        self.opened.get_or_try_init(open).await.cloned()
    }
}
