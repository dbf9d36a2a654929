//! The live revocations in memory, for a service that can read the table. It costs one query of the
//! index `feed` in each interval, and none per request.

use std::fmt::Display;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokensmith_verifier::{
    AccessTokenClaims, CLOCK_SKEW_SECONDS, FEED_OVERLAP_SECONDS, RevocationSource,
    RevocationStatus, RevocationView, SourceUnavailable, StalePolicy, WhenStale,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::config::MAX_ACCESS_TTL;
use crate::revocation::read_status;
use crate::store::records::FEED_SHARD;
use crate::store::{Cursor, StoreError, TableReader};
use tokensmith_verifier::{Clock, Timestamp};

/// A view of the feed. The request that finds it overdue renews it, because a function that is
/// frozen between requests cannot poll.
///
/// A request never waits for a whole pass of a view that is cold or far behind. It is decided by
/// one read of the records that can have revoked its token, while the view reads its next page,
/// which is short.
#[derive(Debug)]
pub struct TableRevocations {
    table: TableReader,
    clock: Clock,
    interval: Duration,
    stale: StalePolicy,
    view: RevocationView,
    /// When the last query began, in seconds since 1970; 0 before the first.
    queried_at: AtomicU64,
    /// Locked by the request that reads the feed.
    reading: Mutex<Reading>,
    own_reads: OwnReads,
}

/// How far a pass through the feed has come.
#[derive(Debug, Default)]
enum Reading {
    /// Nothing was read yet, or what was read is too old to continue from.
    #[default]
    Cold,
    /// There are more pages.
    Behind {
        since: Timestamp,
        began: Timestamp,
        next: Cursor,
        /// How many entries the next page may have.
        page: u32,
    },
    /// Everything was read.
    CaughtUp { at: Timestamp },
}

impl TableRevocations {
    /// Reads `table` at most once in each `interval` of whole seconds. `stale` says what happens
    /// while the table cannot be read.
    pub fn new(table: TableReader, clock: Clock, interval: Duration, stale: StalePolicy) -> Self {
        Self {
            table,
            clock,
            interval,
            stale,
            view: RevocationView::new(),
            queried_at: AtomicU64::new(0),
            reading: Mutex::default(),
            own_reads: OwnReads::default(),
        }
    }

    /// How old the view is at `now`, in seconds; `None` while it is cold.
    pub fn staleness(&self, now: Timestamp) -> Option<u64> {
        self.view.staleness(now.seconds())
    }

    /// How many revocations it holds.
    pub fn len(&self) -> usize {
        self.view.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.view.is_empty()
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let last = Timestamp::from_seconds(self.queried_at.load(Ordering::Acquire));
        now >= last.after(self.interval)
    }

    /// Whether the last pass succeeded, so that the view is at most an interval old.
    fn is_current(&self, now: u64) -> bool {
        let age = self.view.staleness(now);
        age.is_some_and(|age| age <= self.interval.as_secs())
    }

    /// Decides by the records that can have revoked the token, because the index cannot be read now.
    /// The table may answer all the same: the index has a capacity of its own.
    async fn by_own_records(
        &self,
        claims: &AccessTokenClaims,
        now: u64,
        why: &(dyn Display + Sync),
    ) -> Result<RevocationStatus, SourceUnavailable> {
        if !self.own_reads.begin(now) {
            return self.without_news(claims, now, why);
        }
        match read_status(&self.table, claims).await {
            Ok(status) => Ok(status),
            Err(err) => {
                self.own_reads.pause(now + self.interval.as_secs());
                self.without_news(claims, now, &err)
            }
        }
    }

    /// Decides by the records that can have revoked the token, while the view reads its next page.
    async fn read_both(
        &self,
        claims: &AccessTokenClaims,
        now: u64,
        reading: MutexGuard<'_, Reading>,
    ) -> Result<RevocationStatus, SourceUnavailable> {
        let (own, page) = tokio::join!(
            read_status(&self.table, claims),
            self.read_page(reading, self.clock.now()),
        );
        match (own, page) {
            (Ok(standing), _) => Ok(standing),
            (Err(_), Ok(true)) => Ok(self.view.status_of(claims, now)),
            (Err(err), _) => self.without_news(claims, now, &err),
        }
    }

    /// Reads one page into the view; `true` when it was the last.
    async fn read_page(
        &self,
        mut reading: MutexGuard<'_, Reading>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.queried_at.store(now.seconds(), Ordering::Release);
        let (since, began, after, page) = match &*reading {
            Reading::Cold => (now.before(LONGEST_LIFE), now, None, FIRST_PAGE),
            Reading::CaughtUp { at } => (at.before(OVERLAP), now, None, LARGEST_PAGE),
            Reading::Behind {
                since,
                began,
                next,
                page,
            } => (*since, *began, Some(next.clone()), *page),
        };
        let live = now.before(SKEW);
        let (items, next) = self
            .table
            .query_feed(FEED_SHARD, since, live, after, Some(page))
            .await?;
        let entries = items.into_iter().map(|entry| entry.revocation);
        let complete = next.is_none();
        *reading = match next {
            Some(next) => {
                // A pass that is not finished must not move `as_of`.
                self.view.apply(entries, self.view.as_of().unwrap_or(0));
                Reading::Behind {
                    since,
                    began,
                    next,
                    page: LARGEST_PAGE.min(2 * page),
                }
            }
            None => {
                self.view.apply(entries, began.seconds());
                Reading::CaughtUp { at: began }
            }
        };
        Ok(complete)
    }

    /// The status when the table cannot be read.
    fn without_news(
        &self,
        claims: &AccessTokenClaims,
        now: u64,
        why: &(dyn Display + Sync),
    ) -> Result<RevocationStatus, SourceUnavailable> {
        match (self.stale.check(&self.view, now), self.stale.then) {
            (Ok(()), _) | (_, WhenStale::FailOpen) => Ok(self.view.status_of(claims, now)),
            (Err(_), WhenStale::FailClosed) => Err(SourceUnavailable::Revocations(why.to_string())),
        }
    }
}

#[async_trait]
impl RevocationSource for TableRevocations {
    async fn status_of(
        &self,
        claims: &AccessTokenClaims,
        now: u64,
    ) -> Result<RevocationStatus, SourceUnavailable> {
        let time = self.clock.now();
        let reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            // Another request is reading the feed. Without its result, the view is older than the
            // interval by at most the time of that read.
            Err(_) if self.stale.check(&self.view, now).is_ok() => {
                return Ok(self.view.status_of(claims, now));
            }
            Err(_) => self.reading.lock().await,
        };
        match &*reading {
            Reading::CaughtUp { .. } if self.is_due(time) => {
                match self.read_page(reading, time).await {
                    Ok(true) => Ok(self.view.status_of(claims, now)),
                    Ok(false) => {
                        let own = read_status(&self.table, claims).await;
                        own.or_else(|err| self.without_news(claims, now, &err))
                    }
                    Err(err) => self.by_own_records(claims, now, &err).await,
                }
            }
            Reading::CaughtUp { .. } if self.is_current(now) => {
                Ok(self.view.status_of(claims, now))
            }
            // The last query failed, and the next one is not due yet.
            Reading::CaughtUp { .. } => {
                drop(reading);
                self.by_own_records(claims, now, &"the last query of the feed failed")
                    .await
            }
            Reading::Cold | Reading::Behind { .. } => self.read_both(claims, now, reading).await,
        }
    }
}

