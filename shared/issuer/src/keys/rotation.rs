//! How keys succeed each other: what the scheduled function and `tokensmith key` do.
//!
//! Everything here may run twice at once, or die anywhere: a key comes to be by one insert at a
//! place that only one can take, and is done with when its record is deleted.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokensmith_verifier::{Algorithm, KeyId};

use super::{EncryptionContext, HmacRotation, KeyState, KeyUse, Make, Succession};
use crate::error::Unavailable;
use crate::names::IssuerUrl;
use crate::store::records::{SIGNING_KEYS, SigningKey};
use crate::store::{Change, Insert, Stored, Table, Update};
use tokensmith_verifier::Timestamp;

/// When keys are succeeded.
#[derive(Clone, Debug)]
pub struct RotationPolicy {
    /// Whose keys they are.
    pub issuer: IssuerUrl,
    /// The algorithms that have keys.
    pub algorithms: Vec<Algorithm>,
    /// How long a key signs, and an HMAC key makes new credentials.
    pub period: Duration,
    /// How long a signing key is published before it signs: as long as anybody caches the key set.
    pub publish_ahead: Duration,
    /// How long functions cache keys.
    pub cache_ttl: Duration,
}

impl RotationPolicy {
    /// The default periods.
    pub fn new(issuer: IssuerUrl, algorithms: Vec<Algorithm>, cache_ttl: Duration) -> Self {
        Self {
            issuer,
            algorithms,
            period: Duration::from_secs(90 * 24 * 60 * 60),
            publish_ahead: Duration::from_secs(2 * 60 * 60),
            cache_ttl,
        }
    }
}

/// Makes keys and takes them away. It never opens one.
#[derive(Debug)]
pub struct KeyRotation {
    table: Table,
    maker: Arc<dyn Make>,
    hmac_keys: HmacRotation,
    policy: RotationPolicy,
}

impl KeyRotation {
    /// Nothing is read yet.
    pub fn new(table: Table, maker: Arc<dyn Make>, policy: RotationPolicy) -> Self {
        Self {
            hmac_keys: HmacRotation::new(table.clone(), maker.clone()),
            table,
            maker,
            policy,
        }
    }

    /// Does what is due at `now`: the first key of an algorithm, which signs at once, for nothing
    /// that anybody cached can lack it; a successor for a key that has signed for its period; the
    /// end of retired keys; and the same for HMAC keys.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail. What was done stays done; the rest is left for
    /// the next run.
    pub async fn run(&self, now: Timestamp) -> Result<Rotation, Unavailable> {
        let RotationPolicy { issuer, period, .. } = &self.policy;
        let records = self.records().await?;
        let mut done = Rotation::default();
        for algorithm in &self.policy.algorithms {
            let succession = succession(&records, *algorithm);
            let sequence = succession.next_sequence();
            let active_from = match succession.newest() {
                None => now,
                Some(newest) if now >= newest.active_from.after(*period) => self.published_by(now),
                Some(_) => continue,
            };
            let key = self.create(*algorithm, sequence, now, active_from).await?;
            done.created.push(key.into());
        }
        for record in &records {
            let succession = succession(&records, record.jwk.alg);
            if succession.state_of(record, now) == KeyState::Retired {
                self.end(record).await?;
                done.ended.push(record.jwk.kid.clone());
            }
        }
        done.hmac_key_version = self.hmac_keys.rotate_if_due(issuer, *period, now).await?;
        Ok(done)
    }

    /// Publishes a successor of each algorithm's key, which takes over when everybody can know it.
    /// One that is on its way already is not overtaken.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail.
    pub async fn rotate(
        &self,
        algorithms: &[Algorithm],
        now: Timestamp,
    ) -> Result<Vec<SuccessorKey>, Unavailable> {
        let records = self.records().await?;
        let mut successors = Vec::new();
        for algorithm in algorithms {
            let succession = succession(&records, *algorithm);
            let key = match succession.newest() {
                Some(pending) if now < pending.active_from => pending.clone(),
                _ => {
                    let sequence = succession.next_sequence();
                    let active_from = self.published_by(now);
                    self.create(*algorithm, sequence, now, active_from).await?
                }
            };
            successors.push(key.into());
        }
        Ok(successors)
    }

    /// Replaces the keys of some algorithms at once, for a compromise: the new key signs without
    /// having been published before, and every other key of the algorithm is withdrawn.
    ///
    /// The new key is made first. Dying in between leaves the old ones published; another call
    /// withdraws them.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail.
    pub async fn rotate_now(
        &self,
        algorithms: &[Algorithm],
        now: Timestamp,
    ) -> Result<RotatedNow, Unavailable> {
        let records = self.records().await?;
        let mut rotated = RotatedNow::default();
        for algorithm in algorithms {
            let succession = succession(&records, *algorithm);
            let sequence = succession.next_sequence();
            let key = self.create(*algorithm, sequence, now, now).await?;
            let of_algorithm = |record: &&Stored<SigningKey>| record.jwk.alg == *algorithm;
            for record in records.iter().filter(of_algorithm) {
                if succession.state_of(record, now) != KeyState::Retired {
                    self.withdraw(record, now).await?;
                    rotated.withdrawn.push(record.jwk.kid.clone());
                }
            }
            rotated.created.push(key.into());
        }
        Ok(rotated)
    }

