use serde::{Deserialize, Serialize};

use tokensmith_verifier::{Revocation, Timestamp};

/// The attributes that put a record into the sparse index `feed`: what was revoked, by time. They are
/// part of the write that revokes, so nothing can be half-revoked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FeedAttributes {
    /// Its partition of the index: [`FEED_SHARD`].
    pub feed_shard: String,
    /// When it was revoked.
    pub feed_at: Timestamp,
    /// When the last token that it concerns has expired.
    pub feed_until: Timestamp,
}

impl FeedAttributes {
    /// An entry of `now` that concerns tokens until `until`.
    pub fn new(now: Timestamp, until: Timestamp) -> Self {
        Self {
            feed_shard: FEED_SHARD.to_owned(),
            feed_at: now,
            feed_until: until,
        }
    }
}

/// A revocation as the index has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FeedEntry {
    /// When it was written.
    pub at: Timestamp,
    /// What was revoked.
    pub revocation: Revocation,
}

/// The only partition of the index: one query reads everything new. It takes a thousand revocations a
/// second; an installation that needs more would write to several and read them side by side.
pub const FEED_SHARD: &str = "0";
