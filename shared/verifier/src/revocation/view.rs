use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Revocation, RevocationHash, RevocationKind};
use crate::{AccessTokenClaims, CLOCK_SKEW_SECONDS, RevocationStatus};

/// The revocations that concern tokens which have not expired, in memory, for many readers and a
/// writer at a time.
///
/// Each takes 29 to 58 bytes, as full as the tables happen to be. A lookup takes a lock that a
/// writer holds for one entry at a time, or while a sixty-fourth of the entries is moved.
#[derive(Debug)]
pub struct RevocationView {
    shards: Vec<RwLock<Shard>>,
    /// The moment up to which nothing is missing; 0 before there was one.
    as_of: AtomicU64,
    /// The shard whose expired entries go next.
    next_to_clean: AtomicUsize,
}

type Shard = HashMap<RevocationHash, Entry>;

/// Seconds since 1970 in 32 bits, which last until 2106: they make the entry 24 bytes instead of
/// 32. Later moments count as the last.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Tokens issued at or before this moment are dead; [`u32::MAX`] is all of them.
    not_before: u32,
    /// When no verifier accepts the last of them any more.
    until: u32,
}

impl RevocationView {
    /// A view that knows nothing yet.
    pub fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            as_of: AtomicU64::new(0),
            next_to_clean: AtomicUsize::new(0),
        }
    }

    /// Takes in revocations. Whoever calls says that, with them, nothing is missing that was
    /// revoked before `as_of`, in seconds since 1970; an `as_of` that is not newer changes
    /// nothing about that. Entries may come again and in any order.
    pub fn apply(&self, entries: impl IntoIterator<Item = Revocation>, as_of: u64) {
        for entry in entries {
            self.insert(&entry);
        }
        self.as_of.fetch_max(as_of, Ordering::Release);
        self.forget_expired(as_of);
    }

    /// What is known at `now` of revocations that concern these claims.
    pub fn status_of(&self, claims: &AccessTokenClaims, now: u64) -> RevocationStatus {
        let not_before = |hash| self.not_before(hash, now);
        let grant = claims.grant_id.as_deref().map(RevocationHash::of_grant);
        RevocationStatus {
            token_revoked: not_before(RevocationHash::of_token(&claims.jti)).is_some(),
            grant_revoked: grant.and_then(not_before).is_some(),
            client_not_before: not_before(RevocationHash::of_client(&claims.client_id)),
            subject_not_before: not_before(RevocationHash::of_subject(&claims.sub)),
        }
    }

    /// The moment up to which nothing is missing, in seconds since 1970; `None` while the view
    /// is cold.
    pub fn as_of(&self) -> Option<u64> {
        match self.as_of.load(Ordering::Acquire) {
            0 => None,
            as_of => Some(as_of),
        }
    }

    /// How old the view is at `now`, in seconds; `None` while it is cold.
    pub fn staleness(&self, now: u64) -> Option<u64> {
        self.as_of().map(|as_of| now.saturating_sub(as_of))
    }

    /// How many revocations it holds.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).len()).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One lookup: tokens of what `hash` names are dead when they were issued at or before this
    /// moment; [`u64::MAX`] is all of them, `None` is none.
    pub fn not_before(&self, hash: RevocationHash, now: u64) -> Option<u64> {
        let live = read(self.shard(hash)).get(&hash).copied()?;
        (u64::from(live.until) >= now).then_some(match live.not_before {
            u32::MAX => u64::MAX,
            not_before => not_before.into(),
        })
    }

    fn insert(&self, entry: &Revocation) {
        let not_before = match entry.revoked() {
            RevocationKind::Token | RevocationKind::Grant => u64::MAX,
            RevocationKind::Client { not_before } | RevocationKind::Subject { not_before } => {
                not_before
            }
        };
        let new = Entry {
            not_before: saturating(not_before),
            // Tokens are accepted that long after their `exp`.
            until: saturating(entry.until().saturating_add(CLOCK_SKEW_SECONDS)),
        };
        let mut shard = write(self.shard(entry.hash()));
        let live = shard.entry(entry.hash()).or_insert(new);
        live.not_before = live.not_before.max(new.not_before);
        live.until = live.until.max(new.until);
    }

    /// Cleans one shard, so that no writer holds locks for long; in turn, so that an expired entry
    /// goes within [`SHARDS`] calls.
    fn forget_expired(&self, now: u64) {
        let turn = self.next_to_clean.fetch_add(1, Ordering::Relaxed) % SHARDS;
        let mut shard = write(&self.shards[turn]);
        shard.retain(|_, live| u64::from(live.until) >= now);
        if shard.len() < shard.capacity() / 4 {
            shard.shrink_to_fit();
        }
    }

    fn shard(&self, hash: RevocationHash) -> &RwLock<Shard> {
        &self.shards[hash.last_byte() as usize % SHARDS]
    }
}

impl Default for RevocationView {
    fn default() -> Self {
        Self::new()
    }
}

fn saturating(seconds: u64) -> u32 {
    seconds.try_into().unwrap_or(u32::MAX)
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

const SHARDS: usize = 64;
