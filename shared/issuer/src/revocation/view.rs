//! The live revocations in memory, for a service that can read the table. It costs one query of the
//! index `feed` in each interval, and none per request.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokensmith_verifier::{
    RevocationSource, RevocationStatus, RevocationView, SignedClaims, SourceUnavailable,
    StalePolicy, WhenStale,
};
use tokio::sync::{Mutex, MutexGuard};

use super::own_records::OwnRecords;
use super::pass::{Pass, Progress};
use super::read_status;
use crate::store::{StoreError, TableReader};
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
    /// When the last query failed, if it has; otherwise 0.
    failed_at: AtomicU64,
    /// Locked by the request that reads the feed.
    reading: Mutex<Reading>,
    own_records: OwnRecords,
}

/// What is known of the feed's pages.
#[derive(Debug)]
struct Reading {
    progress: Progress,
    /// How many entries the next page may have.
    page: u32,
}

impl TableRevocations {
    /// Reads `table` at most once in each `interval` of whole seconds. `stale` says what happens
    /// while the table cannot be read.
    pub fn new(table: TableReader, clock: Clock, interval: Duration, stale: StalePolicy) -> Self {
        Self {
            own_records: OwnRecords::new(table.clone(), interval),
            table,
            clock,
            interval,
            stale,
            view: RevocationView::new(),
            queried_at: AtomicU64::new(0),
            failed_at: AtomicU64::new(0),
            reading: Mutex::new(Reading {
                progress: Progress::default(),
                page: FIRST_PAGE,
            }),
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

    /// Whether a query has failed so recently that the next one would fail as well.
    fn has_just_failed(&self, now: Timestamp) -> bool {
        let failed_at = self.failed_at.load(Ordering::Acquire);
        failed_at > 0 && now < Timestamp::from_seconds(failed_at).after(self.interval)
    }

    /// Whether the last pass succeeded, so that the view is at most an interval old.
    fn is_current(&self, now: u64) -> bool {
        let age = self.view.staleness(now);
        age.is_some_and(|age| age <= self.interval.as_secs())
    }

    /// Decides by the token's own records, because the index cannot be read now. The table may answer
    /// all the same: the index has a capacity of its own.
    async fn by_own_records(
        &self,
        token: &SignedClaims,
        now: u64,
        why: &(dyn Display + Sync),
    ) -> Result<RevocationStatus, SourceUnavailable> {
        match self.own_records.decide(token, now).await {
            Ok(Some(status)) => Ok(status),
            Ok(None) => self.without_news(token, now, why),
            Err(err) => self.without_news(token, now, &err),
        }
    }

    /// Decides by the token's own records, while the view reads its next page.
    async fn read_both(
        &self,
        token: &SignedClaims,
        now: u64,
        reading: MutexGuard<'_, Reading>,
    ) -> Result<RevocationStatus, SourceUnavailable> {
        let (own, page) = tokio::join!(
            read_status(&self.table, &token.claims, Timestamp::from_seconds(now)),
            self.read_page(reading, self.clock.now()),
        );
        let known = self.view.status_of(token, now);
        match (own, page) {
            (Ok(own), Ok(true)) => Ok(RevocationStatus {
                key_withdrawn: known.key_withdrawn,
                ..own
            }),
            (Ok(own), _) => {
                let complete = self.own_records.with_key(own, token, now).await;
                complete.or_else(|err| self.without_news(token, now, &err))
            }
            (Err(_), Ok(true)) => Ok(known),
            (Err(err), _) => self.without_news(token, now, &err),
        }
    }

    /// Reads one page into the view; `true` when the view knows everything with it.
    async fn read_page(
        &self,
        mut reading: MutexGuard<'_, Reading>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.queried_at.store(now.seconds(), Ordering::Release);
        let Reading {
            progress,
            page: most,
        } = &mut *reading;
        let mut query = progress.next_query(now, now);
        let after = query.after.take();
        let read = self
            .table
            .query_feed_within(PATIENCE, query.selection, after, *most)
            .await;
        let failed_at = if read.is_ok() { 0 } else { now.seconds() };
        self.failed_at.store(failed_at, Ordering::Release);
        let page = read?;
        progress.advance(query, &page, now);
        let complete_at = progress.complete_at().map(Timestamp::seconds);
        // A pass that is not finished must not move `as_of`.
        let as_of = complete_at.or(self.view.as_of()).unwrap_or(0);
        let entries = page.entries.iter().map(|entry| entry.revocation);
        self.view.apply(entries, as_of);
        *most = match complete_at {
            Some(_) => LARGEST_PAGE,
            None => LARGEST_PAGE.min(2 * *most),
        };
        Ok(self.is_current(now.seconds()))
    }

    /// The status when the table cannot be read.
    fn without_news(
        &self,
        token: &SignedClaims,
        now: u64,
        why: &(dyn Display + Sync),
    ) -> Result<RevocationStatus, SourceUnavailable> {
        match (self.stale.check(&self.view, now), self.stale.then) {
            (Ok(()), _) | (_, WhenStale::FailOpen) => Ok(self.view.status_of(token, now)),
            (Err(_), WhenStale::FailClosed) => Err(SourceUnavailable::Revocations(why.to_string())),
        }
    }
}

#[async_trait]
impl RevocationSource for TableRevocations {
    async fn status_of(
        &self,
        token: &SignedClaims,
        now: u64,
    ) -> Result<RevocationStatus, SourceUnavailable> {
        let time = self.clock.now();
        let reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            // Another request is reading the feed. Without its result, the view is older than the
            // interval by at most the time of that read.
            Err(_) if self.stale.check(&self.view, now).is_ok() => {
                return Ok(self.view.status_of(token, now));
            }
            Err(_) => self.reading.lock().await,
        };
        match &reading.progress.pass {
            Pass::CaughtUp(_) if self.is_due(time) => match self.read_page(reading, time).await {
                Ok(true) => Ok(self.view.status_of(token, now)),
                Ok(false) => {
                    self.by_own_records(token, now, &"the index is behind")
                        .await
                }
                Err(err) => self.by_own_records(token, now, &err).await,
            },
            // A view whose last query failed is older than it seems: that query was due.
            Pass::CaughtUp(_) if self.is_current(now) && !self.has_just_failed(time) => {
                Ok(self.view.status_of(token, now))
            }
            Pass::Cold | Pass::Behind { .. } if !self.has_just_failed(time) => {
                self.read_both(token, now, reading).await
            }
            // The last query failed or heartbeats are overdue, and the next query is not due yet.
            Pass::CaughtUp(_) | Pass::Cold | Pass::Behind { .. } => {
                drop(reading);
                self.by_own_records(token, now, &"the index is out or behind")
                    .await
            }
        }
    }
}

/// How many entries a cold view reads in its first request. That takes about as long as the read of
/// the token's own records, which the request waits for anyway. Each page is twice as large as the
/// one before.
const FIRST_PAGE: u32 = 25;

/// How long a query of the index may take, the SDK's retries included. Meanwhile other requests are decided by
/// the view, and afterwards by the records of their own tokens.
const PATIENCE: Duration = Duration::from_millis(250);

/// The largest page that a request waits for: some 100 KB.
const LARGEST_PAGE: u32 = 1000;
