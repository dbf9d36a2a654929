//! DPoP (RFC 9449): proofs that whoever sends a token, or asks for one, holds a key.
//!
//! A resource server needs none of it: the verifier checks proofs once its builder is told to
//! ([`VerifierBuilder::dpop`](crate::VerifierBuilder::dpop)). It is here for the issuer, which checks the same proofs.

mod proof;
mod rejection;
mod seen;
mod uri;

pub use proof::{DpopProof, ExpectedProof, PROOF_LIFETIME_SECONDS, token_hash};
pub use rejection::DpopRejection;
pub(crate) use seen::SeenProofs;

/// The header that a proof is sent in (RFC 9449 §4.1).
pub const DPOP_HEADER: &str = "dpop";

/// The header that a nonce is sent in (RFC 9449 §8).
pub const DPOP_NONCE_HEADER: &str = "dpop-nonce";

/// The authentication scheme, and the type, of a token that is bound to a key (RFC 9449 §7.1, §5).
pub const DPOP_SCHEME: &str = "DPoP";

/// The algorithms that proofs may be signed with, as challenges list them (RFC 9449 §7.1).
pub const PROOF_ALGORITHMS: &str = "ES256 EdDSA Ed25519 PS256 RS256 ES384";
