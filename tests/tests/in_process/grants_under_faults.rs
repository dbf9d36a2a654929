//! Invariant 8: losing an answer, or killing a function, at any point leaves nothing that a retry
//! does not finish. Time is tokio's paused clock: what waits for a time limit costs no time.

use tokensmith_tests::faults::Fault;
use tokensmith_tests::{Answer, InProcess, TestClient, TestGrant};

const FAULTS: [Fault; 5] = [
    Fault::Before,
    Fault::After,
    Fault::Silence,
    Fault::Throttled,
    Fault::Unprocessed,
];

/// The SDK makes three attempts.
const ATTEMPTS: usize = 3;

/// What a cold refresh calls, in this order.
const COLD_REFRESH: [&str; 6] = [
    "Query",
    "Query",
    "GetItem",
    "BatchGetItem",
    "GetItem",
    "UpdateItem",
];

/// Faults for the attempts of the operation at `step`: so many, and then it works.
fn at_step(step: usize, fault: Fault, times: usize) -> Vec<Option<Fault>> {
    let mut plan = vec![None; step];
    plan.extend(vec![Some(fault); times]);
    plan
}

/// Every fault at every step, as long as some attempt is left, and until none is.
fn every_fault(steps: usize) -> Vec<(usize, Fault, usize)> {
    let mut all = Vec::new();
    for step in 0..steps {
        for fault in FAULTS {
            for times in 1..=ATTEMPTS {
                all.push((step, fault, times));
            }
        }
    }
    all
}

/// `Unprocessed` is an answer: the SDK does not repeat it.
fn is_fatal(operation: &str, fault: Fault, times: usize) -> bool {
    times == ATTEMPTS || (fault == Fault::Unprocessed && operation == "BatchGetItem")
}

async fn new_grant(issuer: &InProcess, client: &TestClient) -> TestGrant {
    let grant = issuer.grant(client, |_| {}).await;
    issuer.dynamo.take_calls();
    grant
}

/// The one thing that may have become of the grant: it is where its first refresh has brought it.
async fn assert_single_chain(issuer: &InProcess, grant: &TestGrant, answer: &Answer) {
    let successor = issuer.credential(grant, 2, 1).await;
    assert_eq!(answer.refresh_token(), successor);
    let stored = issuer.stored(grant).await;
    assert_eq!((stored.generation, stored.revoked_at), (2, None));
}

#[tokio::test(start_paused = true)]
async fn invariant_8_a_refresh_whose_answer_was_lost_at_any_step_is_finished_by_its_retry() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    for (step, fault, times) in every_fault(COLD_REFRESH.len()) {
        let case = format!("{fault:?} at {step}, {times} times");
        let grant = new_grant(&issuer, &client).await;
        let function = issuer.cold().await;
        issuer.dynamo.plan(at_step(step, fault, times));
        let answer = function.refresh(&client, &grant.token).await;
        if is_fatal(COLD_REFRESH[step], fault, times) {
            answer.assert_unavailable();
            let applied = COLD_REFRESH[step] == "UpdateItem" && fault == Fault::After;
            let generation = issuer.stored(&grant).await.generation;
            assert_eq!(generation, if applied { 2 } else { 1 }, "{case}");
        } else {
            assert_single_chain(&issuer, &grant, &answer).await;
        }
        issuer.dynamo.plan([]);
        for retrying in [&function, &issuer.cold().await] {
            let retried = retrying.refresh(&client, &grant.token).await;
            assert_single_chain(&issuer, &grant, &retried).await;
        }
        let successor = issuer.credential(&grant, 2, 1).await;
        let next = function.refresh(&client, &successor).await;
        assert_eq!(next.status, 200, "{case}");
        assert_eq!(issuer.stored(&grant).await.generation, 3, "{case}");
    }
}

