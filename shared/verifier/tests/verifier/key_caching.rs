//! How keys are fetched, kept and renewed.

use serde_json::json;
use tokensmith_verifier::{Algorithm, Rejection};
use tokio::task::JoinSet;

use crate::support::{AUDIENCE, FakeIssuer, Forger, ISSUER, World, settle};

fn key() -> Forger {
    Forger::generate(Algorithm::EdDSA)
}

#[tokio::test]
async fn many_requests_at_a_cold_start_cause_one_fetch() {
    let key = key();
    let world = World::new(&[&key]);
    let token = world.token(&key);
    let mut requests = JoinSet::new();
    for _ in 0..50 {
        let (verifier, token) = (world.verifier.clone(), token.clone());
        requests.spawn(async move { verifier.verify(&token).await.is_ok() });
    }
    assert!(requests.join_all().await.into_iter().all(|good| good));
    assert_eq!(world.issuer.asked().len(), 1);
}

/// RFC 9111 §4.2: no fetch while the keys are fresh. The lifetime stays within bounds, whatever the
/// issuer says.
#[tokio::test]
async fn keys_are_fresh_for_as_long_as_cache_control_says() {
    let key = key();
    for (cache_control, fresh_for) in [
        (Some("public, max-age=120"), 120),
        (Some("no-store"), 30),
        (Some("max-age=1"), 30),
        (Some("max-age=999999"), 3600),
        (None, 300),
    ] {
        let world = World::new(&[&key]);
        world.issuer.cache_control(cache_control);
        let claims = json!({
            "iss": ISSUER, "sub": "a", "aud": AUDIENCE, "jti": "j", "client_id": "c",
            "iat": world.now(), "exp": world.now() + 9000,
        });
        let token = key.token(&claims);
        world.verify(&token).await.expect("a good token");
        world.issuer.asked();

        world.pass(fresh_for - 1);
        world.verify(&token).await.expect("a good token");
        settle().await;
        assert_eq!(world.issuer.asked(), [], "{cache_control:?}");

        world.pass(1);
        world.verify(&token).await.expect("a good token");
        settle().await;
        assert_eq!(world.issuer.asked().len(), 1, "{cache_control:?}");
    }
}

/// RFC 9110 §13.1.2: a 304 makes the same keys fresh again.
#[tokio::test]
async fn a_renewal_asks_with_the_etag() {
    let key = key();
    let world = World::new(&[&key]);
    world
        .verify(&world.token(&key))
        .await
        .expect("a good token");
    let first = world.issuer.asked();
    assert_eq!(first[0].url, FakeIssuer::JWKS);
    assert_eq!(first[0].etag, None);

    world.pass(300);
    for renewals in [1, 0, 0] {
        world
            .verify(&world.token(&key))
            .await
            .expect("a good token");
        settle().await;
        let asked = world.issuer.asked();
        assert_eq!(asked.len(), renewals);
        assert!(asked.iter().all(|asked| asked.etag.is_some()));
    }
}

#[tokio::test(start_paused = true)]
async fn requests_do_not_wait_for_a_renewal_while_there_are_good_keys() {
    let key = key();
    let world = World::new(&[&key]);
    world
        .verify(&world.token(&key))
        .await
        .expect("a good token");
    world.issuer.asked();

    world.issuer.hang();
    world.pass(300);
    let before = tokio::time::Instant::now();
    for _ in 0..20 {
        world
            .verify(&world.token(&key))
            .await
            .expect("a good token");
        settle().await;
    }
    assert_eq!(before.elapsed().as_nanos(), 0, "no request waited");
    assert_eq!(world.issuer.asked().len(), 1);
}

/// In a function that is frozen between requests, a renewal in the background may never end.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_late_by_a_lifetime_is_waited_for_once() {
    let (old, new) = (key(), key());
    let world = World::new(&[&old]);
    world
        .verify(&world.token(&old))
        .await
        .expect("a good token");

    world.issuer.publish(&[&new]);
    world.pass(600);
    let withdrawn = world.verify(&world.token(&old)).await;
    assert_eq!(withdrawn, Err(Rejection::UnknownKey.into()));

    world.issuer.hang();
    world.pass(600);
    let before = tokio::time::Instant::now();
    world
        .verify(&world.token(&new))
        .await
        .expect("the last good keys");
    assert_eq!(before.elapsed().as_secs(), 2, "the time limit of a fetch");
    world
        .verify(&world.token(&new))
        .await
        .expect("the last good keys");
    assert_eq!(before.elapsed().as_secs(), 2, "the next one does not wait");
}

