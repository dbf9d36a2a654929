use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::store::{Key, Record};

/// How often something was guessed in vain, and when it may be guessed again.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Backoff {
    /// The hash of what is guessed, and of who guesses.
    pub id: String,
    /// How often.
    pub failures: u32,
    /// When the next attempt may be made.
    pub retry_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

impl Backoff {
    /// The key of the record with this id.
    pub fn key_of(id: &str) -> Key<Self> {
        Key::single(Self::PREFIX, id)
    }

    /// The prefix of the partition key of each.
    pub const PREFIX: &'static str = "BACKOFF";
}

impl Record for Backoff {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
