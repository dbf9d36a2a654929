//! What can be wrong on purpose, so that every check is known to be able to fail; and what an
//! exploration has come across, so that none is empty without notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A mistake in the model of the issuer or of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// The update has no condition.
    UnconditionalWrite,
    /// The update's condition names the generation only.
    RevocationNotInCondition,
    /// A write that was applied is not recognised as our own when it is repeated.
    NoAttemptId,
    /// A successor is handed out again as the newest key makes it, not as it was stored.
    PrintedByNewestKey,
    /// It makes no difference which client has authenticated.
    AnyClient,
    /// Reuse is refused, but nothing is revoked.
    ReuseIgnored,
    /// A predecessor is never honoured.
    NoGrace,
    /// What is to revoke is honoured instead.
    LongGrace,
    /// The predecessor may advance as well.
    TwoCurrent,
    /// Nobody looks at what a code demands.
    AnyVerifier,
    /// A grant that was revoked goes on.
    RevocationIgnored,
}

impl Flaw {
    pub fn in_decision(flaw: Option<Self>, step: Option<Step>) -> Option<Step> {
        match (flaw, step) {
            (Some(Self::ReuseIgnored), Some(Step::Revoke)) => None,
            (Some(Self::NoGrace), Some(Step::Repeat)) => Some(Step::Revoke),
            (Some(Self::TwoCurrent), Some(Step::Repeat)) => Some(Step::Advance),
            (Some(Self::LongGrace), Some(Step::Revoke)) => Some(Step::Repeat),
            (_, step) => step,
        }
    }

    pub fn ignores_condition(flaw: Option<Self>, unmoved: bool) -> bool {
        match flaw {
            Some(Self::UnconditionalWrite) => true,
            Some(Self::RevocationNotInCondition) => unmoved,
            _ => false,
        }
    }
}

/// How often something was come across.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    repeated: Arc<AtomicU64>,
    recovered: Arc<AtomicU64>,
    lost_races: Arc<AtomicU64>,
}

impl Seen {
    pub fn repeat(&self) {
        self.repeated.fetch_add(1, Ordering::Relaxed);
    }

    pub fn write(&self, applied_now: bool) {
        let recovered = u64::from(!applied_now);
        self.recovered.fetch_add(recovered, Ordering::Relaxed);
    }

    pub fn lost_race(&self) {
        self.lost_races.fetch_add(1, Ordering::Relaxed);
    }

    /// Successors handed out again; own writes recognised when they were repeated; lost races.
    pub fn counts(&self) -> [u64; 3] {
        let all = [&self.repeated, &self.recovered, &self.lost_races];
        all.map(|count| count.load(Ordering::Relaxed))
    }
}
use tokensmith_issuer::grant::redeem::Step;
