//! Invariant 9: what cannot be told is an error and never let through, but as far as the operator
//! wants revocations to fail open.

use tokensmith_authorizer::{Authorizer, AuthorizerConfig};
use tokensmith_tests::faults::Fault;
use tokensmith_verifier::WhenStale;

use super::support::{INTERVAL, Kind, Setup, Verdict, decide, refused};

const FAULTS: [Fault; 3] = [Fault::Before, Fault::Throttled, Fault::Unprocessed];

/// How old a view may be.
const MAX_AGE: u64 = 120;

async fn warm(setup: &Setup, kind: Kind, then: WhenStale) -> (Authorizer, serde_json::Value) {
    let configure = |config: &mut AuthorizerConfig| config.stale.then = then;
    let authorizer = setup.authorizer(kind, configure).await;
    let event = kind.event(&format!("Bearer {}", setup.token().await));
    assert!(decide(&authorizer, kind, &event).await.passes(), "{kind:?}");
    (authorizer, event)
}

#[tokio::test]
async fn an_outage_is_survived_while_the_view_is_fresh_and_then_ends_as_configured() {
    for kind in Kind::ALL {
        for then in [WhenStale::FailClosed, WhenStale::FailOpen] {
            let setup = Setup::new().await;
            let (authorizer, event) = warm(&setup, kind, then).await;
            setup.issuer.dynamo.outage(Some(Fault::Before));
            setup.issuer.pass(MAX_AGE);
            let verdict = decide(&authorizer, kind, &event).await;
            assert!(verdict.passes(), "{kind:?} {then:?}: {verdict:?}");
            setup.issuer.pass(INTERVAL);
            let verdict = decide(&authorizer, kind, &event).await;
            match then {
                WhenStale::FailClosed => assert_eq!(verdict, Verdict::Failed, "{kind:?}"),
                WhenStale::FailOpen => assert!(verdict.passes(), "{kind:?}: {verdict:?}"),
            }
            setup.issuer.dynamo.outage(None);
            setup.issuer.pass(INTERVAL);
            let verdict = decide(&authorizer, kind, &event).await;
            assert!(verdict.passes(), "{kind:?} {then:?} after it: {verdict:?}");
        }
    }
}

/// Failing open means revocations that were not heard of, and nothing else.
#[tokio::test]
async fn failing_open_lets_no_bad_token_and_no_known_revocation_through() {
    let setup = Setup::new().await;
    let kind = Kind::RestRequest;
    let (authorizer, event) = warm(&setup, kind, WhenStale::FailOpen).await;
    let revoked = setup.token().await;
    setup.issuer.revoke(&setup.client, &revoked).await;
    setup.issuer.pass(INTERVAL);
    assert!(decide(&authorizer, kind, &event).await.passes());
    setup.issuer.dynamo.outage(Some(Fault::Before));
    setup.issuer.pass(MAX_AGE + INTERVAL);
    let expired = setup.token_with(|claims| claims["exp"] = 1.into()).await;
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
            let setup = Setup::new().await;
            let token = setup.token().await;
            let event = kind.event(&format!("Bearer {token}"));
            for then in [WhenStale::FailClosed, WhenStale::FailOpen] {
                setup.issuer.dynamo.outage(None);
                let authorizer = setup.cold_authorizer(kind, |config| config.stale.then = then);
                let authorizer = authorizer.await;
                setup.issuer.dynamo.outage(Some(fault));
                authorizer.warm_up().await.expect_err("there are no keys");
                // Without keys, the policy for revocations does not matter.
                let verdict = decide(&authorizer, kind, &event).await;
                assert_eq!(verdict, Verdict::Failed, "{kind:?} {fault:?} {then:?}");
                // What needs no table is answered.
                let verdict = decide(&authorizer, kind, &kind.event("Basic x")).await;
                assert_eq!(verdict, refused(kind), "{kind:?} {fault:?} {then:?}");
            }
            setup.issuer.dynamo.outage(None);
        }
    }
}

/// It starts, and serves as soon as the table does.
#[tokio::test]
async fn an_authorizer_that_was_started_in_an_outage_recovers() {
    let setup = Setup::new().await;
    let kind = Kind::HttpSimple;
    let event = kind.event(&format!("Bearer {}", setup.token().await));
    let authorizer = setup.cold_authorizer(kind, |_| {}).await;
    setup.issuer.dynamo.outage(Some(Fault::Throttled));
    assert_eq!(decide(&authorizer, kind, &event).await, Verdict::Failed);
    setup.issuer.dynamo.outage(None);
    setup.issuer.pass(INTERVAL);
    assert!(decide(&authorizer, kind, &event).await.passes());
}

/// The answer is lost, and the SDK asks again: nobody sees it.
#[tokio::test]
async fn a_single_fault_is_not_seen() {
    for fault in [Fault::Before, Fault::After, Fault::Throttled] {
        let setup = Setup::new().await;
        let kind = Kind::HttpSimple;
        let (authorizer, event) = warm(&setup, kind, WhenStale::FailClosed).await;
        setup.issuer.pass(MAX_AGE + INTERVAL);
        setup.issuer.dynamo.plan([Some(fault)]);
        assert!(
            decide(&authorizer, kind, &event).await.passes(),
            "{fault:?}"
        );
        setup.issuer.dynamo.plan([]);
    }
}

/// API Gateway waits 10 s for an authorizer.
#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_is_a_failure_within_the_time_budget() {
    for kind in Kind::ALL {
        let setup = Setup::new().await;
        let (warm, event) = warm(&setup, kind, WhenStale::FailClosed).await;
        let cold = setup.cold_authorizer(kind, |_| {}).await;
        setup.issuer.dynamo.outage(Some(Fault::Silence));
        setup.issuer.pass(MAX_AGE + INTERVAL);
        for (name, authorizer) in [("warm", warm), ("cold", cold)] {
            let started = tokio::time::Instant::now();
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, Verdict::Failed, "{kind:?} {name}");
            let time = started.elapsed().as_secs();
            assert!(time < 8, "{kind:?} {name}: {time} s");
        }
    }
}
