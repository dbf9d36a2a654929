//! The clock of issuer and verifier, and the times that it tells. Tests set the clock, so that no
//! test has to sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

/// A clock: the machine's, one that runs on from a time that was told, or one that a test sets.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Stands still until it is set; in seconds since 1970.
    Manual(Arc<AtomicU64>),
    /// Runs on from the time that it was at an instant.
    Told(Timestamp, Instant),
}

impl Clock {
    /// The current second.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                Timestamp(since.map_or(0, |since| since.as_secs()))
            }
            Self::Manual(seconds) => Timestamp(seconds.load(Ordering::SeqCst)),
            Self::Told(time, at) => time.after(at.elapsed()),
        }
    }
}

/// A time in whole seconds since 1970, the resolution of JWT claims (RFC 7519 §2).
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `seconds` after the start of 1970.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// This time plus `duration`, in whole seconds.
    pub const fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// This time minus `duration`, in whole seconds; not before 1970.
    pub const fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// The whole seconds from `earlier` to this time; zero if `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}
