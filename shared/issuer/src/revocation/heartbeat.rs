//! How readers of the feed notice that its index lags behind the table.
//!
//! DynamoDB writes to an index after it has written to the table, and does not say how long after. A
//! heartbeat is a record in the index that is written every minute: readers who do not find a recent
//! one know that revocations can be missing as well.

use std::time::Duration;

use tokensmith_verifier::Timestamp;

use crate::store::records::{HEARTBEAT, Heartbeat};
use crate::store::{Change, FeedPage, StoreError, Table};

/// Writes the heartbeat. It only moves forward.
///
/// # Errors
/// [`StoreError`] when the table fails.
pub async fn beat(table: &Table, now: Timestamp) -> Result<(), StoreError> {
    let new = Heartbeat::at(now);
    let found = table.reader().query_all::<Heartbeat>(HEARTBEAT).await?;
    match found.first() {
        None => drop(table.insert(&new).await?),
        Some(last) if last.feed.feed_at < now => {
            let change = Change::between(last, &new)?;
            // Refused when another one was written meanwhile.
            drop(table.update(&Heartbeat::only_key(), change).await?);
        }
        Some(_) => {}
    }
    Ok(())
}

/// The last heartbeat that a reader has found in an index. Without any, nothing is known of a lag: not
/// every installation writes them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastHeartbeat(Option<Timestamp>);

impl LastHeartbeat {
    /// Notes the one that a page has.
    pub(super) fn note(&mut self, page: &FeedPage) {
        self.0 = self.0.max(page.heartbeat);
    }

    /// From when on the index can lack what was written, if it was read at `now` by DynamoDB's clock.
    pub(super) fn complete_until(self, now: Timestamp) -> Timestamp {
        self.0.map_or(now, |last| last.min(now))
    }

    /// How long heartbeats have been overdue at `now` by DynamoDB's clock.
    pub(super) fn overdue(self, now: Timestamp) -> Duration {
        let since = now.since(self.complete_until(now));
        since.saturating_sub(OVERDUE_AFTER)
    }
}

/// Heartbeats are written every minute, at any second of it, and one may fail.
const OVERDUE_AFTER: Duration = Duration::from_secs(150);
