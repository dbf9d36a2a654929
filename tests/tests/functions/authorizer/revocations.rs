//! Invariant 4: what was revoked is refused within the poll interval, and a request costs no call.

use tokensmith_issuer::revocation::{revoke_client, revoke_subject};
use tokensmith_tests::TestGrant;

use super::support::{Gate, INTERVAL, Kind, decide, refused};

async fn revoke(gate: &Gate, what: &str, grant: &TestGrant, token: &str) {
    let (issuer, client) = (&gate.issuer, &gate.client);
    let status = match what {
        "token" => issuer.revoke(client, token).await.status,
        "grant" => issuer.revoke(client, &grant.token).await.status,
        "client" => {
            let time = issuer.checked_time().await;
            let revoked = revoke_client(issuer.table(), &client.client_id(), &time).await;
            revoked.map_or(500, |_| 200)
        }
        "subject" => {
            let time = issuer.checked_time().await;
            let revoked = revoke_subject(issuer.table(), "alice", &time).await;
            revoked.map_or(500, |_| 200)
        }
        _ => {
            issuer
                .change_client(client, |client| client.disabled = true)
                .await;
            200
        }
    };
    assert_eq!(status, 200, "{what}");
}

#[tokio::test]
async fn invariant_4_each_kind_of_revocation_is_seen_within_the_interval() {
    for kind in Kind::ALL {
        for what in ["token", "grant", "client", "subject"] {
            let gate = Gate::new().await;
            let authorizer = gate.authorizer(kind, |_| {}).await;
            let grant = gate.issuer.grant(&gate.client, |_| {}).await;
            let answer = gate.issuer.refresh(&gate.client, &grant.token).await;
            let token = answer.access_token();
            let event = kind.event(&format!("Bearer {token}"));
            assert!(decide(&authorizer, kind, &event).await.passes(), "{kind:?}");
            revoke(&gate, what, &grant, &token).await;
            gate.issuer.pass(INTERVAL);
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, refused(kind), "{kind:?} {what}");
        }
    }
}

/// What another client or subject has lost does not concern this one.
#[tokio::test]
async fn a_revocation_concerns_nobody_else() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let authorizer = gate.authorizer(kind, |_| {}).await;
    let event = kind.event(&format!("Bearer {}", gate.token().await));
    assert!(decide(&authorizer, kind, &event).await.passes());
    let other = gate.issuer.confidential("other", |_| {}).await;
    let theirs = gate.issuer.client_credentials(&other).await.access_token();
    gate.issuer.revoke(&other, &theirs).await;
    let time = gate.issuer.checked_time().await;
    let revoked = revoke_client(gate.issuer.table(), &other.client_id(), &time).await;
    revoked.expect("it is revoked");
    gate.issuer.pass(INTERVAL);
    assert!(decide(&authorizer, kind, &event).await.passes());
    let theirs = kind.event(&format!("Bearer {theirs}"));
    assert!(!decide(&authorizer, kind, &theirs).await.passes());
}

/// Counted at the connector, retries included.
#[tokio::test]
async fn a_warm_request_costs_no_call_but_one_query_for_each_interval() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let authorizer = gate.authorizer(kind, |_| {}).await;
    let event = kind.event(&format!("Bearer {}", gate.token().await));
    assert!(decide(&authorizer, kind, &event).await.passes());
    gate.issuer.dynamo.take_calls();
    for interval in 0..6 {
        for request in 0..100 {
            assert!(decide(&authorizer, kind, &event).await.passes());
            let calls = gate.issuer.dynamo.take_calls();
            let due = interval > 0 && request == 0;
            let expected: &[&str] = if due { &["Query"] } else { &[] };
            assert_eq!(calls, expected, "interval {interval}, request {request}");
        }
        gate.issuer.pass(INTERVAL);
    }
}

/// Tokens that are bad by themselves cost nothing, whatever the interval.
#[tokio::test]
async fn a_bad_token_costs_no_call() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let authorizer = gate.authorizer(kind, |_| {}).await;
    let expired = gate.token_with(|claims| claims["exp"] = 1.into()).await;
    for value in ["", "Bearer x", &format!("Bearer {expired}")] {
        gate.issuer.pass(INTERVAL);
        let verdict = decide(&authorizer, kind, &kind.event(value)).await;
        assert_eq!(verdict, refused(kind));
        assert_eq!(gate.issuer.dynamo.take_calls(), [""; 0], "{value}");
    }
}

/// A cold view does not know: the token's own keys do, in one strongly consistent read.
#[tokio::test]
async fn a_cold_authorizer_decides_by_one_read_of_the_tokens_own_keys() {
    for what in ["nothing", "token", "grant", "client", "subject", "disabled"] {
        let gate = Gate::new().await;
        let kind = Kind::HttpSimple;
        let grant = gate.issuer.grant(&gate.client, |_| {}).await;
        let answer = gate.issuer.refresh(&gate.client, &grant.token).await;
        let token = answer.access_token();
        if what != "nothing" {
            revoke(&gate, what, &grant, &token).await;
        }
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let event = kind.event(&format!("Bearer {token}"));
        let passes = decide(&authorizer, kind, &event).await.passes();
        assert_eq!(passes, what == "nothing", "{what}");
        let mut calls = gate.issuer.dynamo.take_calls();
        calls.sort();
        assert_eq!(calls, ["BatchGetItem", "Query"], "{what}");
    }
}

/// A token works, is revoked, and is refused: 200 times against a clock that moves by seconds, and
/// each is refused within the interval.
#[tokio::test]
async fn invariant_4_of_200_revocations_each_is_seen_within_the_interval() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let authorizer = gate.authorizer(kind, |_| {}).await;
    let mut delays = Vec::new();
    for round in 0..200_u64 {
        // Revocations come at every second of the interval.
        gate.issuer.pass(round % INTERVAL);
        let token = gate.token().await;
        let event = kind.event(&format!("Bearer {token}"));
        assert!(decide(&authorizer, kind, &event).await.passes());
        assert_eq!(gate.issuer.revoke(&gate.client, &token).await.status, 200);
        let revoked_at = gate.issuer.now();
        while decide(&authorizer, kind, &event).await.passes() {
            gate.issuer.pass(1);
            let delay = gate.issuer.now().since(revoked_at).as_secs();
            assert!(
                delay <= INTERVAL,
                "round {round}: still accepted after {delay} s"
            );
        }
        delays.push(gate.issuer.now().since(revoked_at));
    }
    delays.sort();
    let at = |share: usize| delays[(delays.len() - 1) * share / 100].as_secs();
    println!(
        "revoked until refused, in seconds, 200 times, interval {INTERVAL} s: p1 {}, p50 {}, p90 {}, p99 {}, max {}",
        at(1),
        at(50),
        at(90),
        at(99),
        at(100),
    );
    // It is not the first request after the revocation that renews the view, but the first when due.
    assert!(at(50) > 0);
}
