//! Invariant 9: when DynamoDB is slow, throttled or down, also at cold start, the answer is 503
//! within the time budget and nothing is issued unrecorded. Time is tokio's paused clock.

use std::time::Duration;

use tokensmith_tests::faults::Fault;
use tokensmith_tests::{Answer, InProcess, TestClient};
use tokensmith_verifier::paths;
use tokio::time::Instant;

/// How the table can be away.
const OUTAGES: [Fault; 4] = [
    Fault::Before,
    Fault::Silence,
    Fault::Throttled,
    Fault::Unprocessed,
];

struct Tokens {
    refresh: String,
    predecessor: String,
    access: String,
}

async fn some_tokens(issuer: &InProcess, client: &TestClient) -> Tokens {
    let grant = issuer.grant(client, |_| {}).await;
    let answer = issuer.refresh(client, &grant.token).await;
    Tokens {
        refresh: answer.refresh_token(),
        predecessor: grant.token,
        access: answer.access_token(),
    }
}

/// Everything that needs the table even when keys and client are cached.
async fn ask_all(issuer: &InProcess, client: &TestClient, tokens: &Tokens) -> Vec<Answer> {
    vec![
        issuer.refresh(client, &tokens.refresh).await,
        issuer.refresh(client, &tokens.predecessor).await,
        issuer.introspect(client, &tokens.access).await,
        issuer.introspect(client, &tokens.refresh).await,
        issuer.revoke(client, &tokens.access).await,
        issuer.revoke(client, &tokens.refresh).await,
    ]
}

#[tokio::test(start_paused = true)]
async fn invariant_9_an_outage_is_503_within_the_time_budget_warm_and_cold() {
    for outage in OUTAGES {
        let issuer = InProcess::start().await;
        let client = issuer.confidential("app", |_| {}).await;
        let tokens = some_tokens(&issuer, &client).await;
        let before = issuer.items().await;
        for function in [&issuer, &issuer.cold().await] {
            issuer.dynamo.outage(Some(outage));
            let started = Instant::now();
            let answers = ask_all(function, &client, &tokens).await;
            let budget = issuer.config.request_timeout * answers.len() as u32;
            assert!(started.elapsed() <= budget, "{outage:?}");
            for answer in &answers {
                answer.assert_unavailable();
                assert!(!answer.body.contains("planned"), "an inner error shows");
            }
            issuer.dynamo.outage(None);
            assert_eq!(
                issuer.items().await,
                before,
                "{outage:?}: nothing half-done"
            );
        }
        // It recovers by itself.
        for function in [&issuer, &issuer.cold().await] {
            let answer = function.refresh(&client, &tokens.refresh).await;
            assert_eq!(answer.status, 200, "{outage:?}: {}", answer.body);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_9_a_cold_function_in_an_outage_fails_no_differently_for_a_stranger() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let tokens = some_tokens(&issuer, &client).await;
    for outage in OUTAGES {
        let cold = issuer.cold().await;
        issuer.dynamo.outage(Some(outage));
        let unknown = client.called("nobody");
        for stranger in [&client.with_wrong_secret(), &unknown] {
            let answer = cold.refresh(stranger, &tokens.refresh).await;
            answer.assert_unavailable();
        }
        issuer.dynamo.outage(None);
    }
}

/// Slow answers add up to the time limit of the request, not to the sum of all the SDK's.
#[tokio::test(start_paused = true)]
async fn invariant_9_slow_answers_end_at_the_time_limit_of_the_request() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let cold = issuer.cold().await;
    let two_lost = [Some(Fault::Silence), Some(Fault::Silence), None];
    for operation in ["Query", "GetItem", "BatchGetItem", "UpdateItem"] {
        issuer.dynamo.plan_for(operation, two_lost);
    }
    let started = Instant::now();
    let answer = cold.refresh(&client, &grant.token).await;
    answer.assert_unavailable();
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    assert_eq!(issuer.stored(&grant).await.generation, 1);
    for operation in ["Query", "GetItem", "BatchGetItem", "UpdateItem"] {
        issuer.dynamo.plan_for(operation, []);
    }
    let retried = cold.refresh(&client, &grant.token).await;
    assert_eq!(retried.status, 200, "{}", retried.body);
}

/// Invariant 9: nothing is issued unrecorded. A refresh whose write fails hands out nothing.
#[tokio::test(start_paused = true)]
async fn invariant_9_a_refresh_that_cannot_write_hands_out_nothing() {
    for fault in OUTAGES {
        let issuer = InProcess::start().await;
        let client = issuer.confidential("app", |_| {}).await;
        let grant = issuer.grant(&client, |_| {}).await;
        issuer.dynamo.plan_for("UpdateItem", vec![Some(fault); 3]);
        let answer = issuer.refresh(&client, &grant.token).await;
        answer.assert_unavailable();
        let json = answer.json();
        assert!(json.get("access_token").is_none() && json.get("refresh_token").is_none());
        assert_eq!(issuer.stored(&grant).await.generation, 1);
    }
}

/// What needs no table goes on: keys that are cached, a client that is cached.
#[tokio::test(start_paused = true)]
async fn invariant_9_what_is_cached_goes_on_in_an_outage() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    issuer.client_credentials(&client).await;
    issuer.dynamo.outage(Some(Fault::Silence));
    assert_eq!(issuer.client_credentials(&client).await.status, 200);
    issuer.pass(10);
    issuer
        .client_credentials(&client)
        .await
        .assert_unavailable();
}

/// A refusal is checked against the table, so without a table it is a 503, never a wrong 400.
#[tokio::test(start_paused = true)]
async fn invariant_9_a_refusal_that_cannot_be_checked_is_503() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let tokens = some_tokens(&issuer, &client).await;
    issuer.pass(1);
    issuer.dynamo.outage(Some(Fault::Before));
    let answer = issuer
        .refresh(&client.with_wrong_secret(), &tokens.refresh)
        .await;
    answer.assert_unavailable();
    issuer.dynamo.outage(None);
    let answer = issuer
        .refresh(&client.with_wrong_secret(), &tokens.refresh)
        .await;
    assert_eq!(answer.error(), (401, "invalid_client".into()));
}

#[tokio::test(start_paused = true)]
async fn garbage_is_refused_in_an_outage_too() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let cold = issuer.cold().await;
    issuer.dynamo.outage(Some(Fault::Silence));
    let refused = cold.refresh(&client, "tksmr_garbage").await;
    assert_eq!(refused.error(), (400, "invalid_grant".into()));
    let form = [("grant_type", "nothing")];
    let refused = cold.post(paths::TOKEN, &client, &form).await;
    assert_eq!(refused.error(), (400, "unsupported_grant_type".into()));
}
