//! Requests beyond a limit.

use strum::IntoStaticStr;

use crate::limit::Standing;

/// Why a request that everything else allows is denied. The variant's name is the `reason` in the log.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum LimitDenied {
    /// The limit of the client is used up until the next window begins.
    #[error("the limit of requests is used up: try again later")]
    LimitExceeded(Standing),
}

impl LimitDenied {
    /// How the one stands that is limited.
    pub const fn standing(&self) -> &Standing {
        match self {
            Self::LimitExceeded(standing) => standing,
        }
    }
}
