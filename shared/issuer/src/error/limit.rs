//! Requests beyond a limit.

use crate::limit::Standing;

/// The limit of the client is used up until the next window begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the limit of requests is used up: try again later")]
pub struct LimitExceeded(pub Standing);
