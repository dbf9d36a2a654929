//! Rotation of HMAC keys.

use std::sync::Arc;
use std::time::Duration;

use tokensmith_verifier::Timestamp;

use super::{EncryptionContext, KeyUse, Make};
use crate::config::MAX_GRANT_TTL;
use crate::error::Unavailable;
use crate::names::IssuerUrl;
use crate::store::records::{HMAC_KEYS, HmacKeyRecord};
use crate::store::{Change, Insert, Stored, Table, Update};

/// Makes and withdraws HMAC keys. It never opens one.
#[derive(Debug)]
pub struct HmacRotation {
    table: Table,
    maker: Arc<dyn Make>,
}

impl HmacRotation {
    /// Nothing is read yet.
    pub fn new(table: Table, maker: Arc<dyn Make>) -> Self {
        Self { table, maker }
    }

    /// Makes the first version, or a new one once the newest has been in use for `period`. Returns
    /// the number of the version that it made.
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
                // A rotation that was killed may not have set the expiry of the older versions.
                self.end_before(newest.version, &records, now).await?;
                Ok(None)
            }
            _ => self.succeed(issuer, &records, now).await.map(Some),
        }
    }

    /// Makes a new version, with which every new credential is made from now on. Older versions are
    /// kept until every credential made with them has expired. Returns the number of the new
    /// version.
    ///
    /// Safe to repeat: of two rotations at the same time, one makes the version and the other uses
    /// it.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the custody fail.
    pub async fn rotate(&self, issuer: &IssuerUrl, now: Timestamp) -> Result<u32, Unavailable> {
        let records = self.records().await?;
        self.succeed(issuer, &records, now).await
    }

    /// Makes a new version and withdraws all others: every credential made with them is refused.
    ///
    /// The new version is made first. If the process is killed in between, old versions stay in
    /// use, and another call withdraws them.
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

    /// Makes the version after those that were read. Processes that have read the same versions
    /// make the same next one, and only one of them succeeds.
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

    /// Sets the expiry of every version before `newest` that has none.
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
                // Whoever changed it meanwhile has set its expiry as well.
                Update::Applied(_) | Update::Refused(_) => {}
            }
        }
        Ok(())
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
            secret: self.maker.new_secret(context).await?,
        };
        match self.table.insert(&record).await? {
            // Another process made this version first. Its key serves as well as ours.
            Insert::Inserted | Insert::Exists(_) => Ok(()),
        }
    }
}

/// The result of a replacement.
#[derive(Clone, Debug)]
pub struct ReplacedHmacKeys {
    /// The version that credentials are now made and proven with.
    pub version: u32,
    /// The versions whose credentials are refused now.
    pub withdrawn: Vec<u32>,
}