/// RFC 7517 §5: keys of unknown type, algorithm or use are ignored.
#[tokio::test]
async fn keys_that_cannot_be_used_are_skipped() {
    let key = key();
    let world = World::new(&[]);
    let mut encryption = serde_json::to_value(&key.jwk).expect("JSON");
    encryption["use"] = json!("enc");
    encryption["kid"] = json!("encryption");
    let mut broken = serde_json::to_value(&key.jwk).expect("JSON");
    broken["x"] = json!("AAAA");
    broken["kid"] = json!("broken");
    let document = json!({ "keys": [
        { "kty": "EC", "crv": "P-521", "alg": "ES512", "use": "sig", "kid": "a", "x": "AA", "y": "AA" },
        { "kty": "AKP", "alg": "ML-DSA-44", "kid": "b", "pub": "AA" },
        { "kty": "oct", "k": "AAAA" },
        { "kty": "RSA", "n": "AA", "e": "AQAB", "use": "sig", "kid": "c" },
        "nonsense",
        encryption,
        broken,
        key.jwk,
    ], "more": true });
    world.issuer.serve(FakeIssuer::JWKS, document.to_string());
    world
        .verify(&world.token(&key))
        .await
        .expect("a good token");
    for kid in ["encryption", "broken"] {
        let mut header = key.header();
        header["kid"] = json!(kid);
        let token = key.sign(&header, &world.claims());
        assert_eq!(
            world.verify(&token).await,
            Err(Rejection::UnknownKey.into())
        );
    }
}

/// Invariant 7 for verifiers: no valid token is refused during a rotation, though nothing tells the
/// verifier of it.
#[tokio::test]
async fn a_rotation_refuses_no_good_token() {
    let mut keys = vec![key()];
    let world = World::new(&[&keys[0]]);
    for second in 0..10_000 {
        // Every 1,000 s a key is published; it signs 600 s later; the one before goes after its
        // last token has expired.
        if second % 1000 == 300 {
            keys.push(key());
        }
        if second % 1000 == 0 && keys.len() > 2 {
            keys.remove(0);
        }
        world.issuer.publish(&keys.iter().collect::<Vec<_>>());
        let signs = if second % 1000 >= 900 || keys.len() == 1 {
            keys.last()
        } else {
            keys.iter().rev().nth(usize::from(second % 1000 >= 300))
        };
        let token = world.token(signs.expect("a key"));
        world
            .verify(&token)
            .await
            .unwrap_or_else(|err| panic!("{second}: {err}"));
        settle().await;
        world.pass(1);
    }
    let fetches = world.issuer.asked().len();
    assert!(
        (30..=35).contains(&fetches),
        "one for each 300 s: {fetches}"
    );
}

/// A key that signs as soon as it is published is fetched at once.
#[tokio::test]
async fn an_unknown_key_is_fetched_before_its_token_is_judged() {
    let (old, new) = (key(), key());
    let world = World::new(&[&old]);
    world
        .verify(&world.token(&old))
        .await
        .expect("a good token");
    world.issuer.publish(&[&new, &old]);
    world
        .verify(&world.token(&new))
        .await
        .expect("a good token");
    assert_eq!(world.issuer.asked().len(), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_fetch_in_each_cooldown() {
    let key = key();
    let world = World::new(&[&key]);
    world
        .verify(&world.token(&key))
        .await
        .expect("a good token");
    world.issuer.asked();
    let refused = Err(Rejection::UnknownKey.into());
    for _ in 0..3 {
        let mut requests = JoinSet::new();
        for n in 0..100 {
            let mut header = key.header();
            header["kid"] = json!(format!("unknown-{n}"));
            let token = key.sign(&header, &world.claims());
            let verifier = world.verifier.clone();
            requests.spawn(async move { verifier.verify(&token).await.map(drop) });
        }
        assert!(
            requests
                .join_all()
                .await
                .into_iter()
                .all(|answer| answer == refused)
        );
        assert_eq!(world.issuer.asked().len(), 1);
        world
            .verify(&world.token(&key))
            .await
            .expect("a good token");
        world.pass(29);
        let mut header = key.header();
        header["kid"] = json!("unknown");
        let token = key.sign(&header, &world.claims());
        assert_eq!(world.verify(&token).await, refused);
        assert_eq!(world.issuer.asked(), []);
        world.pass(1);
    }
}

/// A caller that is dropped must not end the fetch that others share, nor make each of them start
/// one.
#[tokio::test]
async fn callers_that_go_away_cause_no_second_fetch() {
    let key = key();
    let world = World::new(&[&key]);
    let token = world.token(&key);
    for _ in 0..20 {
        let mut request = Box::pin(world.verifier.verify(&token));
        let first_poll = std::future::poll_fn(|cx| {
            std::task::Poll::Ready(request.as_mut().poll(cx).is_pending())
        });
        assert!(first_poll.await, "it waits for the keys");
        drop(request);
    }
    world.verify(&token).await.expect("a good token");
    assert_eq!(world.issuer.asked().len(), 1);
}

/// RFC 8414 §3.3: the `issuer` in the metadata must be the one that they were requested for.
#[tokio::test]
async fn the_keys_can_be_found_through_the_metadata() {
    let key = key();
    let metadata = "https://issuer.example/.well-known/oauth-authorization-server";
    for (issuer, jwks_uri, good) in [
        (ISSUER, "https://keys.example/jwks", true),
        ("https://other.example", "https://keys.example/jwks", false),
        (ISSUER, "http://keys.example/jwks", false),
    ] {
        let world = World::configured(&[], |builder| builder.discover_jwks());
        let document = json!({ "issuer": issuer, "jwks_uri": jwks_uri });
        world.issuer.serve(metadata, document.to_string());
        let keys = json!({ "keys": [key.jwk] }).to_string();
        world.issuer.serve(jwks_uri, keys);
        let verified = world.verify(&world.token(&key)).await;
        assert_eq!(verified.is_ok(), good, "{issuer} {jwks_uri}: {verified:?}");
    }
}
