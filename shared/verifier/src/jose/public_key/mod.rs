#[cfg(test)]
mod unusable;
#[cfg(test)]
mod vectors;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, VerificationAlgorithm,
};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{DecodingKey, DecodingKeyKind};

use super::{KeyKind, SignatureAlgorithm, UnverifiedJws};
use crate::Rejection;

/// A public key with the algorithms that it verifies.
///
/// It is parsed once, for all signatures, by AWS-LC. `jsonwebtoken` would parse it for each of them, with the provider that the
/// process has: it installs one when there is none, and panics when both back ends are compiled in.
#[derive(Debug)]
pub struct PublicKey {
    /// The algorithm that the key names, if it names one (RFC 7517 §4.4); otherwise all of its type.
    algorithms: Vec<(SignatureAlgorithm, ParsedPublicKey)>,
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
        let key = DecodingKey::from_jwk(jwk).ok()?;
        let fits = |algorithm: &SignatureAlgorithm| {
            algorithm.key_kind() == kind && only.is_none_or(|only| only == *algorithm)
        };
        let fitting = SignatureAlgorithm::ALL.into_iter().filter(fits);
        let algorithms = fitting.map(|algorithm| Some((algorithm, parsed(algorithm, &key)?)));
        let algorithms: Vec<_> = algorithms.collect::<Option<_>>()?;
        (!algorithms.is_empty()).then_some(Self { algorithms })
    }

    /// The algorithm called `name`, if the key verifies it. The key decides: what it names is the only one,
    /// and otherwise its type says which there are (RFC 8725 §3.1).
    pub fn algorithm(&self, name: &str) -> Option<SignatureAlgorithm> {
        self.by_name(name).map(|(algorithm, _)| *algorithm)
    }

    /// Checks a signature. The header's `alg` must be one of the key's, so that an attacker cannot choose a
    /// weaker one.
    ///
    /// # Errors
    /// [`Rejection::WrongAlgorithm`] or [`Rejection::BadSignature`].
    pub fn verify(&self, jws: &UnverifiedJws<'_>) -> Result<(), Rejection> {
        let (_, key) = self
            .by_name(&jws.header.alg)
            .ok_or(Rejection::WrongAlgorithm)?;
        key.verify_sig(jws.signed.as_bytes(), &jws.signature)
            .map_err(|_| Rejection::BadSignature)
    }

    fn by_name(&self, name: &str) -> Option<&(SignatureAlgorithm, ParsedPublicKey)> {
        let named: SignatureAlgorithm = name.parse().ok()?;
        let mut all = self.algorithms.iter();
        all.find(|(algorithm, _)| *algorithm == named)
    }
}

/// The key for signatures by `algorithm`; `None` when it can verify none. A key set without a usable key must not replace the last
/// one, so that this is found out before the first signature.
fn parsed(algorithm: SignatureAlgorithm, key: &DecodingKey) -> Option<ParsedPublicKey> {
    let fixed = |algorithm: &'static dyn VerificationAlgorithm| match key.kind() {
        DecodingKeyKind::SecretOrDer(bytes) => ParsedPublicKey::new(algorithm, bytes).ok(),
        DecodingKeyKind::RsaModulusExponent { .. } => None,
    };
    let rsa = |parameters: &'static RsaParameters| match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } if RSA_BITS.contains(&bits(n)) => {
            let key = PublicKeyComponents { n, e };
            key.to_parsed_public_key(parameters).ok()
        }
        _ => None,
    };
    match algorithm {
        SignatureAlgorithm::RS256 => rsa(&RSA_PKCS1_2048_8192_SHA256),
        SignatureAlgorithm::PS256 => rsa(&RSA_PSS_2048_8192_SHA256),
        SignatureAlgorithm::ES256 => fixed(&ECDSA_P256_SHA256_FIXED),
        SignatureAlgorithm::ES384 => fixed(&ECDSA_P384_SHA384_FIXED),
        SignatureAlgorithm::EdDSA => fixed(&ED25519),
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
