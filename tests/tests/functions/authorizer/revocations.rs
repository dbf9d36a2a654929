//! Invariant 4: what was revoked is refused within the poll interval, and a request costs no call.

use tokensmith_issuer::revocation::{revoke_client, revoke_subject};
use tokensmith_tests::TestGrant;

use super::support::{INTERVAL, Kind, Setup, decide, refused};

async fn revoke(setup: &Setup, what: &str, grant: &TestGrant, token: &str) {
    let (issuer, client) = (&setup.issuer, &setup.client);
    let status = match what {
        "token" => issuer.revoke(client, token).await.status,
        "grant" => issuer.revoke(client, &grant.token).await.status,
        "client" => {
            let revoked = revoke_client(issuer.table(), &client.client_id(), &issuer.clock()).await;
            revoked.map_or(500, |_| 200)
        }
        "subject" => {
            let revoked = revoke_subject(issuer.table(), "alice", &issuer.clock()).await;
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
            let setup = Setup::new().await;
            let authorizer = setup.authorizer(kind, |_| {}).await;
            let grant = setup.issuer.grant(&setup.client, |_| {}).await;
            let answer = setup.issuer.refresh(&setup.client, &grant.token).await;
            let token = answer.access_token();
            let event = kind.event(&format!("Bearer {token}"));
            assert!(decide(&authorizer, kind, &event).await.passes(), "{kind:?}");
            revoke(&setup, what, &grant, &token).await;
            setup.issuer.pass(INTERVAL);
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, refused(kind), "{kind:?} {what}");
        }
    }
}

/// What another client or subject has lost does not concern this one.
#[tokio::test]
async fn a_revocation_concerns_nobody_else() {
    let setup = Setup::new().await;
    let kind = Kind::HttpSimple;
    let authorizer = setup.authorizer(kind, |_| {}).await;
    let event = kind.event(&format!("Bearer {}", setup.token().await));
    assert!(decide(&authorizer, kind, &event).await.passes());
    let other = setup.issuer.confidential("other", |_| {}).await;
    let theirs = setup.issuer.client_credentials(&other).await.access_token();
    setup.issuer.revoke(&other, &theirs).await;
    let clock = setup.issuer.clock();
    let revoked = revoke_client(setup.issuer.table(), &other.client_id(), &clock).await;
    revoked.expect("it is revoked");
    setup.issuer.pass(INTERVAL);
    assert!(decide(&authorizer, kind, &event).await.passes());
    let theirs = kind.event(&format!("Bearer {theirs}"));
    assert!(!decide(&authorizer, kind, &theirs).await.passes());
}

/// Counted at the connector, retries included.
#[tokio::test]
async fn a_warm_request_costs_no_call_but_one_query_for_each_interval() {
    let setup = Setup::new().await;
    let kind = Kind::HttpSimple;
    let authorizer = setup.authorizer(kind, |_| {}).await;
    let event = kind.event(&format!("Bearer {}", setup.token().await));
    assert!(decide(&authorizer, kind, &event).await.passes());
    setup.issuer.dynamo.take_calls();
    for interval in 0..6 {
        for request in 0..100 {
            assert!(decide(&authorizer, kind, &event).await.passes());
            let calls = setup.issuer.dynamo.take_calls();
            let due = interval > 0 && request == 0;
            let expected: &[&str] = if due { &["Query"] } else { &[] };
            assert_eq!(calls, expected, "interval {interval}, request {request}");
        }
        setup.issuer.pass(INTERVAL);
    }
}

/// Tokens that are bad by themselves cost nothing, whatever the interval.
#[tokio::test]
async fn a_bad_token_costs_no_call() {
    let setup = Setup::new().await;
    let kind = Kind::HttpSimple;
    let authorizer = setup.authorizer(kind, |_| {}).await;
    let expired = setup.token_with(|claims| claims["exp"] = 1.into()).await;
    for value in ["", "Bearer x", &format!("Bearer {expired}")] {
        setup.issuer.pass(INTERVAL);
        let verdict = decide(&authorizer, kind, &kind.event(value)).await;
        assert_eq!(verdict, refused(kind));
        assert_eq!(setup.issuer.dynamo.take_calls(), [""; 0], "{value}");
    }
}

/// A cold view does not know: the token's own keys do, in one strongly consistent read.
#[tokio::test]
async fn a_cold_authorizer_decides_by_one_read_of_the_tokens_own_keys() {
    for what in ["nothing", "token", "grant", "client", "subject", "disabled"] {
        let setup = Setup::new().await;
        let kind = Kind::HttpSimple;
        let grant = setup.issuer.grant(&setup.client, |_| {}).await;
        let answer = setup.issuer.refresh(&setup.client, &grant.token).await;
        let token = answer.access_token();
        if what != "nothing" {
            revoke(&setup, what, &grant, &token).await;
        }
        let authorizer = setup.authorizer(kind, |_| {}).await;
        let event = kind.event(&format!("Bearer {token}"));
        let passes = decide(&authorizer, kind, &event).await.passes();
        assert_eq!(passes, what == "nothing", "{what}");
        let mut calls = setup.issuer.dynamo.take_calls();
        calls.sort();
        assert_eq!(calls, ["BatchGetItem", "Query"], "{what}");
    }
}

/// A token works, is revoked, and is refused: 200 times against a clock that moves by seconds, and
/// each is refused within the interval.
#[tokio::test]
async fn invariant_4_of_200_revocations_each_is_seen_within_the_interval() {
    let setup = Setup::new().await;
    let kind = Kind::HttpSimple;
    let authorizer = setup.authorizer(kind, |_| {}).await;
    let mut delays = Vec::new();
    for round in 0..200_u64 {
        // Revocations come at every second of the interval.
        setup.issuer.pass(round % INTERVAL);
        let token = setup.token().await;
        let event = kind.event(&format!("Bearer {token}"));
        assert!(decide(&authorizer, kind, &event).await.passes());
        assert_eq!(setup.issuer.revoke(&setup.client, &token).await.status, 200);
        let revoked_at = setup.issuer.now();
        while decide(&authorizer, kind, &event).await.passes() {
            setup.issuer.pass(1);
            let delay = setup.issuer.now().since(revoked_at).as_secs();
            assert!(
                delay <= INTERVAL,
                "round {round}: still accepted after {delay} s"
            );
        }
        delays.push(setup.issuer.now().since(revoked_at));
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
