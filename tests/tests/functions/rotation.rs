//! Keys rotate while clients get tokens and verify them, and nobody notices (invariant 7).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokensmith_tests::{Functions, HttpRequest, Setup, TestIssuer, World, eventually};
use tokensmith_verifier::{JwkSet, VerificationKeys};

#[test]
fn invariant_7_keys_rotate_under_load_with_data_keys() {
    rotate_under_load("kms-data-key");
}

#[test]
fn invariant_7_keys_rotate_under_load_with_every_signature_in_kms() {
    rotate_under_load("kms");
}

fn rotate_under_load(custody: &str) {
    let setup = Setup::new(custody)
        .with("TOKENSMITH_ALGS", "ES256")
        .with("TOKENSMITH_CACHE_TTL", "1s")
        .with("TOKENSMITH_KEY_PERIOD", "2s")
        .with("TOKENSMITH_KEY_PUBLISH_AHEAD", "2s");
    let mut functions = Functions::start(&setup);
    let world = World::new(functions.issuer());
    let (tokens, is_over) = (Mutex::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        let clients = [(); 2].map(|()| scope.spawn(|| get_and_verify(&world, &tokens, &is_over)));
        eventually("three successors have signed", || {
            functions.rotate_keys();
            let failed = clients.iter().any(|client| client.is_finished());
            (failed || signed_by(&tokens) > 3).then_some(())
        });
        is_over.store(true, Ordering::SeqCst);
    });
    assert!(signed_by(&tokens) > 3, "the clients went on to the end");
    // A key that signs no more is published as long as a token of it lives.
    let keys = published(&world.issuer);
    for token in tokens.into_inner().expect("no client has failed").values() {
        keys.signed_claims(token).expect("its key is published");
        assert!(world.is_active(token));
    }
}

/// The last token of each key, by its name.
type Tokens = Mutex<BTreeMap<String, String>>;

fn signed_by(tokens: &Tokens) -> usize {
    tokens.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// Gets tokens, and verifies each with a key set that may be as old as a key is published before it
/// signs; less one second, for moments in the table are whole seconds.
fn get_and_verify(world: &World, tokens: &Tokens, is_over: &AtomicBool) {
    let until = Instant::now() + Duration::from_secs(120);
    let (mut keys, mut fetched) = (published(&world.issuer), Instant::now());
    while !is_over.load(Ordering::SeqCst) && Instant::now() < until {
        let token = world.issuer.token(&world.client, "").token();
        if fetched.elapsed() >= Duration::from_secs(1) {
            fetched = Instant::now();
            keys = published(&world.issuer);
        }
        let claims = keys.signed_claims(&token.text);
        claims.unwrap_or_else(|err| panic!("{err}: {:?}", token.header));
        let kid = token.header["kid"].as_str().expect("a name").to_owned();
        tokens
            .lock()
            .expect("no client has failed")
            .insert(kid, token.text);
    }
}

fn published(issuer: &TestIssuer) -> VerificationKeys {
    let jwks = issuer.send(&HttpRequest::get("/.well-known/jwks.json"));
    assert_eq!(jwks.status, 200, "{}", jwks.body);
    let set: JwkSet = serde_json::from_value(jwks.json()).expect("a key set");
    VerificationKeys::new(&set).expect("usable keys")
}
