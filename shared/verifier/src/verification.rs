//! The order in which an access token is judged (RFC 9068 §4): its form, its type, its key, its
//! signature, and only then its claims.

use std::collections::HashMap;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::jose::{PublicKey, UnverifiedJws};
use crate::{AccessTokenClaims, Algorithm, KeyId, Parent};

/// The published keys of an issuer, parsed once and ready to verify.
#[derive(Debug, Default)]
pub struct VerificationKeys {
    keys: HashMap<KeyId, PublicKey>,
}

impl VerificationKeys {
    /// Parses every key of a JWK Set.
    ///
    /// # Errors
    /// [`UnusableKey`] names the first key that cannot be used: it has no name, no algorithm of
    /// ours or not the use `sig`, or its members are not a key of its algorithm.
    pub fn new(published: &JwkSet) -> Result<Self, UnusableKey> {
        let parsed = published.keys.iter().map(|jwk| {
            named_key(jwk).ok_or_else(|| {
                let name = jwk.common.key_id.clone();
                UnusableKey(name.unwrap_or_default().into())
            })
        });
        Ok(Self {
            keys: parsed.collect::<Result<_, _>>()?,
        })
    }

    /// Parses the keys of a JWK Set document that can be used, and ignores those of an unknown
    /// algorithm, type or use (RFC 7517 §5).
    ///
    /// # Errors
    /// [`NoUsableKey`] when there is none, or the document is not a JWK Set.
    pub fn usable_in(document: &[u8]) -> Result<Self, NoUsableKey> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(document).map_err(|_| NoUsableKey)?;
        let parsed = document.keys.into_iter().map(serde_json::from_value);
        let usable = parsed.filter_map(|jwk| named_key(&jwk.ok()?));
        let keys: HashMap<_, _> = usable.collect();
        match keys.is_empty() {
            true => Err(NoUsableKey),
            false => Ok(Self { keys }),
        }
    }

    /// The claims of `token`, once its signature by one of these keys was verified.
    ///
    /// The algorithm is the key's own. The header's `alg` must agree with it and never chooses it
    /// (RFC 8725 §3.1), so that an attacker cannot choose a weaker one. The claims are not judged
    /// yet: see [`Expectations::check`].
    ///
    /// # Errors
    /// The [`Rejection`] that names the first thing wrong with it.
    pub fn signed_claims(&self, token: &str) -> Result<SignedClaims, Rejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::TooLong);
        }
        let (key_id, claims) = self.signed_payload(token, ACCESS_TOKEN_TYPE)?;
        Ok(SignedClaims { key_id, claims })
    }

    /// The payload of a JWS of the type `typ`, once its signature was verified, and the key that it was
    /// verified with.
    ///
    /// # Errors
    /// The [`Rejection`] that names the first thing wrong with it.
    pub fn signed_payload<T: DeserializeOwned>(
        &self,
        token: &str,
        typ: &str,
    ) -> Result<(KeyId, T), Rejection> {
        let jws = UnverifiedJws::parse(token)?;
        if !jws.header.has_type(typ) {
            return Err(Rejection::WrongType);
        }
        let kid = jws.header.kid.as_deref();
        let (key_id, key) = kid
            .and_then(|kid| self.keys.get_key_value(kid))
            .ok_or(Rejection::UnknownKey)?;
        // Newer libraries call EdDSA Ed25519; we never do.
        if jws.header.alg.parse::<Algorithm>().is_err() {
            return Err(Rejection::WrongAlgorithm);
        }
        key.verify(&jws)?;
        Ok((key_id.clone(), jws.payload()?))
    }
}

/// The claims of a token whose signature was verified. Nothing else of it was judged yet.
#[derive(Clone, Debug)]
pub struct SignedClaims {
    /// The key that signed it.
    pub key_id: KeyId,
    /// What it says.
    pub claims: AccessTokenClaims,
}

impl SignedClaims {
    /// The keys that it rests on: its own, and those that signed what it was exchanged for.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        let parents = self.claims.parents.iter().filter_map(Parent::key_id);
        std::iter::once(&self.key_id).chain(parents)
    }
}

/// A usable key with its name, by which tokens say which key signed them. It says that it is for signatures
/// (RFC 7517 §4.2) and by which algorithm of ours, as every key of tokensmith does.
fn named_key(jwk: &Jwk) -> Option<(KeyId, PublicKey)> {
    let name = jwk.common.key_id.clone()?;
    jwk.common.public_key_use.as_ref()?;
    Algorithm::try_from(jwk.common.key_algorithm?).ok()?;
    Some((name.into(), PublicKey::parse(jwk)?))
}

