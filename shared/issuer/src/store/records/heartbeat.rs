use serde::{Deserialize, Serialize};

use super::FeedAttributes;
use crate::store::{Key, Record};
use tokensmith_verifier::Timestamp;

/// A record in the feed that revokes nothing. It is written again and again, so that readers of an
/// index can tell how far it lags behind the table.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Heartbeat {
    /// Its place in the feed, at the time of the last beat.
    #[serde(flatten)]
    pub feed: FeedAttributes,
}

impl Heartbeat {
    /// A beat at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self {
            feed: FeedAttributes::new(now, ALWAYS),
        }
    }

    /// The only key of this record.
    pub fn only_key() -> Key<Self> {
        Key::ranged(HEARTBEAT, "-")
    }
}

impl Record for Heartbeat {
    fn key(&self) -> Key<Self> {
        Self::only_key()
    }
}

/// The partition key of the heartbeat.
pub const HEARTBEAT: &str = "HEARTBEAT";

/// The heartbeat always matters: the end of the year 9999, in seconds. That it never changes saves
/// one write in the index `live`.
const ALWAYS: Timestamp = Timestamp::from_seconds(253_402_300_799);