/// The reads of tokens' own records that are made while the index cannot be read.
#[derive(Debug, Default)]
struct OwnReads(std::sync::Mutex<Spent>);

#[derive(Debug, Default)]
struct Spent {
    second: u64,
    reads: u32,
    paused_until: u64,
}

impl OwnReads {
    /// Whether one more may be made at `now`.
    fn begin(&self, now: u64) -> bool {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.second != now {
            (spent.second, spent.reads) = (now, 0);
        }
        spent.reads += 1;
        now >= spent.paused_until && spent.reads <= OWN_READS_PER_SECOND
    }

    /// Makes none until `moment`: when the whole table is out, each read waits for its time limit.
    fn pause(&self, moment: u64) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.paused_until = moment;
    }
}

/// Bounds what the requests of one process cost the table while the index is out, when each of them
/// needs a read of its own. Beyond it, the view decides as long as it is not stale.
const OWN_READS_PER_SECOND: u32 = 200;

/// How many entries a cold view reads in its first request. That takes about as long as the read of
/// the token's own records, which the request waits for anyway. Each page is twice as large as the
/// one before.
const FIRST_PAGE: u32 = 25;

/// The largest page that a request waits for: some 100 KB.
const LARGEST_PAGE: u32 = 1000;

/// Each pass starts this long before the last one began: revocations that were being written then
/// are in the index now.
const OVERLAP: Duration = Duration::from_secs(FEED_OVERLAP_SECONDS);

/// Verifiers accept a token for this long after its `exp`, so its revocation must be kept as long.
const SKEW: Duration = Duration::from_secs(CLOCK_SKEW_SECONDS);

/// Tokens issued before this have expired, so older revocations do not matter.
const LONGEST_LIFE: Duration =
    Duration::from_secs(MAX_ACCESS_TTL.as_secs() + CLOCK_SKEW_SECONDS + FEED_OVERLAP_SECONDS);
