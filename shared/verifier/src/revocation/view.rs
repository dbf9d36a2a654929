use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Revocation, RevocationHash, RevocationKind};
use crate::{Actor, CLOCK_SKEW_SECONDS, Parent, RevocationStatus, SignedClaims};

/// The revocations of tokens that have not expired, in memory, for many readers and one writer at a
/// time.
///
/// Each takes 29 to 58 bytes, depending on how full the hash tables are. A lookup takes a lock that
/// a writer holds for one entry at a time, or while it moves a sixty-fourth of the entries.
#[derive(Debug)]
pub struct RevocationView {
    shards: Vec<RwLock<Shard>>,
    /// The time up to which the view is complete; 0 while it is cold.
    as_of: AtomicU64,
    /// The shard whose expired entries are removed next.
    next_to_clean: AtomicUsize,
}

type Shard = HashMap<RevocationHash, Entry>;

/// Times are seconds since 1970 in 32 bits, which last until 2106, so that an entry takes 24 bytes
/// instead of 32. A later time is stored as the last one.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Tokens issued at or before this time are invalid; [`u32::MAX`] is all of them. Of an API key, it is when the
    /// key ends.
    not_before: u32,
    /// When even the last of these tokens has expired for every verifier.
    until: u32,
}

impl RevocationView {
    /// An empty view, which is cold.
    pub fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            as_of: AtomicU64::new(0),
            next_to_clean: AtomicUsize::new(0),
        }
    }

    /// Adds revocations. The caller asserts that with them the view has everything that was revoked
    /// before `as_of`, in seconds since 1970; an `as_of` that is not newer than the view's own is
    /// ignored. Entries may be repeated, and come in any order.
    pub fn apply(&self, entries: impl IntoIterator<Item = Revocation>, as_of: u64) {
        for entry in entries {
            self.insert(&entry);
        }
        self.as_of.fetch_max(as_of, Ordering::Release);
        self.forget_expired(as_of);
    }

    /// The revocations that concern a token at `now`: of the token itself, and of all that it was exchanged for.
    pub fn status_of(&self, token: &SignedClaims, now: u64) -> RevocationStatus {
        let not_before = |hash| self.not_before(hash, now);
        let is_revoked = |hash| not_before(hash).is_some();
        let claims = &token.claims;
        let grant = claims.grant_id.as_deref().map(RevocationHash::of_grant);
        // Whoever acts may be a client or a person. No client has the name of a person.
        let actors = claims.act.iter().flat_map(Actor::chain);
        let subjects = actors.chain([claims.sub.as_str()]);
        let own = RevocationStatus {
            token_revoked: is_revoked(RevocationHash::of_token(&claims.jti)),
            grant_revoked: grant.is_some_and(is_revoked),
            client_not_before: not_before(RevocationHash::of_client(&claims.client_id)),
            subject_not_before: subjects
                .filter_map(|subject| not_before(RevocationHash::of_subject(subject)))
                .max(),
            api_key_ended: false,
            key_withdrawn: is_revoked(RevocationHash::of_key(token.key_id.as_str())),
        };
        let parents = claims.parents.iter();
        let statuses = parents.map(|parent| self.status_of_parent(parent, now));
        statuses.fold(own, RevocationStatus::or)
    }

    fn status_of_parent(&self, parent: &Parent, now: u64) -> RevocationStatus {
        let not_before = |hash| self.not_before(hash, now);
        let is_revoked = |hash| not_before(hash).is_some();
        match parent {
            Parent::Token {
                jti,
                client_id,
                grant_id,
                kid,
            } => RevocationStatus {
                token_revoked: is_revoked(RevocationHash::of_token(jti)),
                grant_revoked: grant_id
                    .as_deref()
                    .is_some_and(|grant| is_revoked(RevocationHash::of_grant(grant))),
                client_not_before: not_before(RevocationHash::of_client(client_id)),
                key_withdrawn: kid
                    .as_ref()
                    .is_some_and(|kid| is_revoked(RevocationHash::of_key(kid.as_str()))),
                ..RevocationStatus::default()
            },
            Parent::ApiKey { key } => RevocationStatus {
                api_key_ended: not_before(RevocationHash::of_api_key(key))
                    .is_some_and(|ends_at| ends_at <= now),
                ..RevocationStatus::default()
            },
        }
    }

    /// The time up to which the view is complete, in seconds since 1970; `None` while the view is
    /// cold.
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

    /// Looks up one hash. Tokens of what it names are invalid if they were issued at or before the
    /// returned time; [`u64::MAX`] is all of them, `None` is none.
    pub fn not_before(&self, hash: RevocationHash, now: u64) -> Option<u64> {
        let live = read(self.shard(hash)).get(&hash).copied()?;
        (u64::from(live.until) >= now).then_some(match live.not_before {
            u32::MAX => u64::MAX,
            not_before => not_before.into(),
        })
    }

    fn insert(&self, entry: &Revocation) {
        let not_before = match entry.revoked() {
            RevocationKind::Token | RevocationKind::Grant | RevocationKind::Key => u64::MAX,
            RevocationKind::Client { not_before } | RevocationKind::Subject { not_before } => {
                not_before
            }
            RevocationKind::ApiKey { ends_at } => ends_at,
            RevocationKind::Other { not_before } => not_before.unwrap_or(u64::MAX),
        };
        let new = Entry {
            not_before: saturating(not_before),
            // Verifiers accept tokens for this long after their `exp`.
            until: saturating(entry.until().saturating_add(CLOCK_SKEW_SECONDS)),
        };
        let mut shard = write(self.shard(entry.hash()));
        let live = shard.entry(entry.hash()).or_insert(new);
        // The later of two revocations ends later. An index may list the earlier one after it.
        if (new.until, new.not_before) > (live.until, live.not_before) {
            *live = new;
        }
    }

    /// Removes the expired entries of one shard, so that a writer holds no lock for long. Each call
    /// takes the next shard, so that an expired entry is removed within [`SHARDS`] calls.
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
