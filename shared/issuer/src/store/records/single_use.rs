use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::credential::sha256_text;
use crate::store::{Key, Record};

/// Something that was used and must not be accepted again. Prevents the replay of an assertion or a
/// proof.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SingleUse {
    /// What was used, by a name that nothing else has.
    pub name: String,
    /// When it would no longer be accepted even if it had not been used.
    pub expires_at: Timestamp,
}

impl SingleUse {
    /// The key of this name. It is a hash, because names come from callers and may be long.
    pub fn key_of(name: &str) -> Key<Self> {
        Key::single("REPLAY", &sha256_text(name.as_bytes()))
    }
}

impl Record for SingleUse {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.name)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
