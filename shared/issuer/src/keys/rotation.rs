//! Rotation of signing keys, by the scheduled function and by `tokensmith key`.
//!
//! Everything here may run twice at once, or be killed at any point. A key exists once its record
//! was inserted, under a sequence number that only one record can have, and is gone once the record
//! was deleted.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokensmith_verifier::{Algorithm, KeyId};

use super::{EncryptionContext, HmacRotation, KeyState, KeyUse, Make, Succession};
use crate::config::{SERVER_CLOCK_SKEW, WITHDRAWN_KEY_IN_FEED};
use crate::error::Unavailable;
use crate::names::IssuerUrl;
use crate::revocation::in_feed;
use crate::store::records::{FeedAttributes, SIGNING_KEYS, SigningKey};
use crate::store::{Change, Insert, StoreError, Stored, Table, Update};
use tokensmith_verifier::Timestamp;

/// When keys are rotated.
#[derive(Clone, Debug)]
pub struct RotationPolicy {
    /// Whose keys they are.
    pub issuer: IssuerUrl,
    /// The algorithms that have keys.
    pub algorithms: Vec<Algorithm>,
    /// How long a signing key signs, and how long an HMAC key makes new credentials.
    pub period: Duration,
    /// How long a signing key is published before it signs: at least as long as any verifier caches
    /// the key set.
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

/// Makes and withdraws keys. It never opens one.
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

    /// Makes sure that keys can be made: KMS wraps a secret, which is then forgotten.
    ///
    /// # Errors
    /// [`Unavailable`] when the custody fails.
    pub async fn check(&self) -> Result<(), Unavailable> {
        let context = EncryptionContext::new(&self.policy.issuer, KeyUse::Hmac);
        self.maker.new_secret(context).await?;
        Ok(())
    }

    /// Does what is due at `now`. It makes the first key of an algorithm, which signs at once
    /// because no verifier can have cached a key set without it; makes a successor of a key that
    /// has signed for its period; deletes retired keys; and does the same for HMAC keys.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail. The next run does what is left.
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
            if succession.state_of(record, now) == KeyState::Retired && !is_in_feed(record, now) {
                self.end(record).await?;
                done.ended.push(record.jwk.kid.clone());
            }
        }
        done.hmac_key_version = self.hmac_keys.rotate_if_due(issuer, *period, now).await?;
        Ok(done)
    }

    /// Publishes a successor of each algorithm's key. It begins to sign once every cached copy of
    /// the key set has expired. An algorithm with a pending key gets no second one.
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

    /// Replaces the keys of some algorithms at once, after a compromise: the new key signs without
    /// having been published before, and every other key of the algorithm is withdrawn.
    ///
    /// The new key is made first. If the process is killed in between, the old keys stay published,
    /// and another call withdraws them.
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
            // A function whose clock is behind has to sign as well.
            let active_from = now.before(SERVER_CLOCK_SKEW);
            let key = self.create(*algorithm, sequence, now, active_from).await?;
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

    /// Withdraws a pending or retiring key. If it was withdrawn already, renews its entry in the feed.
    ///
    /// # Errors
    /// [`RetireError`]. An active key cannot be withdrawn, only replaced.
    pub async fn retire(&self, key_id: &str, now: Timestamp) -> Result<(), RetireError> {
        let records = self.records().await?;
        let named = records.iter().find(|key| key.jwk.kid.as_str() == key_id);
        let key = named.ok_or(RetireError::Unknown)?;
        match succession(&records, key.jwk.alg).state_of(key, now) {
            KeyState::Active => Err(RetireError::Active),
            KeyState::Retired if key.withdrawn_at.is_none() => Ok(()),
            KeyState::Retired | KeyState::Pending | KeyState::Retiring => {
                Ok(self.withdraw(key, now).await?)
            }
        }
    }

    async fn records(&self) -> Result<Vec<Stored<SigningKey>>, Unavailable> {
        Ok(self.table.query_all(SIGNING_KEYS).await?)
    }

    /// When every cached copy of the key set contains a key that is made at `now`.
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
            // Another process made this key first. Its key serves as well as ours, which nobody has
            // seen.
            Insert::Exists(other) => {
                self.maker.discard(&key.private_key).await?;
                Ok(other.record)
            }
        }
    }

    /// One write, which also puts the key into the revocation feed: verifiers that have its public half
    /// refuse what it has signed.
    async fn withdraw(&self, key: &SigningKey, now: Timestamp) -> Result<(), Unavailable> {
        let feed = FeedAttributes::new(now, now.after(WITHDRAWN_KEY_IN_FEED));
        let change = in_feed(Change::of_existing(), feed)?
            .set_if_absent("withdrawn_at", now)?
            // The index has the name of what was revoked.
            .set("name", &key.jwk.kid)?;
        let at = SigningKey::key_of(key.jwk.alg, key.sequence);
        match self.table.update(&at, change).await? {
            // Refused: another process has withdrawn it at the same time or later.
            Update::Applied(_) | Update::Refused(_) => Ok(()),
        }
    }

    /// The private key is destroyed first, because only the record says where it is.
    async fn end(&self, key: &SigningKey) -> Result<(), Unavailable> {
        self.maker.discard(&key.private_key).await?;
        let at = SigningKey::key_of(key.jwk.alg, key.sequence);
        Ok(self.table.delete(&at).await?)
    }
}

/// The result of a run.
#[derive(Debug, Default, Serialize)]
pub struct Rotation {
    /// New signing keys.
    pub created: Vec<SuccessorKey>,
    /// Signing keys that were deleted.
    pub ended: Vec<KeyId>,
    /// The version of the new HMAC key, if one was due.
    pub hmac_key_version: Option<u32>,
}

/// The result of replacing keys at once.
#[derive(Debug, Default, Serialize)]
pub struct RotatedNow {
    /// The keys that sign now.
    pub created: Vec<SuccessorKey>,
    /// The keys that no longer sign or verify.
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

/// Why a key is not withdrawn.
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
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for RetireError {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}

/// Whether the record of a withdrawn key must stay, because the feed has it.
fn is_in_feed(key: &SigningKey, now: Timestamp) -> bool {
    key.withdrawn_at
        .is_some_and(|withdrawn| now < withdrawn.after(WITHDRAWN_KEY_IN_FEED))
}

fn succession(records: &[Stored<SigningKey>], algorithm: Algorithm) -> Succession<'_> {
    Succession::of(records.iter().map(|key| &key.record), algorithm)
}
