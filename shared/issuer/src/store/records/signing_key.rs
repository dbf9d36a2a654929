use serde::{Deserialize, Serialize};
use tokensmith_verifier::{Algorithm, Jwk};

use crate::clock::Timestamp;
use crate::keys::Wrapped;
use crate::store::{Key, Record};

/// A signing key: what is published of it, and its wrapped private part.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SigningKey {
    /// Its place in the succession of its algorithm's keys, from 1. Two makers of the same
    /// successor collide on it, and one key wins.
    pub sequence: u32,
    /// The published key.
    pub jwk: Jwk,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it began to sign.
    pub activated_at: Option<Timestamp>,
    /// The private key, PKCS#8, wrapped.
    pub private_key: Wrapped,
}

impl SigningKey {
    /// The key of the `sequence`-th key of `algorithm`.
    pub fn key_of(algorithm: Algorithm, sequence: u32) -> Key<Self> {
        Key::ranged(SIGNING_KEYS, format!("{algorithm}#{sequence:06}"))
    }
}

impl Record for SigningKey {
    fn key(&self) -> Key<Self> {
        Self::key_of(self.jwk.alg, self.sequence)
    }
}

/// A signing key's life. What is in the table and not retired is published.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Signs and is published.
    Active,
}

/// The partition of all signing keys.
pub const SIGNING_KEYS: &str = "KEYS";