/// The SDK repeats a write that was applied: its own attempt id tells that it was.
#[tokio::test(start_paused = true)]
async fn invariant_8_a_write_whose_answer_was_lost_is_recognised_as_our_own() {
    let issuer = InProcess::start().await;
    // Without a grace, taking our own write for somebody else's would revoke the grant.
    let never = tokensmith_issuer::store::records::RefreshGrace::Seconds(0);
    let client = issuer
        .confidential("app", |client| client.refresh_grace = Some(never))
        .await;
    for times in 1..ATTEMPTS {
        let grant = new_grant(&issuer, &client).await;
        issuer
            .dynamo
            .plan_for("UpdateItem", vec![Some(Fault::After); times]);
        let answer = issuer.refresh(&client, &grant.token).await;
        assert_single_chain(&issuer, &grant, &answer).await;
        let writes = issuer.dynamo.take_calls();
        let writes = writes.iter().filter(|name| *name == "UpdateItem");
        assert_eq!(writes.count(), times + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_8_a_killed_function_leaves_what_the_retry_finishes() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    for step in 0..COLD_REFRESH.len() {
        for applied in [false, true] {
            let grant = new_grant(&issuer, &client).await;
            let function = issuer.cold().await;
            let mut held = issuer.dynamo.hold();
            let request = tokio::spawn({
                let (function, client) = (function.clone(), client.clone());
                let token = grant.token.clone();
                async move { function.refresh(&client, &token).await }
            });
            for operation in &COLD_REFRESH[..step] {
                let earlier = held.recv().await.expect("an attempt");
                assert_eq!(earlier.operation, *operation);
                earlier.release(None);
            }
            let last = held.recv().await.expect("an attempt");
            assert_eq!(last.operation, COLD_REFRESH[step]);
            if applied {
                last.release(Some(Fault::After));
                // It was applied when its repetition comes.
                held.recv().await.expect("the SDK's next attempt");
            }
            request.abort();
            assert!(request.await.expect_err("killed").is_cancelled());
            issuer.dynamo.unhold();
            let retried = issuer.cold().await.refresh(&client, &grant.token).await;
            assert_single_chain(&issuer, &grant, &retried).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_8_the_revocation_of_a_reused_grant_is_finished_by_the_next_reuse() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    for (step, fault, times) in every_fault(2) {
        let grant = new_grant(&issuer, &client).await;
        let second = issuer.refresh(&client, &grant.token).await.refresh_token();
        issuer.refresh(&client, &second).await;
        issuer.dynamo.plan(at_step(step, fault, times));
        let answer = issuer.refresh(&client, &grant.token).await;
        issuer.dynamo.plan([]);
        if is_fatal(["BatchGetItem", "UpdateItem"][step], fault, times) {
            answer.assert_unavailable();
            let again = issuer.refresh(&client, &grant.token).await;
            assert_eq!(again.error(), (400, "invalid_grant".into()));
        } else {
            assert_eq!(answer.error(), (400, "invalid_grant".into()));
        }
        assert!(issuer.stored(&grant).await.revoked_at.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_8_no_acknowledged_revocation_is_lost_and_none_is_half_done() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    for of_grant in [true, false] {
        for (_, fault, times) in every_fault(1) {
            let grant = new_grant(&issuer, &client).await;
            let answer = issuer.refresh(&client, &grant.token).await;
            let token = match of_grant {
                true => answer.refresh_token(),
                false => answer.access_token(),
            };
            issuer.dynamo.plan(at_step(0, fault, times));
            let revoked = issuer.revoke(&client, &token).await;
            issuer.dynamo.plan([]);
            match times < ATTEMPTS {
                true => assert_eq!(revoked.status, 200),
                false => {
                    revoked.assert_unavailable();
                    let active = issuer.is_active(&client, &token).await;
                    assert_eq!(active, fault != Fault::After, "{fault:?}: all or nothing");
                    assert_eq!(issuer.revoke(&client, &token).await.status, 200);
                }
            }
            assert!(!issuer.is_active(&client, &token).await);
            assert!(!issuer.is_active(&client, &answer.access_token()).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_8_an_introspection_is_right_or_503() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = new_grant(&issuer, &client).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    for (_, fault, times) in every_fault(1) {
        for token in [answer.access_token(), answer.refresh_token()] {
            issuer.dynamo.plan(at_step(0, fault, times));
            let judged = issuer.introspect(&client, &token).await;
            issuer.dynamo.plan([]);
            match is_fatal("BatchGetItem", fault, times) {
                true => judged.assert_unavailable(),
                false => assert_eq!(judged.json()["active"], true),
            }
        }
    }
}
