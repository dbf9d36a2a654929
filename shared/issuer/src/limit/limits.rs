use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokensmith_verifier::{Clock, Timestamp};
use tokio::sync::Mutex;

use super::lease::Lease;
use super::{Limit, Limited, Standing};
use crate::store::{Counters, Leased, StoreError};

/// What this process has leased, of everything that is limited.
#[derive(Debug)]
pub struct Limits {
    counters: Counters,
    clock: Clock,
    /// The lock of a lease is held while the table is asked: whoever comes meanwhile waits for the answer, and spends what it brings.
    leases: Cache<Limited, Arc<Mutex<Lease>>>,
}

impl Limits {
    /// Leases from `counters`, in windows by this clock.
    pub fn new(counters: Counters, clock: Clock) -> Self {
        Self {
            counters,
            clock,
            leases: Cache::new(KEPT_LEASES),
        }
    }

    /// Takes a permit: one that this process holds, or else one that it leases, by at most two writes. While it knows that the window has
    /// none, it makes no call.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails. It may have leased permits that nobody will spend then.
    pub async fn take(&self, limited: &Limited, limit: Limit) -> Result<Taken, StoreError> {
        let lease = self.lease_of(limited, limit);
        let mut lease = lease.lock().await;
        // Who has waited may find the next window.
        let now = self.clock.now();
        let window = limit.window_at(now);
        if (lease.limit, lease.window) != (limit, window) {
            *lease = Lease::new(limit, window);
        }
        let ends = window.after(limit.window());
        let mut has_permit = lease.spend();
        for _ in 0..MAX_WRITES {
            let Some(permits) = lease.next().filter(|_| !has_permit) else {
                break;
            };
            let counter = limited.counter(limit, window);
            let forgotten = ends.after(KEPT_COUNTER);
            let leased = self
                .counters
                .lease(&counter, permits, limit.permits(), forgotten);
            match leased.await? {
                Leased::Granted(leased) => lease.granted(permits, leased),
                Leased::Refused(leased) => lease.refused(leased),
            }
            has_permit = lease.spend();
        }
        let standing = Standing {
            kind: limited.kind(),
            limit,
            remaining: lease.remaining(),
            resets_in: seconds_until(ends, now),
        };
        Ok(match has_permit {
            true => Taken::Permit(standing),
            false => Taken::Exceeded(standing),
        })
    }

    /// Makes sure that permits can be leased, and leases none.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.counters.check().await
    }

    fn lease_of(&self, limited: &Limited, limit: Limit) -> Arc<Mutex<Lease>> {
        let nothing = || Lease::new(limit, Timestamp::default());
        let new = || Ok::<_, Infallible>(Arc::new(Mutex::new(nothing())));
        let Ok(lease) = self.leases.get_or_insert_with(limited, new);
        lease
    }
}

fn seconds_until(moment: Timestamp, now: Timestamp) -> u64 {
    moment.since(now).as_secs().max(1)
}

/// Whether a request is within its limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Taken {
    /// It is.
    Permit(Standing),
    /// The window has no permit any more.
    Exceeded(Standing),
}

/// A lease that is refused says what is left, so that a second write leases of that; or finds that others have taken the last.
const MAX_WRITES: usize = 2;

/// More than are limited at one time. Of what is forgotten, the leased permits are stranded.
const KEPT_LEASES: usize = 10_000;

/// How long a counter is kept after its window, so that a function whose clock is behind finds it.
const KEPT_COUNTER: Duration = Duration::from_secs(60 * 60);
