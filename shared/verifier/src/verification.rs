//! The order in which an access token is judged (RFC 9068 §4): its form, its type, its key, its
//! signature, and only then what it claims.

use std::collections::HashMap;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::{AccessTokenClaims, Algorithm, Jwk, JwkSet, KeyId, PublicKey};

/// The published keys of an issuer, parsed once and ready to verify.
#[derive(Debug, Default)]
pub struct VerificationKeys {
    keys: HashMap<KeyId, VerificationKey>,
}

impl VerificationKeys {
    /// Parses every key of a JWK Set.
    ///
    /// # Errors
    /// [`UnusableKey`] names the first key whose members are not a key of its algorithm.
    pub fn new(published: &JwkSet) -> Result<Self, UnusableKey> {
        let parsed = published.keys.iter().map(|jwk| {
            let key = VerificationKey::parse(jwk).ok_or_else(|| UnusableKey(jwk.kid.clone()))?;
            Ok((jwk.kid.clone(), key))
        });
        Ok(Self {
            keys: parsed.collect::<Result<_, _>>()?,
        })
    }

    /// The claims of `token`, once its signature by one of these keys is proven.
    ///
    /// The algorithm is the key's own; what the header says must agree with it and never chooses
    /// it (RFC 8725 §3.1). The claims are not judged yet: see [`Expectations::check`].
    ///
    /// # Errors
    /// The [`Rejection`] that names the first thing wrong with it.
    pub fn signed_claims(&self, token: &str) -> Result<AccessTokenClaims, Rejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Rejection::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Rejection::Malformed)?;
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| Rejection::Malformed)?;
        let header: Header = decode_json(header)?;
        if header.crit.is_some() || header.jwk.is_some() {
            return Err(Rejection::UnsupportedHeader);
        }
        if !header.typ.as_deref().is_some_and(is_access_token_type) {
            return Err(Rejection::WrongType);
        }
        let key = header
            .kid
            .as_deref()
            .and_then(|kid| self.keys.get(kid))
            .ok_or(Rejection::UnknownKey)?;
        if header.alg != key.algorithm.as_str() {
            return Err(Rejection::WrongAlgorithm);
        }
        key.public_key
            .verify_sig(signed.as_bytes(), &signature)
            .map_err(|_| Rejection::BadSignature)?;
        decode_json(payload)
    }
}

/// What the claims of a token must agree with (RFC 9068 §4).
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    /// The issuer URL.
    pub issuer: &'a str,
    /// The resource that was called; `None` where the issuer itself judges any of its tokens.
    pub audience: Option<&'a str>,
    /// The moment of the check, in seconds since 1970.
    pub now: u64,
    /// How far the clocks may be apart, in seconds: [`CLOCK_SKEW_SECONDS`], or 0 for the issuer.
    pub leeway: u64,
}

impl Expectations<'_> {
    /// Judges signed claims.
    ///
    /// # Errors
    /// The first of issuer, audience, expiry and start that does not fit.
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
    /// The header carries its own key, or demands an extension (`crit`).
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
}

/// A JWK that is no key of its algorithm.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the published key {0} cannot be used")]
pub struct UnusableKey(pub KeyId);

struct VerificationKey {
    algorithm: Algorithm,
    public_key: ParsedPublicKey,
}

impl VerificationKey {
    fn parse(jwk: &Jwk) -> Option<Self> {
        let bytes = |member: &str| URL_SAFE_NO_PAD.decode(member).ok();
        let public_key = match (&jwk.key, jwk.alg) {
            (PublicKey::Rsa { n, e }, alg @ (Algorithm::RS256 | Algorithm::PS256)) => {
                let components = PublicKeyComponents {
                    n: bytes(n)?,
                    e: bytes(e)?,
                };
                components.to_parsed_public_key(match alg {
                    Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
                    _ => &RSA_PKCS1_2048_8192_SHA256,
                })
            }
            (PublicKey::Ec { crv, x, y }, Algorithm::ES256) if crv == "P-256" => {
                let uncompressed = [vec![4], bytes(x)?, bytes(y)?].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, uncompressed)
            }
            (PublicKey::Okp { crv, x }, Algorithm::EdDSA) if crv == "Ed25519" => {
                ParsedPublicKey::new(&ED25519, bytes(x)?)
            }
            _ => return None,
        };
        Some(Self {
            algorithm: jwk.alg,
            public_key: public_key.ok()?,
        })
    }
}

impl std::fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerificationKey({})", self.algorithm)
    }
}

/// The members of a JOSE header that decide anything; others are ignored (RFC 7515 §4).
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
    jwk: Option<serde::de::IgnoredAny>,
}

fn decode_json<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, Rejection> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Rejection::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Rejection::Malformed)
}

/// RFC 9068 §4: `at+jwt`, with or without the `application/` prefix; media types ignore case.
fn is_access_token_type(typ: &str) -> bool {
    let short = match typ.get(..12) {
        Some(prefix) if prefix.eq_ignore_ascii_case("application/") => &typ[12..],
        _ => typ,
    };
    short.eq_ignore_ascii_case(ACCESS_TOKEN_TYPE)
}

/// The `typ` of an access token (RFC 9068 §2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// The longest token that is looked at, in bytes; the issuer never mints a longer one.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// How far a resource server's clock may be from the issuer's, in seconds.
pub const CLOCK_SKEW_SECONDS: u64 = 60;
