use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};

use super::OwnKey;
use crate::Rejection;

/// The parts of a JWS in compact form (RFC 7515 §7.1). Nothing of it is verified.
pub struct UnverifiedJws<'a> {
    /// What it says of itself.
    pub header: Header,
    /// The bytes that the signature covers: header and payload, as they were sent.
    pub(crate) signed: &'a str,
    pub(crate) signature: Vec<u8>,
    payload: &'a str,
}

impl<'a> UnverifiedJws<'a> {
    /// Parses `token`, whatever its length.
    ///
    /// # Errors
    /// [`Rejection::Malformed`], or [`Rejection::UnsupportedHeader`] when the header contains a key
    /// or requires an extension.
    pub fn parse(token: &'a str) -> Result<Self, Rejection> {
        let jws = Self::parse_any(token)?;
        match jws.header.jwk {
            Some(_) => Err(Rejection::UnsupportedHeader),
            None => Ok(jws),
        }
    }

    /// Parses a JWS that whoever holds the key in its header has signed, as DPoP proofs are: the only kind that brings its
    /// own key. The key says who that is, and nothing else.
    ///
    /// # Errors
    /// [`Rejection::Malformed`]; [`Rejection::UnsupportedHeader`] when the header requires an extension;
    /// [`Rejection::UnknownKey`] when it has no public key that can be used.
    pub fn parse_with_own_key(token: &'a str) -> Result<(Self, OwnKey), Rejection> {
        let mut jws = Self::parse_any(token)?;
        let jwk = jws.header.jwk.take().ok_or(Rejection::UnknownKey)?;
        let key = OwnKey::parse(jwk).ok_or(Rejection::UnknownKey)?;
        Ok((jws, key))
    }

    fn parse_any(token: &'a str) -> Result<Self, Rejection> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Rejection::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Rejection::Malformed)?;
        if payload.contains('.') {
            return Err(Rejection::Malformed);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| Rejection::Malformed)?;
        let header: Header = decode_json(header)?;
        if header.crit.is_some() {
            return Err(Rejection::UnsupportedHeader);
        }
        Ok(Self {
            header,
            signed,
            signature,
            payload,
        })
    }

    /// The payload as JSON. Until [`PublicKey::verify`](super::PublicKey::verify) has verified the signature,
    /// nothing may be decided by it but which key to verify it with.
    ///
    /// # Errors
    /// [`Rejection::Malformed`] when it is not the JSON of a `T`.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Rejection> {
        decode_json(self.payload)
    }
}

/// The members of a JOSE header that verification uses; others are ignored (RFC 7515 §4).
#[derive(Deserialize)]
pub struct Header {
    /// The algorithm that it claims to be signed with.
    pub alg: String,
    /// The name of the key that it claims to be signed with.
    pub kid: Option<String>,
    /// What it claims to be.
    pub typ: Option<String>,
    crit: Option<IgnoredAny>,
    jwk: Option<Map<String, Value>>,
}

impl Header {
    /// Whether `typ` is `expected`, with or without the `application/` prefix (RFC 7515 §4.1.9);
    /// media types ignore case.
    pub fn has_type(&self, expected: &str) -> bool {
        let Some(typ) = self.typ.as_deref() else {
            return false;
        };
        let short = match typ.split_at_checked(MEDIA_TYPE_PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(MEDIA_TYPE_PREFIX) => rest,
            _ => typ,
        };
        short.eq_ignore_ascii_case(expected)
    }
}

fn decode_json<T: DeserializeOwned>(part: &str) -> Result<T, Rejection> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Rejection::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Rejection::Malformed)
}

const MEDIA_TYPE_PREFIX: &str = "application/";
