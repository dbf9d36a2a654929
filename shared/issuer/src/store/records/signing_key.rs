use serde::{Deserialize, Serialize};
use tokensmith_verifier::Algorithm;

use super::Settings;
use crate::keys::{PrivateKey, PublicJwk};
use crate::store::{Key, Record};
use tokensmith_verifier::Timestamp;

/// A signing key: its published half, and where its private half is.
///
/// Its state at a given time follows from the times in this record and in those of its successors:
/// see [`Succession`](crate::keys::Succession). No write changes the state.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SigningKey {
    /// Its number among its algorithm's keys, from 1. If two processes make a successor at the same
    /// time, both use the same number, and only one insert succeeds.
    pub sequence: u32,
    /// The published key.
    pub jwk: PublicJwk,
    /// When it was made; from then on it is published.
    pub created_at: Timestamp,
    /// When it begins to sign, and its predecessor stops.
    pub active_from: Timestamp,
    /// When it was withdrawn: it no longer signs or verifies.
    pub withdrawn_at: Option<Timestamp>,
    /// The private key.
    pub private_key: PrivateKey,
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

    fn is_at(sort_key: &str) -> bool {
        !Settings::is_sort_key(sort_key)
    }
}

/// The partition of all signing keys, and of the settings.
pub const SIGNING_KEYS: &str = "KEYS";
