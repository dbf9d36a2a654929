use std::str::FromStr;
use std::time::Duration;

use super::RevocationView;
use crate::SourceUnavailable;

/// What to do while too little is known about revocations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StalePolicy {
    /// How old a view may be, in whole seconds. Its age is the verifier's time minus the issuer's
    /// time, so a difference between the clocks counts too. Bounds how long an attacker who blocks
    /// the feed can use a revoked token.
    pub max_age: Duration,
    /// What happens when it is older.
    pub then: WhenStale,
}

/// What happens to valid tokens when the view is older than [`StalePolicy::max_age`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WhenStale {
    /// Requests are answered 503, because it is unknown whether their tokens were revoked.
    FailClosed,
    /// Tokens are judged by the old view, so a revoked one may be accepted until it expires.
    FailOpen,
}

impl StalePolicy {
    /// Succeeds when a view may be used at `now`, in seconds since 1970.
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
    /// Refuses when the view is older than two minutes: one minute for an outage, one for a
    /// difference between the clocks.
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
