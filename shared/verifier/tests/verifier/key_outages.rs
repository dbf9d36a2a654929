//! What a verifier does while the issuer does not answer, or answers nonsense.

use std::time::Duration;

use serde_json::json;
use tokensmith_verifier::{Algorithm, FetchError, Refusal, Rejection, SourceUnavailable};
use tokio::task::JoinSet;

use crate::support::{FakeIssuer, Forger, World, settle};

fn unavailable(err: FetchError) -> Result<(), Refusal> {
    Err(SourceUnavailable::Keys(err).into())
}

#[tokio::test]
async fn the_last_good_keys_serve_through_an_outage_up_to_their_greatest_age() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::configured(&[&key], |builder| {
        builder.key_max_age(Duration::from_secs(7200))
    });
    world
        .verify(&world.token(&key))
        .await
        .expect("a good token");
    world.issuer.fail();
    world.issuer.asked();
    for _ in 0..7199 {
        world.pass(1);
        world
            .verify(&world.token(&key))
            .await
            .expect("a good token");
        settle().await;
    }
    let attempts = world.issuer.asked().len();
    assert!(
        (200..=231).contains(&attempts),
        "one in each cooldown: {attempts}"
    );

    world.pass(1);
    let refused = world.verify(&world.token(&key)).await;
    assert_eq!(refused, unavailable(FetchError::Status(503)));

    world.issuer.recover();
    world.pass(1);
    world
        .verify(&world.token(&key))
        .await
        .expect("a good token");
}

#[tokio::test]
async fn without_keys_an_outage_is_no_verdict_and_is_asked_about_once_a_second() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&key]);
    world.issuer.fail();
    let token = world.token(&key);
    for _ in 0..3 {
        let mut requests = JoinSet::new();
        for _ in 0..20 {
            let (verifier, token) = (world.verifier.clone(), token.clone());
            requests.spawn(async move { verifier.verify(&token).await.map(drop) });
        }
        let refused = unavailable(FetchError::Status(503));
        assert!(
            requests
                .join_all()
                .await
                .into_iter()
                .all(|answer| answer == refused)
        );
        assert_eq!(world.issuer.asked().len(), 1);
        world.pass(1);
    }
    world.issuer.recover();
    world.verify(&token).await.expect("a good token");
}

#[tokio::test(start_paused = true)]
async fn a_fetch_ends_at_its_time_limit() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::configured(&[&key], |builder| {
        builder.fetch_time_limit(Duration::from_millis(700))
    });
    world.issuer.hang();
    let before = tokio::time::Instant::now();
    let refused = world.verify(&world.token(&key)).await;
    assert_eq!(refused, unavailable(FetchError::TimedOut));
    assert_eq!(before.elapsed().as_millis(), 700);
}

/// While the issuer does not answer, it is unknown whether a key exists, so the answer is not 401.
#[tokio::test]
async fn in_an_outage_a_token_of_an_unknown_key_is_not_called_invalid() {
    let (known, unknown) = (
        Forger::generate(Algorithm::EdDSA),
        Forger::generate(Algorithm::EdDSA),
    );
    let world = World::new(&[&known]);
    world
        .verify(&world.token(&known))
        .await
        .expect("a good token");
    world.issuer.fail();
    for _ in 0..3 {
        let refused = world.verify(&world.token(&unknown)).await;
        assert_eq!(refused, unavailable(FetchError::Status(503)));
    }
    assert_eq!(world.issuer.asked().len(), 2);
    world
        .verify(&world.token(&known))
        .await
        .expect("a good token");

    world.issuer.recover();
    world.pass(30);
    let refused = world.verify(&world.token(&unknown)).await;
    assert_eq!(refused, Err(Rejection::UnknownKey.into()));
}

#[tokio::test]
async fn nonsense_does_not_replace_good_keys() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&key]);
    world
        .verify(&world.token(&key))
        .await
        .expect("a good token");
    let too_long = json!({ "keys": [key.jwk], "padding": "x".repeat(64 * 1024) });
    for document in [
        String::new(),
        "<html>maintenance</html>".to_owned(),
        "{}".to_owned(),
        json!({ "keys": [] }).to_string(),
        json!({ "keys": {} }).to_string(),
        too_long.to_string(),
    ] {
        world.issuer.serve(FakeIssuer::JWKS, document.clone());
        world.issuer.asked();
        world.pass(600);
        world
            .verify(&world.token(&key))
            .await
            .expect("the last good keys");
        settle().await;
        assert_eq!(world.issuer.asked().len(), 1);

        let cold = World::new(&[]);
        cold.issuer.serve(FakeIssuer::JWKS, document);
        let refused = cold.verify(&cold.token(&key)).await;
        assert!(
            matches!(refused, Err(Refusal::Unavailable(_))),
            "{refused:?}"
        );
    }
}
