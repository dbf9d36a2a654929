use serde::{Deserialize, Serialize};
use tokensmith_verifier::Algorithm;

use crate::keys::{PrivateKey, PublicJwk};
use crate::store::{Key, Record};
use tokensmith_verifier::Timestamp;

/// A signing key: what is published of it, and where its private part is.
///
/// What it does at a moment follows from the moments in it and in its successors: see
/// [`Succession`](crate::keys::Succession). Nobody has to move it on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SigningKey {
    /// Its place in the succession of its algorithm's keys, from 1. Two makers of the same
    /// successor collide on it, and one key wins.
    pub sequence: u32,
    /// The published key.
    pub jwk: PublicJwk,
    /// When it was made; from then on it is published.
    pub created_at: Timestamp,
    /// When it begins to sign, and its predecessor stops.
    pub active_from: Timestamp,
    /// When it was taken away before its time: it neither signs nor verifies any more.
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
}

/// The partition of all signing keys.
pub const SIGNING_KEYS: &str = "KEYS";
