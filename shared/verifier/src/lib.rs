//! Verifies the RFC 9068 access tokens of a tokensmith issuer.
//!
//! The crate holds what every party must agree on: the signature algorithms, the published keys
//! ([`Jwk`], RFC 7517), the claims of an access token ([`AccessTokenClaims`], RFC 9068 §2.2) and the
//! order in which a token is judged. It has no AWS SDK and no HTTP client in its tree.
//!
//! ```
//! use tokensmith_verifier::{JwkSet, Rejection, VerificationKeys};
//!
//! let published: JwkSet = serde_json::from_str(r#"{"keys":[]}"#)?;
//! let keys = VerificationKeys::new(&published)?;
//! assert_eq!(keys.signed_claims("not a token").unwrap_err(), Rejection::Malformed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod claims;
mod jwk;
mod verdict;
mod verification;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use claims::{AccessTokenClaims, Audiences};
pub use jwk::{Jwk, JwkSet, KeyId, PublicKey};
pub use verdict::{Standing, verdict};
pub use verification::{
    ACCESS_TOKEN_TYPE, CLOCK_SKEW_SECONDS, Expectations, MAX_TOKEN_BYTES, Rejection, UnusableKey,
    VerificationKeys,
};
