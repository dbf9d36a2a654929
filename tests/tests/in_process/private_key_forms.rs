//! Private keys in the forms that KMS may write them (RFC 5208, RFC 5915): also without the public half,
//! which then has to be computed. Ed25519 keys are always without it in PKCS#8 v1 (RFC 8410 §7).

use tokensmith_issuer::keys::{InProcessSigner, Signer, generate_private_key};
use tokensmith_verifier::Algorithm;

/// The bytes before the number in a P-256 key whose ECPrivateKey has nothing else.
const WITHOUT_PUBLIC_HALF: [u8; 35] = [
    0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
];

#[tokio::test]
async fn a_private_key_without_its_public_half_is_the_same_key() {
    let algorithm = Algorithm::ES256;
    let whole = generate_private_key(algorithm).expect("a key");
    let marker = &WITHOUT_PUBLIC_HALF[30..];
    let at = whole.windows(5).position(|window| window == marker);
    let number = &whole[at.expect("a number") + 5..][..32];
    let half = [&WITHOUT_PUBLIC_HALF, number].concat();
    assert!(half.len() < whole.len(), "the whole has the public half");
    let expected = InProcessSigner::from_pkcs8(algorithm, &whole).expect("a signer");
    let signer = InProcessSigner::from_pkcs8(algorithm, &half).expect("a signer");
    assert_eq!(signer.public_key(), expected.public_key());
    assert_eq!(signer.sign(b"message").await.expect("signed").len(), 64);
}
