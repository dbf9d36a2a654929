//! The HMAC keys that prove authorization codes, device codes and refresh tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Open;
use super::cache::{ABSENCES_ARE_KEPT, Cache};
use crate::config::SERVER_CLOCK_SKEW;
use crate::credential::HmacKey;
use crate::error::{Error, GrantDenied, Unavailable};
use crate::store::records::{HMAC_KEYS, HmacKeyRecord};
use crate::store::{Stored, TableReader};
use tokensmith_verifier::Timestamp;
use tokio::sync::OnceCell;

/// The HMAC keys of the issuer, reloaded when they are older than the cache allows.
#[derive(Debug)]
pub struct HmacKeys {
    table: TableReader,
    opener: Arc<dyn Open>,
    cache: Cache<Versions>,
}

type Versions = BTreeMap<u32, Version>;

impl HmacKeys {
    /// Nothing is loaded until a key is needed.
    pub fn new(table: TableReader, opener: Arc<dyn Open>, cache_ttl: Duration) -> Self {
        Self {
            table,
            opener,
            cache: Cache::new(cache_ttl),
        }
    }

    /// Makes the next use of a key read the records again.
    pub fn expire(&self) {
        self.cache.expire();
    }

    /// The same keys, of which nothing is loaded.
    pub fn cold(&self) -> Self {
        Self::new(self.table.clone(), self.opener.clone(), self.cache.ttl())
    }

    /// The key that makes new credentials.
    ///
    /// # Errors
    /// [`Unavailable`] when the keys must be loaded and cannot be.
    pub async fn newest(&self, now: Timestamp) -> Result<Arc<HmacKey>, Unavailable> {
        let load = async |last| self.load(last).await;
        let mut keys = self.cache.fresh(now, load).await?;
        if keys.is_empty() {
            let age = ABSENCES_ARE_KEPT;
            keys = self.cache.fresh_within(age, now, load).await?;
        }
        match in_use(&keys, now) {
            Some(newest) => newest.open(&*self.opener).await,
            None => Err(Unavailable::NoHmacKey),
        }
    }

    /// The key of `version`. A version that was loaded before costs no read, however old the load,
    /// because a key never changes. An unknown version is looked up at most once a second, so that
    /// made-up versions cannot cause a read each.
    ///
    /// # Errors
    /// [`GrantDenied::WithdrawnKey`] when the key was withdrawn with all its refresh tokens;
    /// [`GrantDenied::UnknownKeyVersion`] when there is no such key; [`Unavailable`] when that cannot
    /// be told.
    pub async fn version(&self, version: u32, now: Timestamp) -> Result<Arc<HmacKey>, Error> {
        let loaded = match self.cache.peek() {
            Some(loaded) if loaded.at == now || loaded.value.contains_key(&version) => loaded.value,
            seen => {
                let load = async |last| self.load(last).await;
                self.cache.newer_than(seen, now, load).await?
            }
        };
        match loaded.get(&version) {
            Some(known) if known.record.withdrawn_at.is_some() => {
                Err(GrantDenied::WithdrawnKey.into())
            }
            Some(known) => Ok(known.open(&*self.opener).await?),
            None => Err(GrantDenied::UnknownKeyVersion.into()),
        }
    }

    /// Reads every version, and takes over those that `last` has opened already.
    async fn load(&self, last: Option<Arc<Versions>>) -> Result<Versions, Unavailable> {
        let records: Vec<Stored<HmacKeyRecord>> = self.table.query_all(HMAC_KEYS).await?;
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

/// The version that makes new credentials: the newest that every process which has read the keys within
/// the current second has read as well. Otherwise one process would refuse, as unknown, what another
/// has made with a key of this very second. Where all are as new as that, it is the oldest.
fn in_use(versions: &Versions, now: Timestamp) -> Option<&Version> {
    let mut usable = versions
        .values()
        .filter(|version| version.record.withdrawn_at.is_none())
        .rev();
    let oldest = usable.clone().last();
    let known = |version: &&Version| now > version.record.created_at.after(SERVER_CLOCK_SKEW);
    usable.find(known).or(oldest)
}

/// A version of the key, which is opened on first use and kept.
#[derive(Debug)]
struct Version {
    record: HmacKeyRecord,
    opened: OnceCell<Arc<HmacKey>>,
}

impl Version {
    async fn open(&self, opener: &dyn Open) -> Result<Arc<HmacKey>, Unavailable> {
        let open = async || {
            let secret = opener.unwrap(&self.record.secret).await?;
            Ok(Arc::new(HmacKey::new(self.record.version, &secret)))
        };
        self.opened.get_or_try_init(open).await.cloned()
    }
}
