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

/// A verifier whose feed is signed by a new key, which is published beside the one that it knows.
fn with_successor() -> (World, Arc<Feed>, Arc<Feed>) {
    let (world, feed) = following(100, FeedSettings::default());
    let successor = Feed::new(Arc::new(Forger::generate(Algorithm::ES256)), 100);
    (world, feed, successor)
}

fn withdrawal_of(key: &Forger) -> Revocation {
    Revocation::of_key(key.kid.as_str(), START + 2 * 24 * 3600)
}

/// Invariant 4: a verifier that has the withdrawn key, and would use it for minutes or hours, refuses
/// what it has signed within the interval, also when it was frozen in between.
#[tokio::test]
async fn invariant_4_a_withdrawn_key_is_refused_with_the_first_request_after_the_interval() {
    for frozen_for in [5, 3600] {
        let (world, feed, successor) = with_successor();
        let token = world.token(&feed.key);
        world.verify(&token).await.expect("a good token");
        successor.record(START + 1, withdrawal_of(&feed.key));
        world.issuer.publish(&[&successor.key]);
        world.serve_feed(&successor);
        world.pass(frozen_for);
        let mut claims = world.claims();
        claims["exp"] = (world.now() + 600).into();
        let stolen = feed.key.token(&claims);
        let refused = world.verify(&stolen).await;
        assert!(
            [Rejection::KeyWithdrawn, Rejection::UnknownKey]
                .map(|rejection| Err(rejection.into()))
                .contains(&refused),
            "{frozen_for}: {refused:?}"
        );
        world
            .verify(&successor.key.token(&claims))
            .await
            .expect("a good token");
    }
}

/// Tokens with made-up keys use up the fetches that tokens may cause. The feed has its own.
#[tokio::test]
async fn invariant_4_made_up_keys_do_not_delay_that_a_withdrawn_key_is_refused() {
    let (world, feed, successor) = with_successor();
    let token = world.token(&feed.key);
    world.verify(&token).await.expect("a good token");
    world.pass(4);
    let made_up = Forger::generate(Algorithm::ES256);
    world
        .verify(&world.token(&made_up))
        .await
        .expect_err("an unknown key");
    successor.record(START + 4, withdrawal_of(&feed.key));
    world.issuer.publish(&[&successor.key, &feed.key]);
    world.serve_feed(&successor);
    world.pass(1);
    assert_eq!(
        world.verify(&token).await,
        Err(Rejection::KeyWithdrawn.into())
    );
}

/// A feed whose key is not published yet is asked for again a second later, not an interval later.
#[tokio::test]
async fn a_feed_by_a_key_that_is_published_late_is_believed_a_second_later() {
    let (world, feed, successor) = with_successor();
    let token = world.token(&feed.key);
    world.verify(&token).await.expect("a good token");
    successor.record(START + 1, withdrawal_of(&feed.key));
    world.serve_feed(&successor);
    world.pass(5);
    world.verify(&token).await.expect("nobody can tell yet");
    world.issuer.publish(&[&successor.key, &feed.key]);
    world.pass(1);
    assert_eq!(
        world.verify(&token).await,
        Err(Rejection::KeyWithdrawn.into())
    );
}

/// Whoever has stolen the key can sign a feed too: one that does not say that the key was withdrawn, or
/// that brings it back.
#[tokio::test]
async fn a_feed_signed_by_a_withdrawn_key_is_not_believed() {
    let (world, feed, successor) = with_successor();
    let (token, of_successor) = (world.token(&feed.key), world.token(&successor.key));
    world.verify(&token).await.expect("a good token");
    successor.record(START + 1, withdrawal_of(&feed.key));
    world.issuer.publish(&[&successor.key, &feed.key]);
    world.serve_feed(&successor);
    world.pass(5);
    world.verify(&token).await.expect_err("withdrawn");
    let forged = Feed::new(feed.key.clone(), 100);
    forged.record(START + 2, Revocation::of_token("token-1", START + 600));
    world.serve_feed(&forged);
    world.pass(5);
    world
        .verify(&of_successor)
        .await
        .expect("the forged feed is ignored");
    assert_eq!(
        world.verify(&token).await,
        Err(Rejection::KeyWithdrawn.into())
    );
    assert_eq!(world.verifier.revocation_staleness(), Some(5));
}

/// The issuer, or a cache on the way, says until when it gives out the same document.
#[tokio::test]
async fn the_feed_is_asked_again_when_there_is_a_newer_one() {
    for (cache_control, due) in [
        (Some("public, max-age=2"), 2),
        (Some("max-age=0"), 1),
        (Some("max-age=3600"), 5),
        (None, 5),
    ] {
        let (world, feed) = following(100, FeedSettings::default());
        let token = world.token(&feed.key);
        world.issuer.cache_control(cache_control);
        world.verify(&token).await.expect("a good token");
        world.issuer.asked();
        world.pass(due - 1);
        world.verify(&token).await.expect("a good token");
        assert_eq!(world.issuer.asked_cursors().len(), 0, "{cache_control:?}");
        world.pass(1);
        world.verify(&token).await.expect("a good token");
        assert_eq!(world.issuer.asked_cursors().len(), 1, "{cache_control:?}");
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
