use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::random::random_bytes;

/// The attributes that put a record into the sparse index `feed`: what was revoked, by shard and
/// time. They are part of the write that revokes, so nothing can be half-revoked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FeedEntry {
    /// One of [`FEED_SHARDS`], so that no partition of the index takes all writes.
    pub feed_shard: String,
    /// When it was revoked.
    pub feed_at: Timestamp,
    /// When the last token that it concerns has expired.
    pub feed_until: Timestamp,
}

impl FeedEntry {
    /// An entry of `now` that concerns tokens until `until`.
    pub fn new(now: Timestamp, until: Timestamp) -> Self {
        let [byte] = random_bytes::<1>();
        Self {
            feed_shard: (byte % FEED_SHARDS).to_string(),
            feed_at: now,
            feed_until: until,
        }
    }
}

/// How many partitions the feed has.
pub const FEED_SHARDS: u8 = 4;
