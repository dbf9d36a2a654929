//! Verifies the RFC 9068 access tokens of a tokensmith issuer.

mod algorithm;
mod bearer;
mod claims;
mod clock;
mod fetch;
mod jwk;
mod jws;
mod published_keys;
mod refusal;
mod revocation;
mod scopes;
mod url;
mod verdict;
mod verification;
mod verification_key;
mod verified_claims;
mod verifier;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use bearer::{BearerToken, InvalidRequest};
pub use claims::{AccessTokenClaims, Audiences};
pub use clock::Clock;
#[cfg(feature = "fetch")]
pub use fetch::HttpFetch;
pub use fetch::{CacheHeaders, Fetch, FetchError, FetchRequest, Fetched};
pub use jwk::{Jwk, JwkSet, KeyId, PublicKey};
pub use refusal::{Challenge, Refusal, Unavailable};
pub use revocation::{
    FEED_OVERLAP_SECONDS, FEED_TYPE, FeedDocument, FeedRejection, FeedSettings, MAX_FEED_BYTES,
    MalformedRevocation, Revocation, RevocationHash, RevocationSource, RevocationView, Revoked,
    StalePolicy, UnknownPolicy, WhenStale,
};
pub use scopes::{InvalidScopes, RequiredScopes};
pub use verdict::{Standing, verdict};
pub use verification::{
    ACCESS_TOKEN_TYPE, CLOCK_SKEW_SECONDS, Expectations, MAX_TOKEN_BYTES, NoUsableKey, Rejection,
    UnusableKey, VerificationKeys,
};
pub use verified_claims::VerifiedClaims;
pub use verifier::{InvalidConfiguration, Verifier, VerifierBuilder};
