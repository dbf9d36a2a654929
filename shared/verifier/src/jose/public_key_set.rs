use std::collections::HashSet;

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::signature_algorithm::ED25519;
use super::{PublicKey, SignatureAlgorithm, UnverifiedJws};
use crate::Rejection;

/// The public keys of somebody who signs JWTs (RFC 7517 §5).
#[derive(Debug)]
pub struct PublicKeySet {
    keys: Vec<(Option<String>, PublicKey)>,
}

impl PublicKeySet {
    /// Parses a JWK Set document. Keys that cannot be used are left out, as RFC 7517 §5 asks.
    ///
    /// # Errors
    /// [`InvalidKeySet`] when no key is left, or the document should not be trusted at all.
    pub fn parse(document: &[u8]) -> Result<Self, InvalidKeySet> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Map<String, Value>>,
        }
        let Document { keys } =
            serde_json::from_slice(document).map_err(|_| InvalidKeySet::Malformed)?;
        if keys.len() > MAX_KEYS {
            return Err(InvalidKeySet::TooManyKeys);
        }
        if keys.iter().any(is_secret) {
            return Err(InvalidKeySet::Secret);
        }
        let parsed = keys.into_iter().filter_map(|members| {
            let jwk: Jwk = serde_json::from_value(with_known_name(members).into()).ok()?;
            let key = PublicKey::parse(&jwk)?;
            Some((jwk.common.key_id, key))
        });
        let keys: Vec<_> = parsed.collect();
        let mut names = HashSet::new();
        if !keys
            .iter()
            .flat_map(|(name, _)| name)
            .all(|name| names.insert(name))
        {
            return Err(InvalidKeySet::RepeatedName);
        }
        match keys.is_empty() {
            true => Err(InvalidKeySet::NoUsableKey),
            false => Ok(Self { keys }),
        }
    }

    /// How many keys can be used.
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key that `jws` names by its `kid`. Without one, or for keys without a name, there must be exactly one
    /// key that verifies its `alg` (OpenID Connect Core 1.0 §10.1).
    pub fn key_of(&self, jws: &UnverifiedJws<'_>) -> Option<&PublicKey> {
        let kid = jws.header.kid.as_deref();
        let has_name = |name: &Option<String>| kid.is_some() && name.as_deref() == kid;
        if let Some((_, named)) = self.keys.iter().find(|(name, _)| has_name(name)) {
            return Some(named);
        }
        let mut fitting = self.keys.iter().filter(|(name, key)| {
            (kid.is_none() || name.is_none()) && key.algorithm(&jws.header.alg).is_some()
        });
        match (fitting.next(), fitting.next()) {
            (Some((_, only)), None) => Some(only),
            _ => None,
        }
    }

    /// Checks the signature of `jws` by [its key](Self::key_of).
    ///
    /// # Errors
    /// [`Rejection::UnknownKey`], [`Rejection::WrongAlgorithm`] or [`Rejection::BadSignature`].
    pub fn verify(&self, jws: &UnverifiedJws<'_>) -> Result<(), Rejection> {
        self.key_of(jws).ok_or(Rejection::UnknownKey)?.verify(jws)
    }
}

/// Whether it is a private or a symmetric key.
pub(super) fn is_secret(key: &Map<String, Value>) -> bool {
    SECRET.iter().any(|name| key.contains_key(*name))
}

/// jsonwebtoken knows no Ed25519 (RFC 9864), which is EdDSA for every key that we use.
pub(super) fn with_known_name(mut members: Map<String, Value>) -> Map<String, Value> {
    if let Some(name) = members.get_mut("alg").filter(|name| **name == ED25519) {
        *name = SignatureAlgorithm::EdDSA.as_str().into();
    }
    members
}

/// Why a key set is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidKeySet {
    /// It is not the JSON of a JWK Set.
    #[error("the document is not a JWK Set (RFC 7517 section 5)")]
    Malformed,
    /// It has more than [`MAX_KEYS`].
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// It has a private or a symmetric key, which must now be considered known.
    #[error("the key set has a private or a symmetric key: publish public keys only")]
    Secret,
    /// Two keys have one name.
    #[error("two keys of the key set have the same kid")]
    RepeatedName,
    /// No key of it can be used.
    #[error("the key set has no key for RS256, PS256, ES256, ES384 or EdDSA")]
    NoUsableKey,
}

/// The members of private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The most keys that a set may have. Bounds the work of parsing one that somebody else has made.
pub const MAX_KEYS: usize = 100;
