//! Invariant 4 while only a part of the table can be read: what that part revokes is revoked.

use std::iter::repeat_n;

use tokensmith_tests::faults::Fault;
use tokensmith_tests::{InProcess, TestClient};
use tokensmith_verifier::{Refusal, Rejection, StalePolicy, Verifier, WhenStale};

use crate::revocation_views::{INTERVAL, verdict, verifiers};

/// An issuer, its client, and a verifier that reads the table and accepts tokens while it cannot.
async fn started() -> (InProcess, TestClient, Verifier) {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let stale = StalePolicy {
        then: WhenStale::FailOpen,
        ..StalePolicy::default()
    };
    let [_, verifier] = verifiers(&issuer, stale).await;
    (issuer, client, verifier)
}

/// No query is answered, neither of the index nor of the signing keys; the token's records are.
#[tokio::test]
async fn invariant_4_a_token_is_revoked_by_its_own_records_while_no_key_can_be_read() {
    for is_warm in [true, false] {
        let (issuer, client, verifier) = started().await;
        let revoked = issuer.client_credentials(&client).await.access_token();
        let other = issuer.client_credentials(&client).await.access_token();
        // Even no token at all makes it read the published keys, and leaves the view cold.
        let first = if is_warm { revoked.as_str() } else { "" };
        assert_eq!(verdict(&verifier, first).await.is_ok(), is_warm);
        assert_eq!(issuer.revoke(&client, &revoked).await.status, 200);
        issuer.pass(INTERVAL);
        let queries = repeat_n(Some(Fault::Throttled), 1000);
        issuer.dynamo.plan_for("Query", queries);
        let refused = verdict(&verifier, &revoked).await;
        let expected = Err(Refusal::Rejected(Rejection::TokenRevoked));
        assert_eq!(refused, expected, "warm: {is_warm}");
        assert_eq!(verdict(&verifier, &other).await, Ok(()));
    }
}

/// The token's records cannot be read, and neither can the index; the signing keys can.
#[tokio::test]
async fn invariant_4_a_withdrawn_key_is_refused_while_no_record_of_the_token_can_be_read() {
    let (issuer, client, verifier) = started().await;
    let token = issuer.client_credentials(&client).await.access_token();
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
    let replaced = issuer.administrator().replace_keys(Vec::new()).await;
    replaced.expect("replaced");
    issuer.pass(INTERVAL);
    issuer.dynamo.throttle_index(true);
    let reads = repeat_n(Some(Fault::Throttled), 1000);
    issuer.dynamo.plan_for("BatchGetItem", reads);
    let refused = verdict(&verifier, &token).await;
    assert_eq!(refused, Err(Refusal::Rejected(Rejection::KeyWithdrawn)));
}

/// The query that was due has failed: from then on nobody is answered by the view, although it is as old as
/// it may be.
#[tokio::test]
async fn invariant_4_a_view_whose_query_was_due_and_failed_decides_no_more() {
    let (issuer, client, verifier) = started().await;
    let revoked = issuer.client_credentials(&client).await.access_token();
    let other = issuer.client_credentials(&client).await.access_token();
    assert_eq!(verdict(&verifier, &revoked).await, Ok(()));
    assert_eq!(issuer.revoke(&client, &revoked).await.status, 200);
    issuer.dynamo.throttle_index(true);
    issuer.pass(INTERVAL);
    assert_eq!(
        verdict(&verifier, &other).await,
        Ok(()),
        "it asks the index"
    );
    let refused = verdict(&verifier, &revoked).await;
    assert_eq!(refused, Err(Refusal::Rejected(Rejection::TokenRevoked)));
}

/// So a token that is presented without end takes no other token's reads, and its revocation is still seen
/// within the interval.
#[tokio::test]
async fn invariant_4_while_the_index_is_throttled_each_token_is_read_once_in_an_interval() {
    let (issuer, client, verifier) = started().await;
    let often = issuer.client_credentials(&client).await.access_token();
    let seldom = issuer.client_credentials(&client).await.access_token();
    assert_eq!(verdict(&verifier, &often).await, Ok(()));
    assert_eq!(issuer.revoke(&client, &seldom).await.status, 200);
    issuer.dynamo.throttle_index(true);
    issuer.pass(INTERVAL);
    issuer.dynamo.take_calls();
    for _ in 0..1000 {
        assert_eq!(verdict(&verifier, &often).await, Ok(()));
    }
    let calls = issuer.dynamo.take_calls();
    let reads = calls.iter().filter(|call| *call == "BatchGetItem").count();
    assert_eq!(reads, 1, "{calls:?}");
    let refused = verdict(&verifier, &seldom).await;
    assert_eq!(refused, Err(Refusal::Rejected(Rejection::TokenRevoked)));

    assert_eq!(issuer.revoke(&client, &often).await.status, 200);
    issuer.pass(INTERVAL);
    let refused = verdict(&verifier, &often).await;
    assert_eq!(refused, Err(Refusal::Rejected(Rejection::TokenRevoked)));
}
