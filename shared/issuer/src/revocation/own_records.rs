//! Deciding one token by its own records, while there is no view to decide by.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::Duration;

use tokensmith_verifier::{KeyId, RevocationStatus, SignedClaims};

use super::read_status;
use crate::store::records::{SIGNING_KEYS, SigningKey};
use crate::store::{StoreError, TableReader};

/// Reads the records that can have revoked one token, strongly consistent.
#[derive(Debug)]
pub(super) struct OwnRecords {
    table: TableReader,
    /// How long a read of the signing keys may be used, in seconds.
    interval: u64,
    /// Locked by the request that reads the signing keys.
    keys: tokio::sync::Mutex<Option<WithdrawnKeys>>,
    spent: std::sync::Mutex<Spent>,
}

/// The signing keys that were withdrawn, as of one read.
#[derive(Debug)]
struct WithdrawnKeys {
    read_at: u64,
    names: HashSet<KeyId>,
}

/// What was read while the index was out.
#[derive(Debug, Default)]
struct Spent {
    second: u64,
    reads: u32,
    paused_until: u64,
}

impl OwnRecords {
    /// Reads `table`. The signing keys are read once in each `interval`.
    pub(super) fn new(table: TableReader, interval: Duration) -> Self {
        Self {
            table,
            interval: interval.as_secs(),
            keys: tokio::sync::Mutex::default(),
            spent: std::sync::Mutex::default(),
        }
    }

    /// Reads the records of one token (`BatchGetItem`), and the signing keys if that is due (`Query`).
    ///
    /// # Errors
    /// [`StoreError`] when one of them cannot be read, and the other does not revoke the token.
    pub(super) async fn status_of(
        &self,
        token: &SignedClaims,
        now: u64,
    ) -> Result<RevocationStatus, StoreError> {
        let own = read_status(&self.table, &token.claims);
        let (own, key_withdrawn) = tokio::join!(own, self.is_withdrawn(&token.key_id, now));
        match (own, key_withdrawn) {
            (Ok(own), Ok(key_withdrawn)) => Ok(RevocationStatus {
                key_withdrawn,
                ..own
            }),
            (Ok(own), Err(_)) if own.rejection(&token.claims).is_some() => Ok(own),
            (Err(_), Ok(true)) => Ok(RevocationStatus {
                key_withdrawn: true,
                ..RevocationStatus::default()
            }),
            (Err(err), _) | (_, Err(err)) => Err(err),
        }
    }

    /// Completes what a token's own records say by whether its key was withdrawn.
    ///
    /// # Errors
    /// [`StoreError`] when the keys cannot be read, and the token's own records do not revoke it.
    pub(super) async fn with_key(
        &self,
        own: RevocationStatus,
        token: &SignedClaims,
        now: u64,
    ) -> Result<RevocationStatus, StoreError> {
        if own.rejection(&token.claims).is_some() {
            return Ok(own);
        }
        let key_withdrawn = self.is_withdrawn(&token.key_id, now).await?;
        Ok(RevocationStatus {
            key_withdrawn,
            ..own
        })
    }

    /// Whether the signing key of this name was withdrawn. The keys are read if that is due (`Query`).
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    async fn is_withdrawn(&self, key_id: &KeyId, now: u64) -> Result<bool, StoreError> {
        let mut keys = self.keys.lock().await;
        if let Some(known) = &*keys
            && (known.read_at..known.read_at.saturating_add(self.interval)).contains(&now)
        {
            return Ok(known.names.contains(key_id));
        }
        let records = self.table.query_all::<SigningKey>(SIGNING_KEYS).await?;
        let withdrawn = records.into_iter().filter(|key| key.withdrawn_at.is_some());
        let names: HashSet<_> = withdrawn.map(|key| key.record.jwk.kid).collect();
        let is_withdrawn = names.contains(key_id);
        *keys = Some(WithdrawnKeys {
            read_at: now,
            names,
        });
        Ok(is_withdrawn)
    }

    /// Whether one more token may be decided like this at `now`, while the index is out.
    pub(super) fn spend(&self, now: u64) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.second != now {
            (spent.second, spent.reads) = (now, 0);
        }
        spent.reads += 1;
        now >= spent.paused_until && spent.reads <= READS_PER_SECOND
    }

    /// Spends nothing for an interval: when the whole table is out, each read waits for its time limit.
    pub(super) fn pause(&self, now: u64) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.paused_until = now + self.interval;
    }
}

/// Bounds what the requests of one process cost the table while the index is out, when each of them
/// needs a read of its own. Beyond it, the view decides as long as it is not stale.
const READS_PER_SECOND: u32 = 200;
