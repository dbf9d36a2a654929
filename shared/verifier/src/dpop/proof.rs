use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{DpopRejection, uri};
use crate::jose::{SignatureAlgorithm, UnverifiedJws};
use crate::{KeyId, MAX_TOKEN_BYTES, Rejection};

/// A DPoP proof whose signature was verified with the key that it brings (RFC 9449 §4.2). Whether it is for the request
/// that it came with is found out by [`DpopProof::check`].
#[derive(Clone, Debug)]
pub struct DpopProof {
    key: KeyId,
    algorithm: SignatureAlgorithm,
    claims: Claims,
}

/// RFC 9449 §4.2.
#[derive(Clone, Debug, Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    ath: Option<String>,
    nonce: Option<String>,
}

/// What a proof must agree with (RFC 9449 §4.3).
#[derive(Clone, Copy, Debug)]
pub struct ExpectedProof<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URL of the request, as those who call know it. Query and fragment do not matter.
    pub url: &'a str,
    /// The access token that it was sent with, if there is one.
    pub token: Option<&'a str>,
    /// The time of the check, in seconds since 1970; `None` when a nonce says that the proof is new.
    pub now: Option<u64>,
}

impl DpopProof {
    /// Takes the proof from the values of all `DPoP` headers of one request, and verifies its signature; `None` without such
    /// a header.
    ///
    /// # Errors
    /// [`DpopRejection`] when there are several, or it was not signed by the key that it brings.
    pub fn from_headers<'a>(
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<Self>, DpopRejection> {
        let mut values = values.into_iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        // A gateway joins repeated headers with a comma, which no proof contains.
        if values.next().is_some() || value.contains(&b',') {
            return Err(DpopRejection::RepeatedProof);
        }
        let text = std::str::from_utf8(value.trim_ascii()).map_err(|_| MALFORMED)?;
        Self::parse(text).map(Some)
    }

    /// Verifies the signature of a proof.
    ///
    /// # Errors
    /// [`DpopRejection`] names the first thing wrong with it.
    pub fn parse(text: &str) -> Result<Self, DpopRejection> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(MALFORMED);
        }
        let (jws, own) = UnverifiedJws::parse_with_own_key(text).map_err(of_form)?;
        // Exactly this type, so that nothing else that a client signs is a proof (RFC 8725 §3.11).
        if !jws.header.has_type(PROOF_TYPE) {
            return Err(DpopRejection::WrongProofType);
        }
        own.key.verify(&jws).map_err(of_form)?;
        let algorithm = own.key.algorithm(&jws.header.alg);
        let claims: Claims = jws.payload().map_err(of_form)?;
        let has_id = (1..=LONGEST_ID).contains(&claims.jti.len());
        match has_id && claims.iat.is_finite() && claims.iat >= 0.0 {
            true => Ok(Self {
                key: own.thumbprint,
                algorithm: algorithm.ok_or(DpopRejection::WrongAlgorithm)?,
                claims,
            }),
            false => Err(MALFORMED),
        }
    }

    /// The RFC 7638 thumbprint of the key that signed it (`jkt`).
    pub fn key(&self) -> &KeyId {
        &self.key
    }

    /// The algorithm that it is signed with.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The nonce that it was made with (RFC 9449 §8).
    pub fn nonce(&self) -> Option<&str> {
        self.claims.nonce.as_deref()
    }

    /// What tells it from every other proof: its key and its `jti`. Whoever accepts it once keeps this for
    /// [`PROOF_LIFETIME_SECONDS`].
    pub fn identity(&self) -> String {
        format!("{} {}", self.key, self.claims.jti)
    }

    /// Judges the proof as one for this request.
    ///
    /// # Errors
    /// The first [`DpopRejection`] of method, URL, token and time.
    pub fn check(&self, expected: &ExpectedProof<'_>) -> Result<(), DpopRejection> {
        if self.claims.htm != expected.method {
            return Err(DpopRejection::WrongMethod);
        }
        if !uri::is_same(&self.claims.htu, expected.url) {
            return Err(DpopRejection::WrongUrl);
        }
        let is_hash = |token: &str| self.claims.ath.as_deref() == Some(&token_hash(token));
        if !expected.token.is_none_or(is_hash) {
            return Err(DpopRejection::WrongTokenHash);
        }
        let Some(now) = expected.now else {
            return Ok(());
        };
        let made = self.claims.iat as u64;
        if made > now.saturating_add(LEEWAY_SECONDS) {
            return Err(DpopRejection::FromTheFuture);
        }
        match made.saturating_add(LEEWAY_SECONDS) < now {
            true => Err(DpopRejection::TooOld),
            false => Ok(()),
        }
    }
}

/// The hash of an access token in a proof (`ath`, RFC 9449 §4.2).
pub fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}

fn of_form(rejection: Rejection) -> DpopRejection {
    match rejection {
        Rejection::UnknownKey => DpopRejection::UnusableKey,
        Rejection::WrongAlgorithm => DpopRejection::WrongAlgorithm,
        Rejection::BadSignature => DpopRejection::BadSignature,
        _ => MALFORMED,
    }
}

const MALFORMED: DpopRejection = DpopRejection::MalformedProof;

/// RFC 9449 §4.2.
const PROOF_TYPE: &str = "dpop+jwt";

/// How far `iat` may be from the time of the check, in seconds, either way.
const LEEWAY_SECONDS: u64 = 60;

/// How long somebody who accepts a proof has to remember it, in seconds: from the earliest to the latest moment at which it
/// could be accepted, and a second for rounding.
pub const PROOF_LIFETIME_SECONDS: u64 = 2 * LEEWAY_SECONDS + 1;

/// The longest `jti`, in bytes.
const LONGEST_ID: usize = 512;