/// The document is not a JWK Set, or has no key that tokensmith could have signed with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the document has no key that can be used")]
pub struct NoUsableKey;

/// What the claims of a token must agree with (RFC 9068 §4).
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    /// The issuer URL.
    pub issuer: &'a str,
    /// The resource that was called; `None` when the issuer judges one of its tokens for any
    /// resource.
    pub audience: Option<&'a str>,
    /// The time of the check, in seconds since 1970.
    pub now: u64,
    /// How far the clocks may differ, in seconds: [`CLOCK_SKEW_SECONDS`], or 0 for the issuer.
    pub leeway: u64,
}

impl Expectations<'_> {
    /// Judges signed claims.
    ///
    /// # Errors
    /// The [`Rejection`] of the first of issuer, audience, expiry and start that does not fit.
    pub fn check(&self, claims: &AccessTokenClaims) -> Result<(), Rejection> {
        if claims.iss != self.issuer {
            return Err(Rejection::WrongIssuer);
        }
        if self.audience.is_some_and(|aud| !claims.aud.contains(aud)) {
            return Err(Rejection::WrongAudience);
        }
        if self.now >= claims.exp.saturating_add(self.leeway) {
            return Err(Rejection::Expired);
        }
        let starts = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
        if starts > self.now.saturating_add(self.leeway) {
            return Err(Rejection::NotYetValid);
        }
        Ok(())
    }
}

/// Why a token is not accepted. The order is the order of the checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three base64url parts, or not the JSON of an access token.
    #[error("the token is malformed")]
    Malformed,
    /// The header contains a key of its own, or requires an extension (`crit`).
    #[error("the token's header is not supported")]
    UnsupportedHeader,
    /// `typ` is not `at+jwt` (RFC 9068 §4).
    #[error("the token is not an access token")]
    WrongType,
    /// No published key has its `kid`.
    #[error("the token's key is unknown")]
    UnknownKey,
    /// `alg` is not the algorithm of that key.
    #[error("the token's algorithm is not its key's")]
    WrongAlgorithm,
    /// The signature does not verify.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// `iss` is another issuer.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` does not contain this resource.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It is bound to a key (`cnf`) and was sent without a proof.
    #[error("the token is bound to a key, and was sent as a bearer token")]
    BoundToKey,
    /// It was sent with a proof, and is not bound to a key.
    #[error("the token is not bound to a key")]
    NotBound,
    /// The token itself was revoked.
    #[error("the token was revoked")]
    TokenRevoked,
    /// Its grant was revoked.
    #[error("the token's grant was revoked")]
    GrantRevoked,
    /// Its client was revoked, disabled or deleted.
    #[error("the token's client was revoked")]
    ClientRevoked,
    /// Its subject was revoked.
    #[error("the token's subject was revoked")]
    SubjectRevoked,
    /// The API key that it was exchanged for has ended.
    #[error("the token's API key has ended")]
    ApiKeyEnded,
    /// The key that signed it was withdrawn.
    #[error("the token's key was withdrawn")]
    KeyWithdrawn,
}

impl Rejection {
    /// Its name in a log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::UnsupportedHeader => "unsupported_header",
            Self::WrongType => "wrong_type",
            Self::UnknownKey => "unknown_key",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::BadSignature => "bad_signature",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::BoundToKey => "bound_to_key",
            Self::NotBound => "not_bound",
            Self::TokenRevoked => "token_revoked",
            Self::GrantRevoked => "grant_revoked",
            Self::ClientRevoked => "client_revoked",
            Self::SubjectRevoked => "subject_revoked",
            Self::ApiKeyEnded => "api_key_ended",
            Self::KeyWithdrawn => "withdrawn_key",
        }
    }
}

/// A JWK cannot be used. It is named if it has a name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the published key {0} cannot be used")]
pub struct UnusableKey(pub KeyId);

/// The `typ` of an access token (RFC 9068 §2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// The longest token that is parsed, in bytes. Bounds the work that a hostile token can cause; the
/// issuer never mints a longer one.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// How far a resource server's clock may differ from the issuer's, in seconds. Bounds how long an
/// attacker can use an expired token.
pub const CLOCK_SKEW_SECONDS: u64 = 60;
