//! Invariant 4 while an index answers, and lags behind the table: a heartbeat in it says how far.

use std::time::Duration;

use tokensmith_issuer::revocation::beat;
use tokensmith_tests::{InProcess, TestClient};
use tokensmith_verifier::{Refusal, Rejection, StalePolicy, Verifier};

use crate::revocation_views::{INTERVAL, verdict, verifiers};

const MINUTE: u64 = 60;

/// An issuer whose heartbeat beats once, its client, and a verifier that reads the feed and one that
/// reads the table.
async fn started() -> (InProcess, TestClient, [Verifier; 2]) {
    let issuer = InProcess::configured(|config| {
        config.access_ttl = Duration::from_secs(3600);
    });
    let issuer = issuer.await;
    let client = issuer.confidential("app", |_| {}).await;
    let verifiers = verifiers(&issuer, StalePolicy::default()).await;
    heart_beats(&issuer).await;
    (issuer, client, verifiers)
}

async fn heart_beats(issuer: &InProcess) {
    let beaten = beat(issuer.table(), issuer.now()).await;
    beaten.expect("it is written");
}

/// Lets so many minutes pass, with a heartbeat in each.
async fn pass_minutes(issuer: &InProcess, minutes: u64) {
    for _ in 0..minutes {
        issuer.pass(MINUTE);
        heart_beats(issuer).await;
    }
}

/// The table is healthy, and the index answers each query with what it had some minutes ago.
#[tokio::test]
async fn invariant_4_an_index_that_stands_still_hides_no_revocation() {
    for is_warm in [true, false] {
        let (issuer, client, [_, verifier]) = started().await;
        let revoked = issuer.client_credentials(&client).await.access_token();
        let other = issuer.client_credentials(&client).await.access_token();
        if is_warm {
            assert_eq!(verdict(&verifier, &revoked).await, Ok(()));
        }
        issuer.dynamo.stop_index(Some(issuer.now()));
        pass_minutes(&issuer, 4).await;
        assert_eq!(issuer.revoke(&client, &revoked).await.status, 200);
        for passed in [INTERVAL, 1, INTERVAL] {
            issuer.pass(passed);
            let refused = verdict(&verifier, &revoked).await;
            let expected = Err(Refusal::Rejected(Rejection::TokenRevoked));
            assert_eq!(refused, expected, "warm: {is_warm}");
            assert_eq!(verdict(&verifier, &other).await, Ok(()));
        }
    }
}

/// Whoever only reads the feed learns that it is old, and fails as configured.
#[tokio::test]
async fn invariant_4_the_feed_of_an_index_that_stands_still_grows_old() {
    let (issuer, client, [verifier, _]) = started().await;
    let token = issuer.client_credentials(&client).await.access_token();
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
    issuer.dynamo.stop_index(Some(issuer.now()));
    pass_minutes(&issuer, 3).await;
    assert_eq!(
        verdict(&verifier, &token).await,
        Ok(()),
        "it is young enough"
    );
    pass_minutes(&issuer, 3).await;
    let refused = verdict(&verifier, &token).await;
    assert!(
        matches!(refused, Err(Refusal::Unavailable(_))),
        "{refused:?}"
    );
    issuer.dynamo.stop_index(None);
    issuer.pass(INTERVAL);
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
}

/// What an index shows late is found although its moment has been read already.
#[tokio::test]
async fn invariant_4_what_an_index_shows_late_is_found() {
    let (issuer, client, verifiers) = started().await;
    let token = issuer.client_credentials(&client).await.access_token();
    for verifier in &verifiers {
        assert_eq!(verdict(verifier, &token).await, Ok(()));
    }
    issuer.dynamo.stop_index(Some(issuer.now()));
    issuer.pass(1);
    assert_eq!(issuer.revoke(&client, &token).await.status, 200);
    for _ in 0..10 {
        issuer.pass(INTERVAL * 2);
        for verifier in &verifiers {
            assert_eq!(
                verdict(verifier, &token).await,
                Ok(()),
                "it is not overdue yet"
            );
        }
    }
    issuer.dynamo.stop_index(None);
    issuer.pass(INTERVAL);
    for verifier in &verifiers {
        let refused = verdict(verifier, &token).await;
        assert_eq!(refused, Err(Refusal::Rejected(Rejection::TokenRevoked)));
    }
}

/// Heartbeats end when the function that writes them ends: that alone stops nobody who reads the table.
#[tokio::test]
async fn when_heartbeats_end_tokens_are_still_judged() {
    let (issuer, client, [_, verifier]) = started().await;
    let revoked = issuer.client_credentials(&client).await.access_token();
    assert_eq!(verdict(&verifier, &revoked).await, Ok(()));
    issuer.pass(10 * MINUTE);
    assert_eq!(issuer.revoke(&client, &revoked).await.status, 200);
    issuer.pass(INTERVAL);
    let refused = verdict(&verifier, &revoked).await;
    assert_eq!(refused, Err(Refusal::Rejected(Rejection::TokenRevoked)));
    let other = issuer.client_credentials(&client).await.access_token();
    assert_eq!(verdict(&verifier, &other).await, Ok(()));
}

/// A beat that is late, or from a clock that is behind, takes nothing back.
#[tokio::test]
async fn a_heartbeat_only_moves_forward() {
    let (issuer, ..) = started().await;
    let table = issuer.table();
    let last = async || {
        use tokensmith_issuer::store::records::Heartbeat;
        let found = table.reader().get(&Heartbeat::only_key()).await;
        found.expect("it is read").expect("it is there").record
    };
    let before = last().await;
    let early = issuer.now().before(Duration::from_secs(MINUTE));
    beat(table, early).await.expect("nothing happens");
    assert_eq!(last().await, before);
    issuer.pass(1);
    heart_beats(&issuer).await;
    assert_eq!(last().await.feed.feed_at, issuer.now());
}
