use serde::{Deserialize, Serialize};

use crate::keys::Wrapped;
use crate::store::{Key, Record};
use tokensmith_verifier::Timestamp;

/// One version of the key that proves authorization codes, device codes and refresh tokens.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct HmacKeyRecord {
    /// Counts from 1; new credentials are made with the highest.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When DynamoDB may delete it, set once there is a newer version: every credential made with
    /// it has expired by then.
    pub expires_at: Option<Timestamp>,
    /// When it was withdrawn: every credential made with it is refused.
    pub withdrawn_at: Option<Timestamp>,
    /// The wrapped secret.
    pub secret: Wrapped,
}

impl HmacKeyRecord {
    /// The key of `version`.
    pub fn key_of(version: u32) -> Key<Self> {
        Key::ranged(HMAC_KEYS, format!("{version:010}"))
    }
}

impl Record for HmacKeyRecord {
    fn key(&self) -> Key<Self> {
        Self::key_of(self.version)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

/// The partition of all HMAC keys.
pub const HMAC_KEYS: &str = "HMAC";
