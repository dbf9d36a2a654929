#[cfg(test)]
mod unusable;
#[cfg(test)]
mod vectors;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
};
use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{DecodingKey, DecodingKeyKind};

use crate::jws::UnverifiedJws;
use crate::{Algorithm, Rejection};

/// One published key, with the only algorithm that it verifies.
#[derive(Debug)]
pub(crate) struct VerificationKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerificationKey {
    /// The key; `None` when `jwk` is not for signatures (RFC 7517 §4.2), names no algorithm of
    /// ours, or is not a key of that algorithm.
    pub(crate) fn parse(jwk: &Jwk) -> Option<Self> {
        if jwk.common.public_key_use != Some(PublicKeyUse::Signature) {
            return None;
        }
        let algorithm = Algorithm::try_from(jwk.common.key_algorithm?).ok()?;
        if !algorithm.fits(&jwk.algorithm) {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        is_sound(algorithm, &key).then_some(Self { algorithm, key })
    }

    /// Checks a signature. The algorithm is the key's own. The header's `alg` must agree with it
    /// and never chooses it (RFC 8725 §3.1), so that an attacker cannot choose a weaker one.
    ///
    /// # Errors
    /// [`Rejection::WrongAlgorithm`] or [`Rejection::BadSignature`].
    pub(crate) fn verify(&self, jws: &UnverifiedJws<'_>) -> Result<(), Rejection> {
        if jws.header.alg != self.algorithm.as_str() {
            return Err(Rejection::WrongAlgorithm);
        }
        self.verifier()?
            .verify(jws.signed.as_bytes(), &jws.signature)
            .map_err(|_| Rejection::BadSignature)
    }

    /// The verifier of signatures by this key. It uses AWS-LC, whatever provider the process has.
    /// `jsonwebtoken::decode` would use that process-wide provider: it installs one when there is
    /// none, and panics when both back ends are compiled in.
    fn verifier(&self) -> Result<Box<dyn JwtVerifier>, Rejection> {
        (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm.into(), &self.key)
            .map_err(|_| Rejection::BadSignature)
    }
}

/// Whether `key` can verify anything. jsonwebtoken finds that out only when it checks a signature,
/// but a key set without a usable key must not replace the last one.
fn is_sound(algorithm: Algorithm, key: &DecodingKey) -> bool {
    match (key.kind(), algorithm) {
        (DecodingKeyKind::RsaModulusExponent { n, e }, _) => {
            let key = PublicKeyComponents { n, e };
            let parsed = key.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
            parsed.is_ok() && RSA_BITS.contains(&bits(n))
        }
        (DecodingKeyKind::SecretOrDer(bytes), Algorithm::EdDSA) => {
            ParsedPublicKey::new(&ED25519, bytes).is_ok()
        }
        (DecodingKeyKind::SecretOrDer(point), _) => {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok()
        }
    }
}

/// The length of a big-endian number without leading zero bytes.
fn bits(number: &[u8]) -> usize {
    let zeros = number
        .first()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    number.len() * 8 - zeros
}

/// RFC 7518 §3.3: a modulus of at least 2048 bits. The upper end bounds the time that a hostile key
/// can make each verification take.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
