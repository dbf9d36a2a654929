//! A verifier that follows the feed: how soon it sees a revocation, and what it does without it.

use std::sync::Arc;
use std::time::Duration;

use tokensmith_verifier::{
    Algorithm, FeedSettings, Refusal, Rejection, Revocation, SourceUnavailable, StalePolicy,
    WhenStale,
};
use tokio::task::JoinSet;

use crate::support::{Feed, Forger, START, World, settle};

fn following(page: usize, settings: FeedSettings) -> (World, Arc<Feed>) {
    let key = Arc::new(Forger::generate(Algorithm::EdDSA));
    let world = World::configured(&[&key], |builder| builder.revocation_feed(settings));
    let feed = Feed::new(key, page);
    world.serve_feed(&feed);
    (world, feed)
}

fn revoked_token() -> Revocation {
    Revocation::of_token("token-1", START + 600)
}

#[tokio::test]
async fn a_revocation_is_seen_with_the_first_request_after_the_interval() {
    for (revocation, expected) in [
        (revoked_token(), Rejection::TokenRevoked),
        (
            Revocation::of_grant("grant-1", START + 900),
            Rejection::GrantRevoked,
        ),
        (
            Revocation::of_client("app", START + 9, START + 900),
            Rejection::ClientRevoked,
        ),
        (
            Revocation::of_subject("alice", START + 9, START + 900),
            Rejection::SubjectRevoked,
        ),
    ] {
        let (world, feed) = following(100, FeedSettings::default());
        let token = world.token(&feed.key);
        world.verify(&token).await.expect("a good token");
        feed.record(START + 1, revocation);
        world.pass(4);
        world.verify(&token).await.expect("the view is not overdue");
        world.pass(1);
        assert_eq!(world.verify(&token).await, Err(expected.into()));
    }
}

#[tokio::test]
async fn however_many_requests_come_the_feed_is_asked_once_in_each_interval() {
    let (world, feed) = following(100, FeedSettings::default());
    let token = world.token(&feed.key);
    for _ in 0..20 {
        let mut requests = JoinSet::new();
        for _ in 0..50 {
            let (verifier, token) = (world.verifier.clone(), token.clone());
            requests.spawn(async move { verifier.verify(&token).await.is_ok() });
        }
        assert!(requests.join_all().await.into_iter().all(|good| good));
        assert_eq!(world.issuer.asked_cursors().len(), 1);
        world.pass(4);
        world.verify(&token).await.expect("a good token");
        assert_eq!(world.issuer.asked_cursors().len(), 0);
        world.pass(1);
    }
}

/// A record can be read only some time after the time that it names, because writers and indexes
/// take a while.
#[tokio::test]
async fn a_record_that_comes_late_is_in_the_next_window() {
    let (world, feed) = following(100, FeedSettings::default());
    let token = world.token(&feed.key);
    world.verify(&token).await.expect("a good token");
    world.pass(30);
    world.verify(&token).await.expect("a good token");
    feed.record(world.now() - 30, revoked_token());
    world.pass(5);
    assert_eq!(
        world.verify(&token).await,
        Err(Rejection::TokenRevoked.into())
    );
    let cursors = world.issuer.asked_cursors();
    assert_eq!(
        cursors,
        [0, START - 30, START],
        "multiples of the interval, for caches"
    );
}

#[tokio::test]
async fn a_cold_view_catches_up_page_by_page_before_the_first_verdict() {
    let (world, feed) = following(10, FeedSettings::default());
    for n in 0..95 {
        let revocation = Revocation::of_token(&format!("other-{n}"), START + 600);
        feed.record(START - 1000 + n / 3, revocation);
    }
    feed.record(START - 1, revoked_token());
    let refused = world.verify(&world.token(&feed.key)).await;
    assert_eq!(refused, Err(Rejection::TokenRevoked.into()));
    let cursors = world.issuer.asked_cursors();
    assert_eq!(
        cursors.len(),
        9,
        "12 entries in 4 whole seconds each: {cursors:?}"
    );
    assert!(cursors.is_sorted());
    world.pass(5);
    world
        .verify(&world.token(&feed.key))
        .await
        .expect_err("revoked");
    assert_eq!(world.issuer.asked_cursors(), [START - 30]);
}

