//! Invariant 9: what cannot be told is an error and never let through, but as far as the operator
//! wants revocations to fail open.

use tokensmith_authorizer::{Authorizer, AuthorizerConfig};
use tokensmith_tests::faults::Fault;
use tokensmith_verifier::WhenStale;

use super::support::{Gate, INTERVAL, Kind, Verdict, decide, refused};

const FAULTS: [Fault; 3] = [Fault::Before, Fault::Throttled, Fault::Unprocessed];

/// How old a view may be.
const MAX_AGE: u64 = 120;

async fn warm(gate: &Gate, kind: Kind, then: WhenStale) -> (Authorizer, serde_json::Value) {
    let configure = |config: &mut AuthorizerConfig| config.stale.then = then;
    let authorizer = gate.authorizer(kind, configure).await;
    let event = kind.event(&format!("Bearer {}", gate.token().await));
    assert!(decide(&authorizer, kind, &event).await.passes(), "{kind:?}");
    (authorizer, event)
}

#[tokio::test]
async fn an_outage_is_survived_while_the_view_is_fresh_and_then_ends_as_configured() {
    for kind in Kind::ALL {
        for then in [WhenStale::FailClosed, WhenStale::FailOpen] {
            let gate = Gate::new().await;
            let (authorizer, event) = warm(&gate, kind, then).await;
            gate.issuer.dynamo.outage(Some(Fault::Before));
            gate.issuer.pass(MAX_AGE);
            let verdict = decide(&authorizer, kind, &event).await;
            assert!(verdict.passes(), "{kind:?} {then:?}: {verdict:?}");
            gate.issuer.pass(INTERVAL);
            let verdict = decide(&authorizer, kind, &event).await;
            match then {
                WhenStale::FailClosed => assert_eq!(verdict, Verdict::Failed, "{kind:?}"),
                WhenStale::FailOpen => assert!(verdict.passes(), "{kind:?}: {verdict:?}"),
            }
            gate.issuer.dynamo.outage(None);
            gate.issuer.pass(INTERVAL);
            let verdict = decide(&authorizer, kind, &event).await;
            assert!(verdict.passes(), "{kind:?} {then:?} after it: {verdict:?}");
        }
    }
}

/// The index has a capacity of its own: while it is throttled, the table still says what was revoked.
#[tokio::test]
async fn invariant_4_a_throttled_index_hides_no_revocation_and_stops_nobody() {
    let gate = Gate::new().await;
    let kind = Kind::RestRequest;
    let (authorizer, event) = warm(&gate, kind, WhenStale::FailClosed).await;
    let revoked = format!("Bearer {}", gate.token().await);
    assert_eq!(
        gate.issuer
            .revoke(&gate.client, &revoked["Bearer ".len()..])
            .await
            .status,
        200
    );
    gate.issuer.dynamo.throttle_index(true);
    for passed in [INTERVAL, 1, INTERVAL, MAX_AGE] {
        gate.issuer.pass(passed);
        let verdict = decide(&authorizer, kind, &kind.event(&revoked)).await;
        assert_eq!(verdict, refused(kind), "{passed}");
        let verdict = decide(&authorizer, kind, &event).await;
        assert!(verdict.passes(), "{passed}: {verdict:?}");
    }
}

/// Failing open means revocations that were not heard of, and nothing else.
#[tokio::test]
async fn failing_open_lets_no_bad_token_and_no_known_revocation_through() {
    let gate = Gate::new().await;
    let kind = Kind::RestRequest;
    let (authorizer, event) = warm(&gate, kind, WhenStale::FailOpen).await;
    let revoked = gate.token().await;
    gate.issuer.revoke(&gate.client, &revoked).await;
    gate.issuer.pass(INTERVAL);
    assert!(decide(&authorizer, kind, &event).await.passes());
    gate.issuer.dynamo.outage(Some(Fault::Before));
    gate.issuer.pass(MAX_AGE + INTERVAL);
    let expired = gate.token_with(|claims| claims["exp"] = 1.into()).await;
    for token in [revoked, expired, "no.such.token".to_owned()] {
        let verdict = decide(&authorizer, kind, &kind.event(&format!("Bearer {token}"))).await;
        assert_eq!(verdict, refused(kind), "{token}");
    }
    assert!(decide(&authorizer, kind, &event).await.passes());
}

#[tokio::test]
async fn a_cold_authorizer_in_an_outage_lets_nothing_through_that_it_cannot_prove() {
    for kind in Kind::ALL {
        for fault in FAULTS {
            let gate = Gate::new().await;
            let token = gate.token().await;
            let event = kind.event(&format!("Bearer {token}"));
            for then in [WhenStale::FailClosed, WhenStale::FailOpen] {
                gate.issuer.dynamo.outage(None);
                let authorizer = gate.cold_authorizer(kind, |config| config.stale.then = then);
                let authorizer = authorizer.await;
                gate.issuer.dynamo.outage(Some(fault));
                authorizer.warm_up().await.expect_err("there are no keys");
                // Without keys, the policy for revocations does not matter.
                let verdict = decide(&authorizer, kind, &event).await;
                assert_eq!(verdict, Verdict::Failed, "{kind:?} {fault:?} {then:?}");
                // What needs no table is answered.
                let verdict = decide(&authorizer, kind, &kind.event("Basic x")).await;
                assert_eq!(verdict, refused(kind), "{kind:?} {fault:?} {then:?}");
            }
            gate.issuer.dynamo.outage(None);
        }
    }
}

/// It starts, and serves as soon as the table does.
#[tokio::test]
async fn an_authorizer_that_was_started_in_an_outage_recovers() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let event = kind.event(&format!("Bearer {}", gate.token().await));
    let authorizer = gate.cold_authorizer(kind, |_| {}).await;
    gate.issuer.dynamo.outage(Some(Fault::Throttled));
    assert_eq!(decide(&authorizer, kind, &event).await, Verdict::Failed);
    gate.issuer.dynamo.outage(None);
    gate.issuer.pass(INTERVAL);
    assert!(decide(&authorizer, kind, &event).await.passes());
}

/// The answer is lost, and the SDK asks again: nobody sees it.
#[tokio::test]
async fn a_single_fault_is_not_seen() {
    for fault in [Fault::Before, Fault::After, Fault::Throttled] {
        let gate = Gate::new().await;
        let kind = Kind::HttpSimple;
        let (authorizer, event) = warm(&gate, kind, WhenStale::FailClosed).await;
        gate.issuer.pass(MAX_AGE + INTERVAL);
        gate.issuer.dynamo.plan([Some(fault)]);
        assert!(
            decide(&authorizer, kind, &event).await.passes(),
            "{fault:?}"
        );
        gate.issuer.dynamo.plan([]);
    }
}

/// API Gateway waits 10 s for an authorizer.
#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_is_a_failure_within_the_time_budget() {
    for kind in Kind::ALL {
        let gate = Gate::new().await;
        let (warm, event) = warm(&gate, kind, WhenStale::FailClosed).await;
        let cold = gate.cold_authorizer(kind, |_| {}).await;
        gate.issuer.dynamo.outage(Some(Fault::Silence));
        gate.issuer.pass(MAX_AGE + INTERVAL);
        for (name, authorizer) in [("warm", warm), ("cold", cold)] {
            let started = tokio::time::Instant::now();
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, Verdict::Failed, "{kind:?} {name}");
            let time = started.elapsed().as_secs();
            assert!(time < 8, "{kind:?} {name}: {time} s");
        }
    }
}
