use std::str::FromStr;
use std::time::Duration;

use super::RevocationView;
use crate::SourceUnavailable;

/// What to do while too little is known of revocations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StalePolicy {
    /// How old a view may be, in whole seconds. It is told by the issuer's clock, so the
    /// difference to the verifier's clock counts too.
    pub max_age: Duration,
    /// What happens beyond that.
    pub then: WhenStale,
}

/// What happens to good tokens beyond [`StalePolicy::max_age`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WhenStale {
    /// They are not let through: 503, for nobody can tell whether they were revoked.
    FailClosed,
    /// They are judged by what is known, so a revoked one may pass until it expires.
    FailOpen,
}

impl StalePolicy {
    /// Passes when a view may be used at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// [`SourceUnavailable::StaleRevocations`] when it is too old, or cold, and the policy is to refuse.
    pub fn check(&self, view: &RevocationView, now: u64) -> Result<(), SourceUnavailable> {
        let age = view.staleness(now);
        let fresh = age.is_some_and(|age| age <= self.max_age.as_secs());
        match self.then {
            WhenStale::FailClosed if !fresh => Err(SourceUnavailable::StaleRevocations),
            WhenStale::FailClosed | WhenStale::FailOpen => Ok(()),
        }
    }
}

impl Default for StalePolicy {
    /// Refuses beyond two minutes: one for the outage, one for the clocks.
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(120),
            then: WhenStale::FailClosed,
        }
    }
}

impl FromStr for WhenStale {
    type Err = UnknownPolicy;

    /// `closed` or `open`.
    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        match text {
            "closed" => Ok(Self::FailClosed),
            "open" => Ok(Self::FailOpen),
            _ => Err(UnknownPolicy),
        }
    }
}

/// The text is neither `closed` nor `open`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("use `closed` or `open`")]
pub struct UnknownPolicy;
