//! The limit of a resource: as many requests as it allows pass in a window, whoever makes them, and what is refused for another
//! reason spends nothing.

use serde_json::{Value, json};
use tokensmith_authorizer::{Authorizer, AuthorizerConfig};
use tokensmith_local::make_table;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::API;

use super::support::{Gate, Kind, Verdict, ask, decide, refused};

/// An authorizer with limits before the resource, which has this one, and the event of a good request.
async fn limited(gate: &Gate, kind: Kind, limit: &str) -> (Authorizer, Value) {
    let event = kind.event(&format!("Bearer {}", gate.token().await));
    let limit = limit.parse().expect("a limit");
    let register = gate
        .issuer
        .resource(API, |resource| resource.limit = Some(limit));
    register.await;
    (limiting(gate, kind, |_| {}).await, event)
}

async fn limiting(
    gate: &Gate,
    kind: Kind,
    configure: impl FnOnce(&mut AuthorizerConfig),
) -> Authorizer {
    let table = make_table(gate.issuer.dynamo.clone())
        .await
        .expect("the table");
    let authorizer = gate.authorizer(kind, configure).await;
    gate.issuer.dynamo.take_calls();
    authorizer.limiting(table.counters())
}

#[tokio::test]
async fn a_resource_takes_its_limit_in_each_window_from_all_authorizers_together() {
    for kind in Kind::ALL {
        let gate = Gate::new().await;
        let (authorizer, event) = limited(&gate, kind, "3/1m").await;
        let other = limiting(&gate, kind, |_| {}).await;
        for window in 0..2 {
            for one in [&authorizer, &other, &authorizer] {
                let verdict = decide(one, kind, &event).await;
                assert!(verdict.passes(), "{kind:?} {window}: {verdict:?}");
            }
            gate.issuer.pass(20);
            for one in [&other, &authorizer] {
                let verdict = decide(one, kind, &event).await;
                assert_eq!(verdict, Verdict::Forbidden, "{kind:?} {window}");
                let answer = ask(one, &event).await.expect("an answer");
                let expected = json!({
                    "sub": "app", "client_id": "app", "scope": "a", "limited": true, "retry_after": 40,
                });
                assert_eq!(answer["context"], expected, "{kind:?}");
            }
            gate.issuer.pass(40);
        }
    }
}

#[tokio::test]
async fn a_token_that_is_refused_spends_nothing() {
    for kind in Kind::ALL {
        let gate = Gate::new().await;
        let (_, event) = limited(&gate, kind, "1/1m").await;
        let routes = json!({ "GET /orders/{id}": "a" }).to_string();
        let routes = routes.parse().expect("routes");
        let authorizer = limiting(&gate, kind, |config| config.routes = Some(routes)).await;
        let forged = kind.event("Bearer forged");
        let without = kind.event(&format!("Bearer {}", gate.token_with_scopes("b").await));
        for (event, verdict) in [(&forged, refused(kind)), (&without, Verdict::Forbidden)] {
            for _ in 0..3 {
                assert_eq!(decide(&authorizer, kind, event).await, verdict, "{kind:?}");
            }
        }
        assert!(decide(&authorizer, kind, &event).await.passes(), "{kind:?}");
        assert!(
            !decide(&authorizer, kind, &event).await.passes(),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_limited_costs_a_read_in_ten_seconds_and_without_limits_nothing() {
    let (gate, kind) = (Gate::new().await, Kind::HttpSimple);
    let event = kind.event(&format!("Bearer {}", gate.token().await));
    let without = gate.authorizer(kind, |_| {}).await;
    let with = limiting(&gate, kind, |_| {}).await;
    for authorizer in [&without, &with] {
        gate.warm(authorizer, kind).await;
    }
    for (passed, expected) in [(0, &[][..]), (4, &[]), (6, &["GetItem"]), (0, &[])] {
        gate.issuer.pass(passed);
        gate.issuer.dynamo.take_calls();
        for (authorizer, expected) in [(&without, &[][..]), (&with, expected)] {
            assert!(decide(authorizer, kind, &event).await.passes());
            let mut calls = gate.issuer.dynamo.take_calls();
            // The feed is polled at its own interval.
            calls.retain(|call| call != "Query");
            assert_eq!(calls, expected, "{passed}");
        }
    }
}

#[tokio::test]
async fn a_change_of_the_limit_is_seen_within_ten_seconds() {
    let (gate, kind) = (Gate::new().await, Kind::HttpSimple);
    let (authorizer, event) = limited(&gate, kind, "1/1h").await;
    assert!(decide(&authorizer, kind, &event).await.passes());
    assert!(!decide(&authorizer, kind, &event).await.passes());
    for limit in [Some("2/1h"), None] {
        let limit = limit.map(|limit| limit.parse().expect("a limit"));
        let change = gate
            .issuer
            .change_resource(API, |resource| resource.limit = limit);
        change.await;
        gate.issuer.pass(10);
        assert!(
            decide(&authorizer, kind, &event).await.passes(),
            "{limit:?}"
        );
    }
}

/// Invariant 9: what cannot be counted is not let through.
#[tokio::test]
async fn invariant_9_while_no_permit_can_be_leased_no_request_to_a_limited_resource_passes() {
    for kind in Kind::ALL {
        let gate = Gate::new().await;
        let (authorizer, event) = limited(&gate, kind, "2/1h").await;
        assert!(decide(&authorizer, kind, &event).await.passes());
        for operation in ["UpdateItem", "GetItem"] {
            gate.issuer.pass(10);
            gate.issuer
                .dynamo
                .plan_for(operation, [Some(Fault::Before); 3]);
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, Verdict::Failed, "{kind:?}, {operation}");
            gate.issuer.dynamo.plan_for(operation, []);
        }
        assert!(decide(&authorizer, kind, &event).await.passes());
    }
}
