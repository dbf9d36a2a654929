//! JOSE beneath tokens: a signed object before anybody has verified it, and the public keys that can.
//!
//! A service that verifies access tokens needs none of it: [`Verifier`](crate::Verifier) judges them. It is here
//! for JWTs that others sign, such as a client's assertion (RFC 7523).

mod jws;
mod own_key;
mod public_key;
mod public_key_set;
mod signature_algorithm;

pub use jws::{Header, UnverifiedJws};
pub use own_key::OwnKey;
pub use public_key::PublicKey;
pub use public_key_set::{InvalidKeySet, MAX_KEYS, PublicKeySet};
pub use signature_algorithm::{KeyKind, SignatureAlgorithm};
