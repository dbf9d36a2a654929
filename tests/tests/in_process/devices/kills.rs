//! Invariant 8, of devices: whatever is killed, at whatever call, a retry finishes it, and nothing half-made matters.

use super::answering::live_grants;
use super::*;
use tokensmith_tests::faults::Fault;

/// Runs `work` and kills it at its call number `step`, before that is applied or after. `false` when it was through before.
async fn killed_at<F>(issuer: &InProcess, step: usize, applied: bool, work: F) -> bool
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let mut held = issuer.dynamo.hold();
    let task = tokio::spawn(work);
    for _ in 0..step {
        match held.recv().await {
            Some(earlier) => earlier.release(None),
            None => return false,
        }
        if task.is_finished() {
            issuer.dynamo.unhold();
            return false;
        }
    }
    let last = tokio::select! {
        last = held.recv() => last,
        _ = async { while !task.is_finished() { tokio::task::yield_now().await; } } => None,
    };
    let Some(last) = last else {
        issuer.dynamo.unhold();
        return false;
    };
    if applied {
        last.release(Some(Fault::After));
        held.recv().await.expect("the SDK's next attempt");
    }
    task.abort();
    assert!(task.await.is_err_and(|err| err.is_cancelled()));
    issuer.dynamo.unhold();
    true
}

/// How many steps a thing has, and that it has some.
fn assert_covered(steps: usize, at_least: usize) {
    assert!(steps >= at_least, "{steps} calls were killed");
}

#[tokio::test(start_paused = true)]
async fn invariant_8_a_device_that_was_not_answered_asks_anew() {
    let scene = Scene::new().await;
    let mut step = 0;
    loop {
        let mut went_on = false;
        for applied in [false, true] {
            let cold = scene.issuer.cold().await;
            let client = scene.client.clone();
            let work = async move { ask(&cold, &client, &[]).await };
            went_on = killed_at(&scene.issuer, step, applied, work).await;
            let codes = scene.ask().await;
            scene.approve(&codes).await;
            assert_eq!(scene.poll(&codes).await.status, 200, "{step}");
        }
        match went_on {
            true => step += 1,
            false => break,
        }
    }
    assert_covered(step, 2);
}

#[tokio::test(start_paused = true)]
async fn invariant_8_an_approval_that_was_killed_is_finished_by_the_next() {
    let scene = Scene::new().await;
    let mut step = 0;
    loop {
        let mut went_on = false;
        for applied in [false, true] {
            let codes = scene.ask().await;
            let request = scene.request(&codes).await;
            let cold = scene.issuer.cold().await;
            let work = {
                let request = request.clone();
                async move {
                    approve(&cold, &request, "alice", &request.scopes)
                        .await
                        .is_ok()
                }
            };
            went_on = killed_at(&scene.issuer, step, applied, work).await;
            let before = live_grants(&scene.issuer).await;
            let approved = scene.approve(&codes).await;
            let grant = scene.grant(approved).await;
            let answer = scene.poll(&codes).await;
            assert_eq!(answer.claims().grant_id, Some(grant.id.to_string()));
            // The same person and the same device: one grant, whichever of the two has made it.
            assert!(live_grants(&scene.issuer).await <= before + 1);
            assert_eq!(answer.claims().sub, "alice");
        }
        match went_on {
            true => step += 1,
            false => break,
        }
    }
    assert_covered(step, 3);
}

#[tokio::test(start_paused = true)]
async fn invariant_8_a_poll_that_was_killed_is_finished_by_the_next() {
    let scene = Scene::new().await;
    let mut step = 0;
    loop {
        let mut went_on = false;
        for applied in [false, true] {
            let codes = scene.ask().await;
            let approved = scene.approve(&codes).await;
            let (cold, client) = (scene.issuer.cold().await, scene.client.clone());
            let work = {
                let code = codes.device.clone();
                async move { poll(&cold, &client, &code, &[]).await }
            };
            went_on = killed_at(&scene.issuer, step, applied, work).await;
            scene.issuer.pass(10);
            let first = scene.issuer.cold().await;
            let first = poll(&first, &scene.client, &codes.device, &[])
                .await
                .refresh_token();
            let stored = scene.grant(approved).await;
            assert_eq!((stored.generation, stored.revoked_at), (1, None), "{step}");
            assert_eq!(scene.poll(&codes).await.refresh_token(), first, "one chain");
            let next = scene.issuer.refresh(&scene.client, &first).await;
            assert_eq!(next.status, 200);
        }
        match went_on {
            true => step += 1,
            false => break,
        }
    }
    assert_covered(step, 5);
}

/// Invariant 9: nothing is answered that was not recorded.
#[tokio::test(start_paused = true)]
async fn invariant_9_a_device_is_answered_503_while_the_table_fails() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    scene.approve(&codes).await;
    for (operation, fault) in [
        ("PutItem", Fault::Before),
        ("PutItem", Fault::Throttled),
        ("PutItem", Fault::Silence),
    ] {
        scene.issuer.dynamo.plan_for(operation, [Some(fault); 3]);
        scene.ask_with(&[]).await.assert_unavailable();
    }
    for operation in ["GetItem", "BatchGetItem", "UpdateItem"] {
        scene
            .issuer
            .dynamo
            .plan_for(operation, [Some(Fault::Throttled); 3]);
        scene.poll(&codes).await.assert_unavailable();
    }
    assert_eq!(scene.poll(&codes).await.status, 200);
}
