use serde::{Deserialize, Serialize};

use crate::store::{Key, Record};
use tokensmith_verifier::Timestamp;

/// A single access token that was revoked before it expired.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RevokedToken {
    /// The token's id.
    pub jti: String,
    /// When it expires, and this record with it.
    pub expires_at: Timestamp,
    /// Its place in the revocation feed.
    #[serde(flatten)]
    pub feed: super::FeedAttributes,
}

impl RevokedToken {
    /// The key of the token with this id.
    pub fn key_of(jti: &str) -> Key<Self> {
        Key::single(Self::PREFIX, jti)
    }

    /// The prefix of every such record's partition key.
    pub const PREFIX: &'static str = "JTI";
}

impl Record for RevokedToken {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.jti)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
