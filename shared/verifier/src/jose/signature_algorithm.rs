use std::fmt;
use std::str::FromStr;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, KeyAlgorithm};
use serde::{Deserialize, Serialize};

use crate::{Algorithm, UnknownAlgorithm};

/// An algorithm that a signature can be verified with: those of [`Algorithm`], and ES384, which tokensmith
/// never signs with and others do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[allow(missing_docs, reason = "each is the RFC's own name")]
pub enum SignatureAlgorithm {
    RS256,
    PS256,
    ES256,
    ES384,
    EdDSA,
}

impl SignatureAlgorithm {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::RS256,
        Self::PS256,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// Every name that an algorithm goes by in JOSE headers and key sets. EdDSA with Ed25519 has two: RFC 9864 §2.2
    /// gave it one of its own, which newer libraries use.
    pub const NAMES: [&'static str; 6] = ["RS256", "PS256", "ES256", "ES384", "EdDSA", ED25519];

    /// The `alg` value in JOSE headers and metadata (RFC 7518 §3.1, RFC 8037 §3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// The keys that it is for.
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::RS256 | Self::PS256 => KeyKind::Rsa,
            Self::ES256 => KeyKind::P256,
            Self::ES384 => KeyKind::P384,
            Self::EdDSA => KeyKind::Ed25519,
        }
    }
}

impl From<Algorithm> for SignatureAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RS256 => Self::RS256,
            Algorithm::PS256 => Self::PS256,
            Algorithm::ES256 => Self::ES256,
            Algorithm::EdDSA => Self::EdDSA,
        }
    }
}

impl From<SignatureAlgorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: SignatureAlgorithm) -> Self {
        match algorithm {
            SignatureAlgorithm::RS256 => Self::RS256,
            SignatureAlgorithm::PS256 => Self::PS256,
            SignatureAlgorithm::ES256 => Self::ES256,
            SignatureAlgorithm::ES384 => Self::ES384,
            SignatureAlgorithm::EdDSA => Self::EdDSA,
        }
    }
}

impl TryFrom<KeyAlgorithm> for SignatureAlgorithm {
    type Error = UnknownAlgorithm;

    fn try_from(algorithm: KeyAlgorithm) -> Result<Self, UnknownAlgorithm> {
        match algorithm {
            KeyAlgorithm::ES384 => Ok(Self::ES384),
            other => Algorithm::try_from(other).map(Self::from),
        }
    }
}

impl FromStr for SignatureAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        if name == ED25519 {
            return Ok(Self::EdDSA);
        }
        let mut all = Self::ALL.into_iter();
        let found = all.find(|algorithm| algorithm.as_str() == name);
        found.ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A type of key, with its curve (RFC 7518 §6, RFC 8037 §2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// `RSA`.
    Rsa,
    /// `EC` with `P-256`.
    P256,
    /// `EC` with `P-384`.
    P384,
    /// `OKP` with `Ed25519`.
    Ed25519,
}

impl KeyKind {
    /// The kind of this key; `None` for any other, or when a coordinate has another length than its curve
    /// demands (RFC 7518 §6.2.1.2, RFC 8037 §2).
    pub fn of(key: &AlgorithmParameters) -> Option<Self> {
        match key {
            AlgorithmParameters::RSA(_) => Some(Self::Rsa),
            AlgorithmParameters::EllipticCurve(key) => {
                let (kind, length) = match key.curve {
                    EllipticCurve::P256 => (Self::P256, BYTES_32),
                    EllipticCurve::P384 => (Self::P384, BYTES_48),
                    _ => return None,
                };
                let fits = [&key.x, &key.y].map(String::len) == [length; 2];
                fits.then_some(kind)
            }
            AlgorithmParameters::OctetKeyPair(key) => {
                let fits = key.curve == EllipticCurve::Ed25519 && key.x.len() == BYTES_32;
                fits.then_some(Self::Ed25519)
            }
            _ => None,
        }
    }
}

/// RFC 9864 §2.2.
pub(super) const ED25519: &str = "Ed25519";

/// The length of so many bytes in base64url.
const BYTES_32: usize = 43;
const BYTES_48: usize = 64;
