#[cfg(test)]
mod vectors;

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::jws::UnverifiedJws;
use crate::{Algorithm, Jwk, PublicKey, Rejection};

/// One published key, parsed, with the only algorithm that it verifies.
pub(crate) struct VerificationKey {
    algorithm: Algorithm,
    public_key: ParsedPublicKey,
}

impl VerificationKey {
    /// The key, or nothing when its members are not a key of its algorithm.
    pub(crate) fn parse(jwk: &Jwk) -> Option<Self> {
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

    /// Checks a signature. The algorithm is the key's own; what the header says must agree with
    /// it and never chooses it (RFC 8725 §3.1).
    ///
    /// # Errors
    /// [`Rejection::WrongAlgorithm`] or [`Rejection::BadSignature`].
    pub(crate) fn verify(&self, jws: &UnverifiedJws<'_>) -> Result<(), Rejection> {
        if jws.header.alg != self.algorithm.as_str() {
            return Err(Rejection::WrongAlgorithm);
        }
        self.verify_bytes(jws.signed.as_bytes(), &jws.signature)
    }

    fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> Result<(), Rejection> {
        self.public_key
            .verify_sig(message, signature)
            .map_err(|_| Rejection::BadSignature)
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({})", self.algorithm)
    }
}
