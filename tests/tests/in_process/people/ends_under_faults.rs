//! Invariant 8, of what people end: whatever is killed, at whatever call, repeating it finishes it, and nothing half-ended stays.

use super::*;
use tokensmith_tests::faults::Fault;

const NEW: &str = "a quite different phrase";

/// Alice in two browsers, with a grant given in each.
struct Two {
    scene: Scene,
    here: Browser,
    there: Browser,
    given_here: TestGrant,
    given_there: TestGrant,
    page: Answer,
}

impl Two {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let there = scene.browser_of("alice").await;
        let id_there = there.session();
        let mut here = scene.browser_of("alice").await;
        let id_here = here.session();
        Self {
            given_here: scene.grant_in(Some(&id_here), "openid", |_| {}).await,
            given_there: scene.grant_in(Some(&id_there), "openid", |_| {}).await,
            page: here.account(&scene.issuer).await,
            scene,
            here,
            there,
        }
    }

    /// Sends a form of the page, at a function that is killed at its call number `step`. `false` when it was through before.
    async fn killed_at(&self, step: usize, applied: bool, fields: &'static [(&str, &str)]) -> bool {
        let (cold, mut browser, page) = (
            self.scene.cold().await,
            self.here.clone(),
            self.page.clone(),
        );
        let mut held = self.scene.issuer.dynamo.hold();
        let task = tokio::spawn(async move {
            let (action, more) = fields.split_first().expect("an action");
            browser.act(&cold.issuer, &page, action.1, more).await
        });
        let mut calls = 0;
        let killed = loop {
            let call = tokio::select! {
                call = held.recv() => call.expect("the hold is ours"),
                _ = ended(&task) => break false,
            };
            if calls < step {
                calls += 1;
                call.release(None);
                continue;
            }
            if applied {
                call.release(Some(Fault::After));
                held.recv().await.expect("the SDK's next attempt");
            }
            break true;
        };
        task.abort();
        let end = task.await;
        assert_eq!(end.is_err(), killed);
        self.scene.issuer.dynamo.unhold();
        killed
    }

    /// Does the same once more in the browser, as far as it is signed in.
    async fn repeat(&mut self, fields: &[(&str, &str)]) -> Answer {
        let (action, more) = fields.split_first().expect("an action");
        self.here
            .act(&self.scene.issuer, &self.page, action.1, more)
            .await
    }

    async fn is_signed_in(&self, browser: &Browser) -> bool {
        let answer = browser
            .clone()
            .get(&self.scene.issuer, paths::ACCOUNT)
            .await;
        answer.status == 200
    }
}

async fn ended<T>(task: &tokio::task::JoinHandle<T>) {
    while !task.is_finished() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn invariant_8_a_sign_out_that_was_killed_is_repeated_while_grants_are_left() {
    let fields = &[("action", "sign-out")];
    let mut step = 0;
    loop {
        let mut went_on = false;
        for applied in [false, true] {
            let mut two = Two::new().await;
            went_on = two.killed_at(step, applied, fields).await;
            let grant_ended = two.scene.is_revoked(&two.given_here).await;
            if !two.is_signed_in(&two.here).await {
                assert!(grant_ended, "{step}: signed out, and the client is not");
            }
            two.repeat(fields).await;
            assert!(!two.is_signed_in(&two.here).await, "{step}");
            assert!(two.scene.is_revoked(&two.given_here).await, "{step}");
            assert!(two.is_signed_in(&two.there).await, "{step}");
        }
        match went_on {
            true => step += 1,
            false => break,
        }
    }
    assert!(step >= 5, "{step} calls were killed");
}

#[tokio::test]
async fn invariant_8_a_sign_out_everywhere_that_was_killed_is_repeated() {
    let fields = &[("action", "sign-out-everywhere")];
    let mut step = 0;
    loop {
        let mut went_on = false;
        for applied in [false, true] {
            let mut two = Two::new().await;
            went_on = two.killed_at(step, applied, fields).await;
            let both = [&two.given_here, &two.given_there];
            if !two.is_signed_in(&two.there).await {
                for grant in both {
                    assert!(two.scene.is_revoked(grant).await, "{step}");
                }
            }
            two.repeat(fields).await;
            for browser in [&two.here, &two.there] {
                assert!(!two.is_signed_in(browser).await, "{step}");
            }
        }
        match went_on {
            true => step += 1,
            false => break,
        }
    }
    assert!(step >= 6, "{step} calls were killed");
}

/// Either the old password opens everything as before, or the new one does: and once it has, whoever was signed in elsewhere is not
/// any more.
#[tokio::test]
async fn invariant_8_a_change_of_the_password_that_was_killed_is_finished_by_whatever_comes_first()
{
    let fields: &[_] = &[
        ("action", "change-password"),
        ("current_password", PASSWORD),
        ("new_password", NEW),
    ];
    let mut step = 0;
    loop {
        let mut went_on = false;
        for (applied, again) in [(false, true), (true, true), (false, false), (true, false)] {
            let case = format!("{step}, applied: {applied}, repeated: {again}");
            let mut two = Two::new().await;
            went_on = two.killed_at(step, applied, fields).await;
            let issuer = two.scene.issuer.clone();
            if again && two.is_signed_in(&two.here).await {
                let answer = two.repeat(fields).await;
                assert_eq!(answer.status, 303, "{case}: {}", text(&answer));
                assert!(two.is_signed_in(&two.here).await, "{case}");
            }
            let opens = async |password| {
                let answer = Browser::default().sign_in(&issuer, "alice", password).await;
                answer.status == 303
            };
            let (by_new, by_old) = (opens(NEW).await, opens(PASSWORD).await);
            assert!(by_new != by_old, "{case}");
            assert!(by_new || !again, "{case}");
            assert_eq!(two.is_signed_in(&two.there).await, by_old, "{case}");
            assert_eq!(
                two.scene.is_revoked(&two.given_there).await,
                by_new,
                "{case}"
            );
        }
        match went_on {
            true => step += 1,
            false => break,
        }
    }
    assert!(step >= 10, "{step} calls were killed");
}

/// Invariant 9: nothing is said to have ended that has not.
#[tokio::test(start_paused = true)]
async fn invariant_9_while_the_table_fails_nothing_is_said_to_have_ended() {
    for (action, operation) in [
        ("sign-out", "Query"),
        ("sign-out", "UpdateItem"),
        ("sign-out", "DeleteItem"),
        ("sign-out-everywhere", "Query"),
        ("sign-out-everywhere", "UpdateItem"),
    ] {
        let mut two = Two::new().await;
        let faults = [Some(Fault::Throttled); 9];
        two.scene.issuer.dynamo.plan_for(operation, faults);
        let answer = two.repeat(&[("action", action)]).await;
        assert_eq!(answer.status, 503, "{action} without {operation}");
        assert!(answer.header("retry-after").is_some());
        assert!(two.here.session_cookie().is_some(), "{action}");
        two.scene.issuer.dynamo.plan_for(operation, []);
        let answer = two.repeat(&[("action", action)]).await;
        assert_eq!(answer.header("location"), Some(paths::LOGOUT));
        assert!(!two.is_signed_in(&two.here).await);
    }
}