    /// Takes a pending or retiring key away before its time.
    ///
    /// # Errors
    /// [`RetireError`]; an active key has to be replaced, not only taken away.
    pub async fn retire(&self, key_id: &str, now: Timestamp) -> Result<(), RetireError> {
        let records = self.records().await?;
        let named = records.iter().find(|key| key.jwk.kid.as_str() == key_id);
        let key = named.ok_or(RetireError::Unknown)?;
        match succession(&records, key.jwk.alg).state_of(key, now) {
            KeyState::Active => Err(RetireError::Active),
            KeyState::Retired => Ok(()),
            KeyState::Pending | KeyState::Retiring => Ok(self.withdraw(key, now).await?),
        }
    }

    async fn records(&self) -> Result<Vec<Stored<SigningKey>>, Unavailable> {
        Ok(self.table.query_all(SIGNING_KEYS).await?)
    }

    /// When everybody who caches a key set knows a key that is made at `now`.
    fn published_by(&self, now: Timestamp) -> Timestamp {
        now.after(self.policy.cache_ttl)
            .after(self.policy.publish_ahead)
    }

    async fn create(
        &self,
        algorithm: Algorithm,
        sequence: u32,
        now: Timestamp,
        active_from: Timestamp,
    ) -> Result<SigningKey, Unavailable> {
        let context = EncryptionContext::new(&self.policy.issuer, KeyUse::Signing);
        let (jwk, private_key) = self.maker.new_key_pair(algorithm, context).await?;
        let key = SigningKey {
            sequence,
            jwk,
            created_at: now,
            active_from,
            withdrawn_at: None,
            private_key,
        };
        match self.table.insert(&key).await? {
            Insert::Inserted => Ok(key),
            // Somebody else's new key is as good as ours, which nobody has seen.
            Insert::Exists(other) => {
                self.maker.discard(&key.private_key).await?;
                Ok(other.record)
            }
        }
    }

    async fn withdraw(&self, key: &Stored<SigningKey>, now: Timestamp) -> Result<(), Unavailable> {
        let mut withdrawn = key.record.clone();
        withdrawn.withdrawn_at = Some(now);
        let at = SigningKey::key_of(key.jwk.alg, key.sequence);
        match self
            .table
            .update(&at, Change::between(key, &withdrawn)?)
            .await?
        {
            // Only a withdrawal changes a key, so that somebody else has done the same.
            Update::Applied(_) | Update::Refused(_) => Ok(()),
        }
    }

    /// The private key first: the record is what leads to it.
    async fn end(&self, key: &SigningKey) -> Result<(), Unavailable> {
        self.maker.discard(&key.private_key).await?;
        let at = SigningKey::key_of(key.jwk.alg, key.sequence);
        Ok(self.table.delete(&at).await?)
    }
}

/// What a run has done.
#[derive(Debug, Default, Serialize)]
pub struct Rotation {
    /// New signing keys.
    pub created: Vec<SuccessorKey>,
    /// Signing keys that are gone.
    pub ended: Vec<KeyId>,
    /// The version of the new HMAC key, if one was due.
    pub hmac_key_version: Option<u32>,
}

/// What a replacement at once has done.
#[derive(Debug, Default, Serialize)]
pub struct RotatedNow {
    /// The keys that sign now.
    pub created: Vec<SuccessorKey>,
    /// The keys that neither sign nor verify any more.
    pub withdrawn: Vec<KeyId>,
}

/// A new signing key.
#[derive(Debug, Serialize)]
pub struct SuccessorKey {
    /// Its name.
    pub kid: KeyId,
    /// Its algorithm.
    pub alg: Algorithm,
    /// When it begins to sign, in seconds since 1970.
    pub active_from: Timestamp,
}

impl From<SigningKey> for SuccessorKey {
    fn from(key: SigningKey) -> Self {
        Self {
            kid: key.jwk.kid,
            alg: key.jwk.alg,
            active_from: key.active_from,
        }
    }
}

/// Why a key is not taken away.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// There is no such key.
    #[error("there is no signing key of that name")]
    Unknown,
    /// It is the key that signs.
    #[error(
        "this key signs: replace it with `key rotate`, or with `key rotate --now` if it is compromised"
    )]
    Active,
    /// Table or custody failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn succession(records: &[Stored<SigningKey>], algorithm: Algorithm) -> Succession<'_> {
    Succession::of(records.iter().map(|key| &key.record), algorithm)
}