/// A request waits at most for the time limit of one fetch. The view continues to catch up without
/// it.
#[tokio::test(start_paused = true)]
async fn a_view_that_has_far_to_catch_up_goes_on_with_that_on_its_own() {
    let (world, feed) = following(1, FeedSettings::default());
    for n in 0..50 {
        let revocation = Revocation::of_token(&format!("other-{n}"), START + 600);
        feed.record(START - 1000 + n, revocation);
    }
    let token = world.token(&feed.key);
    world.issuer.slow(Duration::from_secs(1));
    let before = tokio::time::Instant::now();
    let refused = world.verify(&token).await;
    assert!(
        matches!(refused, Err(Refusal::Unavailable(_))),
        "{refused:?}"
    );
    assert!(
        before.elapsed() <= Duration::from_secs(4),
        "keys, then the wait for the feed"
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.verify(&token).await.expect("the view has caught up");
    assert_eq!(world.issuer.asked_cursors().len(), 50);
}

#[tokio::test(start_paused = true)]
async fn losing_the_feed_does_what_the_policy_says() {
    for (then, good_token) in [
        (
            WhenStale::FailClosed,
            Err(SourceUnavailable::Revocations(
                "the revocation feed cannot be read: the answer has status 503".to_owned(),
            )
            .into()),
        ),
        (WhenStale::FailOpen, Ok(())),
    ] {
        let stale = StalePolicy {
            max_age: Duration::from_secs(60),
            then,
        };
        let settings = FeedSettings {
            stale,
            ..FeedSettings::default()
        };
        let (world, feed) = following(100, settings);
        feed.record(START - 1, Revocation::of_token("other", START + 600));
        let mut other = world.claims();
        other["jti"] = "other".into();
        let (token, other) = (world.token(&feed.key), feed.key.token(&other));
        world.verify(&token).await.expect("a good token");
        world.issuer.fail();
        world.pass(60);
        world.verify(&token).await.expect("not stale yet");
        assert_eq!(world.verifier.revocation_staleness(), Some(60));
        world.pass(1);
        assert_eq!(world.verify(&token).await, good_token, "{then:?}");
        if then == WhenStale::FailOpen {
            let refused = world.verify(&other).await;
            assert_eq!(
                refused,
                Err(Rejection::TokenRevoked.into()),
                "what is known counts"
            );
        }
        assert_eq!(
            world.issuer.asked_cursors().len(),
            2,
            "one failure for each interval"
        );

        world.issuer.recover();
        world.pass(5);
        world.verify(&token).await.expect("the feed is back");
        assert_eq!(world.verifier.revocation_staleness(), Some(0));
    }
}

#[tokio::test]
async fn a_feed_that_was_never_read_is_stale() {
    let (world, feed) = following(100, FeedSettings::default());
    let token = world.token(&feed.key);
    world.issuer.serve_feed(|_| String::new());
    let refused = world.verify(&token).await;
    assert!(
        matches!(refused, Err(Refusal::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(world.verifier.revocation_staleness(), None);
}

/// A token that is refused for its claims causes no fetch of the feed.
#[tokio::test]
async fn bad_tokens_do_not_ask_the_feed() {
    let (world, feed) = following(100, FeedSettings::default());
    let mut expired = world.claims();
    expired["exp"] = (START - 100).into();
    for token in [feed.key.token(&expired), "garbage".to_owned()] {
        assert!(world.verify(&token).await.is_err());
    }
    assert_eq!(world.issuer.asked_cursors().len(), 0);
}

/// The feed is signed by the active key, so an unknown key is fetched as for a token.
#[tokio::test]
async fn the_feed_may_be_signed_by_a_key_that_is_new() {
    let (world, feed) = following(100, FeedSettings::default());
    let token = world.token(&feed.key);
    world.verify(&token).await.expect("a good token");
    let new = Arc::new(Forger::generate(Algorithm::ES256));
    world.issuer.publish(&[&feed.key, &new]);
    let signed_by_new = Feed::new(new, 100);
    signed_by_new.record(START, revoked_token());
    world.serve_feed(&signed_by_new);
    world.pass(5);
    settle().await;
    assert_eq!(
        world.verify(&token).await,
        Err(Rejection::TokenRevoked.into())
    );
}

/// A server can renew the view before a request needs it.
#[tokio::test]
async fn the_view_can_be_renewed_between_requests() {
    let (world, feed) = following(100, FeedSettings::default());
    world.verifier.refresh_revocations().await;
    assert_eq!(world.issuer.asked_cursors(), [0]);
    world.verifier.refresh_revocations().await;
    world
        .verify(&world.token(&feed.key))
        .await
        .expect("a good token");
    assert_eq!(world.issuer.asked_cursors().len(), 0);
}
