//! A pass through the feed, for readers that keep it in memory: what they ask the table for next.

use std::time::Duration;

use tokensmith_verifier::{CLOCK_SKEW_SECONDS, FEED_OVERLAP_SECONDS, Timestamp};

use super::heartbeat::LastHeartbeat;
use crate::store::{Cursor, FeedPage, FeedSelection};

/// What a reader knows of its passes.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The last pass.
    pub(super) pass: Pass,
    heartbeat: LastHeartbeat,
}

/// How far a reader has come.
#[derive(Debug, Default)]
pub(super) enum Pass {
    /// Nothing was read yet.
    #[default]
    Cold,
    /// There are more pages. A request that runs out of time leaves them to the next one.
    Behind {
        /// What the pass reads.
        selection: FeedSelection,
        /// When it began.
        began: Began,
        /// Where its next page starts.
        next: Cursor,
    },
    /// Everything was read in a pass that began then.
    CaughtUp(Began),
}

/// When a pass began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Began {
    /// By the reader's own clock.
    pub(super) own: Timestamp,
    /// By DynamoDB's clock if the own one is wrong, for where the next pass begins.
    pub(super) checked: Timestamp,
}

/// The next query of a pass.
#[derive(Debug)]
pub(super) struct PassQuery {
    /// What is read.
    pub(super) selection: FeedSelection,
    /// The key after which the page starts.
    pub(super) after: Option<Cursor>,
    /// When the pass began, unless this is its first query.
    began: Option<Began>,
}

impl Progress {
    /// The next query, when the own clock says `now`. A reader that starts needs what concerns a token
    /// that has not expired at `live_at`.
    pub(super) fn next_query(&self, now: Timestamp, live_at: Timestamp) -> PassQuery {
        let first = |selection| PassQuery {
            selection,
            after: None,
            began: None,
        };
        match &self.pass {
            Pass::CaughtUp(began) if now.since(began.own) <= RELOADED_AFTER => {
                let complete = self.heartbeat.complete_until(began.checked);
                first(FeedSelection::Since(complete.before(OVERLAP)))
            }
            Pass::Cold | Pass::CaughtUp(_) => first(FeedSelection::LiveAt(live_at.before(SKEW))),
            Pass::Behind {
                selection,
                began,
                next,
            } => PassQuery {
                selection: *selection,
                after: Some(next.clone()),
                began: Some(*began),
            },
        }
    }

    /// Goes on by the page that a query has brought when the own clock said `now`.
    pub(super) fn advance(&mut self, query: PassQuery, page: &FeedPage, now: Timestamp) {
        self.heartbeat.note(page);
        let began = query.began.unwrap_or_else(|| Began {
            own: now,
            checked: page.checked(now),
        });
        self.pass = match &page.next {
            None => Pass::CaughtUp(began),
            Some(next) => Pass::Behind {
                selection: query.selection,
                began,
                next: next.clone(),
            },
        };
    }

    /// When the last pass began, if it is complete, in the reader's own time: everything that was
    /// written before is known. Earlier by the time for which heartbeats have been overdue, because
    /// an index without them can lack revocations as well.
    pub(super) fn complete_at(&self) -> Option<Timestamp> {
        match &self.pass {
            Pass::CaughtUp(began) => Some(began.own.before(self.heartbeat.overdue(began.checked))),
            Pass::Cold | Pass::Behind { .. } => None,
        }
    }
}

/// Each pass starts this long before the last one began: revocations that were being written then
/// are in the index now.
pub(super) const OVERLAP: Duration = Duration::from_secs(FEED_OVERLAP_SECONDS);

/// Verifiers accept a token for this long after its `exp`, so its revocation must be kept as long.
pub(super) const SKEW: Duration = Duration::from_secs(CLOCK_SKEW_SECONDS);

/// A reader that was last complete so long ago reads the revocations that still matter, instead of all
/// that were recorded meanwhile.
const RELOADED_AFTER: Duration = Duration::from_secs(60 * 60);
