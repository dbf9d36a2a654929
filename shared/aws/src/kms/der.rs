//! Conversions from the DER that KMS returns to the forms of JOSE.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use spki::der::asn1::UintRef;
use spki::der::{Decode, Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use tokensmith_issuer::keys::{CustodyError, PublicJwk};
use tokensmith_verifier::Algorithm;

/// The public key of `algorithm` in a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), as KMS returns it.
///
/// # Errors
/// [`CustodyError`] when it is not such a key, or one of another algorithm.
pub(super) fn public_key(algorithm: Algorithm, der: &[u8]) -> Result<PublicJwk, CustodyError> {
    let unusable = || CustodyError(format!("KMS returned no {algorithm} public key"));
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| unusable())?;
    let bits = info.subject_public_key.as_bytes().ok_or_else(unusable)?;
    let curve = || info.algorithm.parameters_oid().ok();
    let key = match (algorithm, info.algorithm.oid) {
        (Algorithm::RS256 | Algorithm::PS256, RSA) => {
            let components = DEFAULT_PROVIDER
                .key_utils
                .rsa_pub_components_from_public_key;
            let (n, e) = components(bits).map_err(|_| unusable())?;
            DecodingKey::from_rsa_raw_components(&n, &e)
        }
        // The bits are the point itself (RFC 5480 §2.2), or the key (RFC 8410 §4).
        (Algorithm::ES256, EC) if curve() == Some(P256) => DecodingKey::from_ec_der(bits),
        (Algorithm::EdDSA, ED25519) => DecodingKey::from_ed_der(bits),
        _ => return Err(unusable()),
    };
    PublicJwk::new(&key, algorithm).map_err(|_| unusable())
}

/// An ECDSA signature on P-256 as r‖s (RFC 7518 §3.4), from the DER that KMS returns (RFC 3279
/// §2.2.3).
///
/// `None` for anything but two positive numbers of at most 32 bytes in strict DER.
pub(super) fn fixed_signature(der: &[u8]) -> Option<Vec<u8>> {
    let mut reader = SliceReader::new(der).ok()?;
    let numbers = reader.sequence(|body| {
        let (r, s): (UintRef<'_>, UintRef<'_>) = (body.decode()?, body.decode()?);
        Ok::<_, spki::der::Error>([r, s])
    });
    let numbers = numbers.ok()?;
    reader.finish().ok()?;
    let mut fixed = vec![0; 64];
    for (number, half) in numbers.iter().zip(fixed.chunks_exact_mut(32)) {
        let bytes = number.as_bytes();
        let start = 32_usize.checked_sub(bytes.len())?;
        if bytes.iter().all(|byte| *byte == 0) {
            return None;
        }
        half[start..].copy_from_slice(bytes);
    }
    Some(fixed)
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair, RsaKeyPair, UnparsedPublicKey,
    };
    use tokensmith_issuer::keys::{InProcessSigner, Signer, generate_private_key};

    use super::*;

    /// A key pair's public half, as KMS writes it and as JOSE does.
    fn public_half(algorithm: Algorithm) -> (Vec<u8>, PublicJwk) {
        let pkcs8 = generate_private_key(algorithm).expect("a key");
        let signer = InProcessSigner::from_pkcs8(algorithm, &pkcs8).expect("a signer");
        let x509 = |public: Result<PublicKeyX509Der<'_>, _>| public.expect("DER").as_ref().to_vec();
        let der = match algorithm {
            Algorithm::RS256 | Algorithm::PS256 => {
                let pair = RsaKeyPair::from_pkcs8(&pkcs8).expect("a pair");
                x509(AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()))
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8);
                let pair = pair.expect("a pair");
                x509(AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()))
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).expect("a pair");
                x509(AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()))
            }
        };
        (der, signer.public_key().clone())
    }

    /// RFC 7518 §6, RFC 8037 §2.
    #[test]
    fn the_public_key_of_every_algorithm_is_the_jwk_of_the_same_key() {
        for algorithm in Algorithm::ALL {
            let (der, expected) = public_half(algorithm);
            assert_eq!(public_key(algorithm, &der).expect("a key"), expected);
        }
    }

    #[test]
    fn a_public_key_of_another_algorithm_is_refused() {
        let kind = |algorithm| match algorithm {
            Algorithm::PS256 => Algorithm::RS256,
            other => other,
        };
        for algorithm in Algorithm::ALL {
            let (der, _) = public_half(algorithm);
            for asked in Algorithm::ALL {
                let accepted = public_key(asked, &der).is_ok();
                assert_eq!(
                    accepted,
                    kind(asked) == kind(algorithm),
                    "{algorithm} as {asked}"
                );
            }
            assert!(public_key(algorithm, &der[..der.len() - 1]).is_err());
            assert!(public_key(algorithm, &[&der[..], &[0]].concat()).is_err());
            assert!(public_key(algorithm, &[]).is_err());
        }
    }

    /// RFC 7518 §3.4. Of 500 signatures, several have a number with leading zeros.
    #[test]
    fn every_signature_verifies_in_the_fixed_form() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
        for message in 0..500_u32 {
            let message = message.to_be_bytes();
            let der = pair.sign(&SystemRandom::new(), &message).expect("signed");
            let fixed = fixed_signature(der.as_ref()).expect("r and s");
            assert_eq!(fixed.len(), 64);
            public.verify(&message, &fixed).expect("it verifies");
        }
    }

    #[test]
    fn small_numbers_are_padded_on_the_left() {
        let fixed = fixed_signature(&[0x30, 6, 2, 1, 5, 2, 1, 9]).expect("r and s");
        assert_eq!((fixed[31], fixed[63]), (5, 9));
        assert_eq!(fixed.iter().filter(|byte| **byte == 0).count(), 62);
    }

    /// RFC 3279 §2.2.3 in the encoding of X.690 §10, and nothing else.
    #[test]
    fn junk_is_no_signature() {
        let number = |length: u8, first: u8| {
            let mut number = vec![2, length, first];
            number.resize(usize::from(length) + 2, 1);
            number
        };
        let pair = |r: &[u8], s: &[u8]| {
            let body = [r, s].concat();
            [&[0x30, body.len() as u8], &body[..]].concat()
        };
        let good = pair(&number(1, 5), &number(1, 9));
        assert!(fixed_signature(&good).is_some());
        for (what, junk) in [
            ("nothing", vec![]),
            ("a byte behind it", [&good[..], &[0]].concat()),
            ("cut off", good[..good.len() - 1].to_vec()),
            ("a third number", pair(&number(1, 5), &[2, 1, 9, 2, 1, 9])),
            ("one number", pair(&number(1, 5), &[])),
            ("r is 0", pair(&number(1, 0), &number(1, 9))),
            ("s is 0", pair(&number(1, 5), &number(1, 0))),
            ("r is negative", pair(&number(1, 0x80), &number(1, 9))),
            ("r has 33 bytes", pair(&number(33, 1), &number(1, 9))),
            ("r is not minimal", pair(&[2, 2, 0, 5], &number(1, 9))),
            ("a set", [&[0x31], &good[1..]].concat()),
            ("a long length", [&[0x30, 0x81, 6], &good[2..]].concat()),
            (
                "an open length",
                [&[0x30, 0x80], &good[2..], &[0, 0]].concat(),
            ),
            ("r‖s itself", vec![7; 64]),
        ] {
            assert!(fixed_signature(&junk).is_none(), "{what}");
        }
    }
}
