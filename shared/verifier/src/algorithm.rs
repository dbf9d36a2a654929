use std::fmt;
use std::str::FromStr;

use jsonwebtoken::jwk::{AlgorithmParameters, KeyAlgorithm};
use serde::{Deserialize, Serialize};

use crate::jose::{KeyKind, SignatureAlgorithm};

/// A JWS signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1) that tokensmith signs with.
///
/// A key has exactly one algorithm: RS256 and PS256 never share a key. None of them is symmetric,
/// so that neither a configuration nor a key set can make the verifier use a shared secret (RFC
/// 8725 §2.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048-bit keys.
    RS256,
    /// RSASSA-PSS with SHA-256 and MGF1-SHA-256, 2048-bit keys.
    PS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// The `alg` value in JOSE headers and metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Every algorithm, in the order of preference.
    pub const ALL: [Self; 4] = [Self::RS256, Self::PS256, Self::ES256, Self::EdDSA];

    /// Whether `key` has the type, the curve and the length of coordinates (RFC 7518 §6.2.1.2, RFC
    /// 8037 §2) that this algorithm requires.
    pub fn fits(self, key: &AlgorithmParameters) -> bool {
        KeyKind::of(key) == Some(SignatureAlgorithm::from(self).key_kind())
    }
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        SignatureAlgorithm::from(algorithm).into()
    }
}

impl TryFrom<KeyAlgorithm> for Algorithm {
    type Error = UnknownAlgorithm;

    fn try_from(algorithm: KeyAlgorithm) -> Result<Self, UnknownAlgorithm> {
        match algorithm {
            KeyAlgorithm::RS256 => Ok(Self::RS256),
            KeyAlgorithm::PS256 => Ok(Self::PS256),
            KeyAlgorithm::ES256 => Ok(Self::ES256),
            KeyAlgorithm::EdDSA => Ok(Self::EdDSA),
            _ => Err(UnknownAlgorithm),
        }
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name is not one of [`Algorithm::ALL`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown algorithm: use RS256, PS256, ES256 or EdDSA")]
pub struct UnknownAlgorithm;
