use serde::{Deserialize, Serialize};

use crate::keys::Wrapped;
use crate::store::{Key, Record};
use tokensmith_verifier::Timestamp;

/// One version of the key that proves authorization codes, device codes and refresh tokens.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct HmacKeyRecord {
    /// Counts from 1; the highest makes new credentials.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it goes, once there is a newer one: no credential that it proves lives then.
    pub expires_at: Option<Timestamp>,
    /// When everything that it proves was taken back.
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
