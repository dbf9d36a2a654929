//! DER as KMS speaks it, and JOSE's forms of the same.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pkcs1::RsaPublicKey;
use spki::der::asn1::UintRef;
use spki::der::{Decode, Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use tokensmith_issuer::keys::CustodyError;
use tokensmith_verifier::{Algorithm, PublicKey};

/// The public key of `algorithm` in a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), as KMS returns it.
///
/// # Errors
/// [`CustodyError`] when it is no such key, or one of another algorithm.
pub(super) fn public_key(algorithm: Algorithm, der: &[u8]) -> Result<PublicKey, CustodyError> {
    let unusable = || CustodyError(format!("KMS returned no {algorithm} public key"));
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| unusable())?;
    let bits = info.subject_public_key.as_bytes().ok_or_else(unusable)?;
    let curve = || info.algorithm.parameters_oid().ok();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match (algorithm, info.algorithm.oid) {
        (Algorithm::RS256 | Algorithm::PS256, RSA) => {
            let key = RsaPublicKey::<UintRef<'_>>::from_der(bits).map_err(|_| unusable())?;
            Ok(PublicKey::Rsa {
                n: text(key.modulus.as_bytes()),
                e: text(key.public_exponent.as_bytes()),
            })
        }
        (Algorithm::ES256, EC) if curve() == Some(P256) => match bits {
            // An uncompressed point (SEC 1 §2.3.3): 4, x, y.
            [4, point @ ..] if point.len() == 64 => Ok(PublicKey::Ec {
                crv: "P-256".to_owned(),
                x: text(&point[..32]),
                y: text(&point[32..]),
            }),
            _ => Err(unusable()),
        },
        (Algorithm::EdDSA, ED25519) if bits.len() == 32 => Ok(PublicKey::Okp {
            crv: "Ed25519".to_owned(),
            x: text(bits),
        }),
        _ => Err(unusable()),
    }
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
