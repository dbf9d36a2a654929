//! jsonwebtoken keeps one crypto provider for the whole process, and it is the embedder's. This test is in
//! one process with all others of this directory: none of them may ask for that provider either, or it
//! would be installed already.

use std::sync::atomic::{AtomicUsize, Ordering};

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::{DecodingKey, Validation, decode, errors};
use serde_json::Value;
use tokensmith_verifier::Algorithm;

use crate::support::{AUDIENCE, Forger, World};

/// An embedder's own: it verifies, and counts how often it was asked.
static OF_THE_EMBEDDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| panic!("nobody signs with it"),
    verifier_factory: counted,
    key_utils: KeyUtils::new_unimplemented(),
};

static ASKED: AtomicUsize = AtomicUsize::new(0);

fn counted(
    algorithm: &jsonwebtoken::Algorithm,
    key: &DecodingKey,
) -> errors::Result<Box<dyn JwtVerifier>> {
    ASKED.fetch_add(1, Ordering::SeqCst);
    (DEFAULT_PROVIDER.verifier_factory)(algorithm, key)
}

/// Makes keys, publishes them, and verifies a token of each algorithm.
async fn verify_everything() {
    for algorithm in Algorithm::ALL {
        let key = Forger::generate(algorithm);
        let world = World::new(&[&key]);
        let verified = world.verify(&world.token(&key)).await;
        verified.expect("a good token");
    }
}

#[tokio::test]
async fn the_provider_of_the_process_is_the_embedders() {
    verify_everything().await;
    let installed = OF_THE_EMBEDDER.install_default();
    assert!(installed.is_ok(), "the verifier has installed one");

    verify_everything().await;
    assert_eq!(ASKED.load(Ordering::SeqCst), 0, "the verifier has used it");

    let key = Forger::generate(Algorithm::ES256);
    let world = World::new(&[&key]);
    let mut validation = Validation::new(Algorithm::ES256.into());
    validation.set_audience(&[AUDIENCE]);
    let decoding = DecodingKey::from_jwk(&key.jwk).expect("a key");
    let decoded = decode::<Value>(world.token(&key), &decoding, &validation);
    assert_eq!(decoded.expect("a good token").claims["sub"], "alice");
    assert_eq!(ASKED.load(Ordering::SeqCst), 1, "the embedder uses it");
}
