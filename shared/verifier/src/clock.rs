//! The verifier's clock. Tests set it, so nothing sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Tells the time: the machine's, or the one that a test has set.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Stands still until it is set; in seconds since 1970.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The current second, counted from 1970.
    pub fn now(&self) -> u64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            Self::Manual(seconds) => seconds.load(Ordering::SeqCst),
        }
    }
}
