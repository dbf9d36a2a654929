#[cfg(test)]
mod unusable;
#[cfg(test)]
mod vectors;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256,
};
use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{DecodingKey, DecodingKeyKind};

use super::{KeyKind, SignatureAlgorithm, UnverifiedJws};
use crate::Rejection;

/// A public key with the algorithms that it verifies.
#[derive(Debug)]
pub struct PublicKey {
    kind: KeyKind,
    /// The only algorithm, if the key names one (RFC 7517 §4.4).
    only: Option<SignatureAlgorithm>,
    key: DecodingKey,
}

impl PublicKey {
    /// The key; `None` when `jwk` is not for signatures (RFC 7517 §4.2), names another algorithm than
    /// [`SignatureAlgorithm::ALL`] or one that its type does not fit, or its members are not a key.
    pub fn parse(jwk: &Jwk) -> Option<Self> {
        let usage = jwk.common.public_key_use.as_ref();
        if usage.is_some_and(|usage| *usage != PublicKeyUse::Signature) {
            return None;
        }
        let kind = KeyKind::of(&jwk.algorithm)?;
        let only = match jwk.common.key_algorithm {
            Some(named) => Some(SignatureAlgorithm::try_from(named).ok()?),
            None => None,
        };
        if only.is_some_and(|only| only.key_kind() != kind) {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        is_sound(kind, &key).then_some(Self { kind, only, key })
    }

    /// The algorithm called `name`, if the key verifies it. The key decides: what it names is the only one,
    /// and otherwise its type says which there are (RFC 8725 §3.1).
    pub fn algorithm(&self, name: &str) -> Option<SignatureAlgorithm> {
        let named: SignatureAlgorithm = name.parse().ok()?;
        let fits = self.only.is_none_or(|only| only == named) && named.key_kind() == self.kind;
        fits.then_some(named)
    }

    /// Checks a signature. The header's `alg` must be one of the key's, so that an attacker cannot choose a
    /// weaker one.
    ///
    /// # Errors
    /// [`Rejection::WrongAlgorithm`] or [`Rejection::BadSignature`].
    pub fn verify(&self, jws: &UnverifiedJws<'_>) -> Result<(), Rejection> {
        let algorithm = self.algorithm(&jws.header.alg);
        let algorithm = algorithm.ok_or(Rejection::WrongAlgorithm)?;
        self.verifier(algorithm)?
            .verify(jws.signed.as_bytes(), &jws.signature)
            .map_err(|_| Rejection::BadSignature)
    }

    /// The verifier of signatures by this key. It uses AWS-LC, whatever provider the process has.
    /// `jsonwebtoken::decode` would use that process-wide provider: it installs one when there is
    /// none, and panics when both back ends are compiled in.
    fn verifier(&self, algorithm: SignatureAlgorithm) -> Result<Box<dyn JwtVerifier>, Rejection> {
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm.into(), &self.key)
            .map_err(|_| Rejection::BadSignature)
    }
}

/// Whether `key` can verify anything. jsonwebtoken finds that out only when it checks a signature,
/// but a key set without a usable key must not replace the last one.
fn is_sound(kind: KeyKind, key: &DecodingKey) -> bool {
    match (key.kind(), kind) {
        (DecodingKeyKind::RsaModulusExponent { n, e }, _) => {
            let key = PublicKeyComponents { n, e };
            let parsed = key.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
            parsed.is_ok() && RSA_BITS.contains(&bits(n))
        }
        (DecodingKeyKind::SecretOrDer(bytes), KeyKind::Ed25519) => {
            ParsedPublicKey::new(&ED25519, bytes).is_ok()
        }
        (DecodingKeyKind::SecretOrDer(point), KeyKind::P384) => {
            ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).is_ok()
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
