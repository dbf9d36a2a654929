use serde::{Deserialize, Serialize};

use tokensmith_verifier::{Revocation, Timestamp};

use crate::config::MAX_ACCESS_TTL;

/// The attributes that put a record into the sparse indexes `feed` and `live`, which list revocations
/// by the time of the revocation and by the time until which it matters. They are part of the write that revokes, so that no revocation can be missing in the feed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FeedAttributes {
    /// Its partition of the index: [`FEED_SHARD`].
    pub feed_shard: String,
    /// When it was revoked.
    pub feed_at: Timestamp,
    /// When the last token that the revocation concerns has expired.
    pub feed_until: Timestamp,
}

impl FeedAttributes {
    /// The attributes of a revocation at `now` that concerns tokens until `until`.
    pub fn new(now: Timestamp, until: Timestamp) -> Self {
        Self {
            feed_shard: FEED_SHARD.to_owned(),
            feed_at: now,
            feed_until: until,
        }
    }

    /// When the last token issued at or before `not_before` has expired.
    pub fn end_of(not_before: Timestamp) -> Timestamp {
        not_before.after(MAX_ACCESS_TTL)
    }
}

/// A revocation as it stands in the index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FeedEntry {
    /// When it was written.
    pub at: Timestamp,
    /// What was revoked.
    pub revocation: Revocation,
}

/// The only partition of the index, so that one query reads everything new. It takes a thousand
/// writes a second; an installation with more revocations would need several partitions.
pub const FEED_SHARD: &str = "0";
