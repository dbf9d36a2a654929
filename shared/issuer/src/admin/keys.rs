//! Signing keys and HMAC keys: listed, rotated, replaced, retired.

use std::collections::BTreeSet;
use std::time::Duration;

use tokensmith_verifier::{Algorithm, KeyId, Timestamp};

use super::{AdminEvent, Administrator, Changed};
use crate::error::Unavailable;
use crate::keys::{
    HmacKeys, HmacRotation, KeyEnd, KeyRotation, KeyState, RetireError, RotatedNow, RotationPolicy,
    Succession, SuccessorKey,
};
use crate::store::records::{SIGNING_KEYS, SigningKey};
use crate::store::{CheckedTime, StoreError};

impl Administrator {
    /// Every signing key, with its current state.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn signing_keys(&self) -> Result<Vec<ListedKey>, StoreError> {
        let (keys, now) = (self.key_records().await?, self.time().await?.now());
        let listed = keys.iter().map(|key| {
            let succession = Succession::of(&keys, key.jwk.alg);
            ListedKey {
                state: succession.state_of(key, now),
                end: succession.end_of(key),
                key: key.clone(),
            }
        });
        Ok(listed.collect())
    }

    /// Publishes successors of the keys of `algorithms`, or of all keys if none is named. They
    /// begin to sign once every cached copy of the key set has expired.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail.
    pub async fn rotate_keys(
        &self,
        algorithms: Vec<Algorithm>,
    ) -> Result<Changed<Vec<SuccessorKey>>, Unavailable> {
        let created = Vec::new();
        let change = |time: CheckedTime| async move {
            let algorithms = self.all_if_empty(algorithms).await?;
            let rotation = self.key_rotation(algorithms.clone());
            let successors = rotation.rotate(&algorithms, time.now()).await?;
            let created = names(&successors);
            let last = successors.iter().map(|key| key.active_from).max();
            let mut made = self.cached(successors, AdminEvent::KeysRotated { created }, time);
            // They sign then, and not before.
            made.effective_by = made.effective_by.max(last.unwrap_or_default());
            Ok(made)
        };
        let event = AdminEvent::KeysRotated { created };
        self.recorded(event, change).await
    }

    /// Replaces the keys of `algorithms`, or all keys if none is named, at once, after a
    /// compromise. Every token that the old keys signed is refused.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail.
    pub async fn replace_keys(
        &self,
        algorithms: Vec<Algorithm>,
    ) -> Result<Changed<RotatedNow>, Unavailable> {
        let change = |time: CheckedTime| async move {
            let replaced = self.replace_signing_keys(algorithms, time.now()).await?;
            let event = AdminEvent::KeysReplaced {
                created: names(&replaced.created),
                withdrawn: replaced.withdrawn.clone(),
            };
            Ok(self.in_feed(replaced, event, time))
        };
        let event = AdminEvent::KeysReplaced {
            created: Vec::new(),
            withdrawn: Vec::new(),
        };
        self.recorded(event, change).await
    }

    pub(super) async fn replace_signing_keys(
        &self,
        algorithms: Vec<Algorithm>,
        now: Timestamp,
    ) -> Result<RotatedNow, Unavailable> {
        let algorithms = self.all_if_empty(algorithms).await?;
        let rotation = self.key_rotation(algorithms.clone());
        rotation.rotate_now(&algorithms, now).await
    }

    /// Makes a new version of the HMAC key, and returns its number. Refresh tokens of older
    /// versions stay valid; their successors are made with the new version.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail.
    pub async fn rotate_hmac_key(&self) -> Result<Changed<u32>, Unavailable> {
        let rotated = |hmac_key_version| AdminEvent::HmacKeyRotated { hmac_key_version };
        let change = |time: CheckedTime| async move {
            let rotation = self.hmac_rotation();
            let version = rotation.rotate(&self.config.issuer, time.now()).await?;
            Ok(self.cached(version, rotated(Some(version)), time))
        };
        self.recorded(rotated(None), change).await
    }

    /// Withdraws a pending or retiring key. Every token that it has signed is refused.
    ///
    /// # Errors
    /// [`RetireError`] when there is no such key, it is the one that signs, or the table fails.
    pub async fn retire_key(&self, key_id: String) -> Result<Changed<String>, RetireError> {
        let event = AdminEvent::KeyRetired {
            kid: key_id.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let rotation = self.key_rotation(Vec::new());
            rotation.retire(&key_id, time.now()).await?;
            Ok(self.in_feed(key_id, made, time))
        };
        self.recorded(event, change).await
    }

    /// The HMAC keys, always read afresh.
    pub(super) fn hmac_keys(&self) -> HmacKeys {
        let (table, opener) = (self.table.reader(), self.opener.clone());
        HmacKeys::new(table, opener, Duration::ZERO)
    }

    pub(super) fn hmac_rotation(&self) -> HmacRotation {
        HmacRotation::new(self.table.clone(), self.maker.clone())
    }

    fn key_rotation(&self, algorithms: Vec<Algorithm>) -> KeyRotation {
        let (table, maker) = (self.table.clone(), self.maker.clone());
        let issuer = self.config.issuer.clone();
        let policy = RotationPolicy::new(issuer, algorithms, self.config.cache_ttl);
        KeyRotation::new(table, maker, policy)
    }

    /// `algorithms`, or if none is named, every algorithm that has a key.
    async fn all_if_empty(&self, algorithms: Vec<Algorithm>) -> Result<Vec<Algorithm>, StoreError> {
        if !algorithms.is_empty() {
            return Ok(algorithms);
        }
        let keys = self.key_records().await?;
        let in_use: BTreeSet<_> = keys.iter().map(|key| key.jwk.alg).collect();
        Ok(in_use.into_iter().collect())
    }

    async fn key_records(&self) -> Result<Vec<SigningKey>, StoreError> {
        let stored = self.table.query_all::<SigningKey>(SIGNING_KEYS).await?;
        Ok(stored.into_iter().map(|key| key.record).collect())
    }
}

pub(super) fn names(keys: &[SuccessorKey]) -> Vec<KeyId> {
    keys.iter().map(|key| key.kid.clone()).collect()
}

/// A signing key, its state, and how its life ends.
#[derive(Clone, Debug)]
pub struct ListedKey {
    /// Its record.
    pub key: SigningKey,
    /// Its state.
    pub state: KeyState,
    /// When it stops signing and being published, if that is known.
    pub end: Option<KeyEnd>,
}
