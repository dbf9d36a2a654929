//! Deciding one token by its own records, while there is no view to decide by.

use std::collections::{HashMap, HashSet};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokensmith_verifier::{KeyId, RevocationStatus, SignedClaims, Timestamp};

use super::read_status;
use crate::store::records::{SIGNING_KEYS, SigningKey};
use crate::store::{StoreError, TableReader};

/// Reads the records that can have revoked one token, strongly consistent.
#[derive(Debug)]
pub(super) struct OwnRecords {
    table: TableReader,
    /// How long a read may be used, in seconds.
    interval: u64,
    /// Locked by the request that reads the signing keys.
    keys: tokio::sync::Mutex<Option<WithdrawnKeys>>,
    tokens: std::sync::Mutex<ReadTokens>,
}

/// The signing keys that were withdrawn, as of one read.
#[derive(Debug)]
struct WithdrawnKeys {
    read_at: u64,
    names: HashSet<KeyId>,
}

/// The tokens whose records were read while the index was out. Each is read once in an interval, so that
/// one that is often presented takes the reads of no other.
#[derive(Debug, Default)]
struct ReadTokens {
    /// By `jti`: when its records were read, and what they said.
    known: HashMap<String, (u64, RevocationStatus)>,
    /// The second that `reads` were made in.
    second: u64,
    reads: u32,
    paused_until: u64,
}

impl OwnRecords {
    /// Reads `table`: the signing keys, and the records of each token, once in each `interval`.
    pub(super) fn new(table: TableReader, interval: Duration) -> Self {
        Self {
            table,
            interval: interval.as_secs(),
            keys: tokio::sync::Mutex::default(),
            tokens: std::sync::Mutex::default(),
        }
    }

    /// What the records of one token say, as of a read in the last interval. They are read if that is due
    /// (`BatchGetItem`), and so are the signing keys (`Query`). `None` when nothing more may be read now.
    ///
    /// # Errors
    /// [`StoreError`] when one of them cannot be read, and the other does not revoke the token. Then nothing
    /// is read for an interval: when the whole table is out, each read waits for its time limit.
    pub(super) async fn decide(
        &self,
        token: &SignedClaims,
        now: u64,
    ) -> Result<Option<RevocationStatus>, StoreError> {
        let known = self.tokens().recent(&token.claims.jti, now, self.interval);
        let decided = match known {
            Some(own) => self.with_key(own, token, now).await,
            None if self.tokens().spend(now, self.interval) => self.read(token, now).await,
            None => return Ok(None),
        };
        if decided.is_err() {
            self.tokens().paused_until = now + self.interval;
        }
        decided.map(Some)
    }

    async fn read(&self, token: &SignedClaims, now: u64) -> Result<RevocationStatus, StoreError> {
        let own = async {
            let own = read_status(&self.table, &token.claims, Timestamp::from_seconds(now)).await?;
            let id = token.claims.jti.clone();
            self.tokens().known.insert(id, (now, own));
            Ok(own)
        };
        let (own, key_withdrawn) = tokio::join!(own, self.is_withdrawn(token, now));
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

    /// Completes what a token's own records say by whether a key that it rests on was withdrawn.
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
        let key_withdrawn = self.is_withdrawn(token, now).await?;
        Ok(RevocationStatus {
            key_withdrawn,
            ..own
        })
    }

    /// Whether a signing key of the token, or of one that it was exchanged for, was withdrawn. The keys are read if that is due
    /// (`Query`).
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    async fn is_withdrawn(&self, token: &SignedClaims, now: u64) -> Result<bool, StoreError> {
        let mut keys = self.keys.lock().await;
        if let Some(known) = &*keys
            && is_recent(known.read_at, now, self.interval)
        {
            return Ok(has_any_of(&known.names, token));
        }
        let records = self.table.query_all::<SigningKey>(SIGNING_KEYS).await?;
        let withdrawn = records.into_iter().filter(|key| key.withdrawn_at.is_some());
        let names: HashSet<_> = withdrawn.map(|key| key.record.jwk.kid).collect();
        let is_withdrawn = has_any_of(&names, token);
        *keys = Some(WithdrawnKeys {
            read_at: now,
            names,
        });
        Ok(is_withdrawn)
    }

    fn tokens(&self) -> MutexGuard<'_, ReadTokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadTokens {
    /// What the records of the token with this `jti` said in the `interval` before `now`.
    fn recent(&self, id: &str, now: u64, interval: u64) -> Option<RevocationStatus> {
        let known = self.known.get(id);
        let recent = known.filter(|(read_at, _)| is_recent(*read_at, now, interval));
        recent.map(|(_, own)| *own)
    }

    /// Whether the records of one more token may be read at `now`. Each second forgets what is no longer
    /// recent, so that the reads of an interval bound the memory.
    fn spend(&mut self, now: u64, interval: u64) -> bool {
        if self.second != now {
            (self.second, self.reads) = (now, 0);
            self.known
                .retain(|_, (read_at, _)| is_recent(*read_at, now, interval));
        }
        self.reads += 1;
        now >= self.paused_until && self.reads <= READS_PER_SECOND
    }
}

fn has_any_of(withdrawn: &HashSet<KeyId>, token: &SignedClaims) -> bool {
    token.key_ids().any(|key| withdrawn.contains(key))
}

/// Whether what was read at `read_at` may still be used.
fn is_recent(read_at: u64, now: u64, interval: u64) -> bool {
    (read_at..read_at.saturating_add(interval)).contains(&now)
}

/// Bounds what the requests of one process cost the table while the index is out. The view decides on
/// tokens beyond it, as long as it is not stale.
const READS_PER_SECOND: u32 = 200;
