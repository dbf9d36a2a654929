//! Private keys in the forms that KMS may write them (RFC 5208, RFC 5915, RFC 8410): also without the
//! public half, which then has to be computed.

use tokensmith_issuer::keys::{InProcessSigner, Signer, generate_private_key};
use tokensmith_verifier::Algorithm;

/// Of PKCS#8 that ends with the public half: the same without it.
fn private_half(algorithm: Algorithm, pkcs8: &[u8]) -> Vec<u8> {
    let (prefix, marker): (&[u8], &[u8]) = match algorithm {
        Algorithm::ES256 => (
            &[
                0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8,
                0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
            ],
            &[2, 1, 1, 4, 0x20],
        ),
        Algorithm::EdDSA => (
            &[
                0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
            ],
            &[4, 0x22, 4, 0x20],
        ),
        other => panic!("{other} keys are never without it"),
    };
    let at = pkcs8
        .windows(marker.len())
        .position(|window| window == marker);
    let secret = &pkcs8[at.expect("a secret") + marker.len()..][..32];
    [prefix, secret].concat()
}

#[tokio::test]
async fn private_keys_without_their_public_half_are_the_same_keys() {
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
        let whole = generate_private_key(algorithm).expect("a key");
        let half = private_half(algorithm, &whole);
        assert_ne!(half, *whole, "{algorithm}");
        let expected = InProcessSigner::from_pkcs8(algorithm, &whole).expect("a signer");
        let signer = InProcessSigner::from_pkcs8(algorithm, &half).expect("a signer");
        assert_eq!(signer.public_key(), expected.public_key(), "{algorithm}");
        assert_eq!(signer.sign(b"message").await.expect("signed").len(), 64);
    }
}
