use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::Algorithm;

/// A published signing key (RFC 7517), with the one algorithm it signs with.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Jwk {
    /// The public key itself.
    #[serde(flatten)]
    pub key: PublicKey,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub key_use: String,
    /// The only algorithm that this key may verify.
    pub alg: Algorithm,
    /// The RFC 7638 thumbprint.
    pub kid: KeyId,
}

impl Jwk {
    /// Names `key` by its thumbprint and ties it to `alg`.
    pub fn new(key: PublicKey, alg: Algorithm) -> Self {
        Self {
            kid: key.thumbprint(),
            key,
            key_use: "sig".to_owned(),
            alg,
        }
    }
}

/// A JWK Set (RFC 7517 §5).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct JwkSet {
    /// The keys, those in use first.
    pub keys: Vec<Jwk>,
}

/// The public members of a key, base64url without padding (RFC 7518 §6, RFC 8037 §2).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kty")]
pub enum PublicKey {
    /// An RSA key.
    #[serde(rename = "RSA")]
    Rsa {
        /// Modulus, big-endian.
        n: String,
        /// Public exponent, big-endian.
        e: String,
    },
    /// An elliptic curve key; `crv` is `P-256`.
    #[serde(rename = "EC")]
    Ec {
        /// The curve.
        crv: String,
        /// The x coordinate, 32 bytes.
        x: String,
        /// The y coordinate, 32 bytes.
        y: String,
    },
    /// An octet key pair; `crv` is `Ed25519`.
    #[serde(rename = "OKP")]
    Okp {
        /// The curve.
        crv: String,
        /// The public key, 32 bytes.
        x: String,
    },
}

impl PublicKey {
    /// The RFC 7638 thumbprint: SHA-256 over the required members in lexical order.
    ///
    /// The members are base64url or curve names, so nothing in them needs JSON escaping.
    pub fn thumbprint(&self) -> KeyId {
        let canonical = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { crv, x, y } => {
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
        };
        let hash = digest::digest(&digest::SHA256, canonical.as_bytes());
        KeyId(URL_SAFE_NO_PAD.encode(hash))
    }
}

/// A key's name in JWKS and JOSE headers: its RFC 7638 thumbprint.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The thumbprint, base64url without padding.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 §3.1, the worked example.
    #[test]
    fn rfc7638_thumbprint_of_the_example_key() {
        let key = PublicKey::Rsa {
            n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".into(),
            e: "AQAB".into(),
        };
        assert_eq!(
            key.thumbprint().as_str(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }
}
