//! Verifies the RFC 9068 access tokens of a tokensmith issuer in the service that is called with
//! them: the signature with the issuer's published keys, the claims, revocations and scopes.
//!
//! ```
//! # use std::sync::Arc;
//! # use async_trait::async_trait;
//! # use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
//! # use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
//! # use tokensmith_verifier::*;
//! # /// An issuer in this process: it publishes one key, and revokes nothing.
//! # #[derive(Debug)]
//! # struct Issuer(serde_json::Value);
//! # #[async_trait]
//! # impl Fetch for Issuer {
//! #     async fn fetch(&self, _: FetchRequest<'_>) -> Result<Fetched, FetchError> {
//! #         let keys = self.0.to_string();
//! #         Ok(Fetched::Document(keys.into_bytes(), CacheHeaders::default()))
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pair = Ed25519KeyPair::generate()?;
//! # let public = BASE64URL.encode(pair.public_key());
//! # let jwk = serde_json::json!({
//! #     "kty": "OKP", "crv": "Ed25519", "x": public, "use": "sig", "alg": "EdDSA", "kid": "key-1",
//! # });
//! # let header = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"key-1"}"#;
//! # let now = Clock::System.now().seconds();
//! # let claims = serde_json::json!({
//! #     "iss": "https://issuer.example", "sub": "alice", "aud": "https://api.example",
//! #     "exp": now + 600, "iat": now, "jti": "1", "client_id": "app", "scope": "orders:read",
//! # });
//! # let signed = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims.to_string()));
//! # let signature = BASE64URL.encode(pair.sign(signed.as_bytes()));
//! # let authorization = format!("Bearer {signed}.{signature}");
//! # let fetch = Arc::new(Issuer(serde_json::json!({ "keys": [jwk] })));
//! use tokensmith_verifier::{Refusal, RequiredScopes, Verifier};
//!
//! // Once, at start. With the feature `fetch`, `.fetch(…)` is not needed.
//! let verifier = Verifier::builder("https://issuer.example")
//!     .audience("https://api.example")
//!     .fetch(fetch)
//!     .build()?;
//!
//! // For each request, with the values of its `Authorization` headers:
//! let required: RequiredScopes = "orders:read & (orders:write | admin)".parse()?;
//! match verifier.authorize([authorization.as_bytes()], &required).await {
//!     Ok(claims) => println!("hello {}", claims.subject()),
//!     Err(refusal) => {
//!         let answer = refusal.challenge(verifier.realm());
//!         println!("{} {:?}", answer.status, answer.www_authenticate);
//! #       assert!(matches!(refusal, Refusal::InsufficientScope(_)), "{refusal:?}");
//!     }
//! }
//!
//! let claims = verifier.authorize([authorization.as_bytes()], &"orders:read".parse()?).await?;
//! assert_eq!(claims.subject(), "alice");
//! # Ok(())
//! # }
//! ```
//!
//! # What it costs
//!
//! A request costs one signature verification. Keys are fetched once and renewed in the background
//! as `Cache-Control` says. During an outage of the issuer, the last keys stay in use. Tokens with
//! unknown keys cause one fetch in each cooldown, however many there are.
//!
//! # Revocation
//!
//! Without a source of revocations, a revoked token is accepted until it expires.
//! [`VerifierBuilder::revocation_feed`] follows the issuer's feed: revocations take effect within
//! its interval, without a call for each request. A service that can read the issuer's table can
//! keep a [`RevocationView`] of its own behind a [`RevocationSource`]. With any source, [`verdict`]
//! decides.
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | none by default | no HTTP client; a [`Fetch`] is given to the builder |
//! | `fetch` | `HttpFetch`: hyper 1 and rustls, on AWS-LC and the system's root certificates |
//! | `tower` | `BearerLayer` and `ProtectedResourceLayer`, for axum and `lambda_http`, and answers of refusals: `http`, `tower-layer`, `tower-service` |
//! | `axum` | `VerifiedClaims` as an extractor: `axum-core` |
//! | `testing` | `testing::TestIssuer`, an issuer inside a test |
//! | `tracing` | events of the crate `tracing`: refusals at `debug`, an issuer that cannot be asked at `warn` |
//!
//! The verifier runs within a tokio runtime that has its timers enabled.

mod algorithm;
mod bearer;
mod claims;
mod clock;
mod delegation;
pub mod dpop;
#[cfg(feature = "axum")]
mod extractor;
mod fetch;
pub mod jose;
mod key_id;
#[cfg(feature = "tower")]
mod layer;
pub mod paths;
mod protected_resource;
mod published_keys;
mod refusal;
mod resource;
#[cfg(feature = "tower")]
mod resource_layer;
mod revocation;
mod scopes;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
mod url;
mod verdict;
mod verification;
mod verified_claims;
mod verifier;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use bearer::{BearerToken, InvalidRequest, TokenScheme};
pub use claims::{AccessTokenClaims, Audiences, Confirmation};
pub use clock::{Clock, Timestamp};
pub use delegation::{Actor, Parent};
pub use fetch::{CacheHeaders, Fetch, FetchError, FetchRequest, Fetched, fetch_within};
#[cfg(feature = "fetch")]
pub use fetch::{HttpFetch, PostRequest, Posted};
pub use jsonwebtoken::jwk::{Jwk, JwkSet};
pub use key_id::KeyId;
#[cfg(feature = "tower")]
pub use layer::{BearerLayer, BearerService};
pub use protected_resource::ProtectedResource;
pub use refusal::{Challenge, Refusal, SourceUnavailable};
pub use resource::{canonical_resource, is_same_resource};
#[cfg(feature = "tower")]
pub use resource_layer::{ProtectedResourceLayer, ProtectedResourceService};
pub use revocation::{
    FEED_OVERLAP_SECONDS, FEED_TYPE, FeedDocument, FeedRejection, FeedSettings, MAX_FEED_BYTES,
    MalformedRevocation, Revocation, RevocationHash, RevocationKind, RevocationSource,
    RevocationView, StalePolicy, UnknownPolicy, WhenStale,
};
pub use scopes::{InvalidScopes, RequiredScopes};
pub use verdict::{RevocationStatus, verdict};
pub use verification::{
    ACCESS_TOKEN_TYPE, CLOCK_SKEW_SECONDS, Expectations, MAX_TOKEN_BYTES, NoUsableKey, Rejection,
    SignedClaims, UnusableKey, VerificationKeys,
};
pub use verified_claims::VerifiedClaims;
pub use verifier::{InvalidConfiguration, ProtectedRequest, Verifier, VerifierBuilder};
