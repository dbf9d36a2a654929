//! A person changes their password on the account page.

use super::*;

const NEW: &str = "a quite different phrase";

fn change<'a>(current: &'a str, new: &'a str) -> [(&'a str, &'a str); 2] {
    [("current_password", current), ("new_password", new)]
}

#[tokio::test]
async fn a_new_password_signs_out_everywhere_else() {
    let scene = Scene::new().await;
    let elsewhere = scene.browser_of("alice").await;
    let there = elsewhere.session();
    let given_there = scene.grant_in(Some(&there), "openid", |_| {}).await;
    let mut browser = scene.browser_of("alice").await;
    let here = browser.session();
    let given_here = scene.grant_in(Some(&here), "openid", |_| {}).await;
    let offline = scene.grant_in(Some(&there), "offline_access", |_| {}).await;
    let old = browser.clone();
    let fields = change(PASSWORD, NEW);
    let answer = browser.do_there(&scene.issuer, "change-password", &fields);
    assert_eq!(
        answer.await.header("location"),
        Some("/account?notice=password-changed")
    );
    // This browser has a new session (RFC 9700 §4.7: none is fixed from before), and it lasts.
    assert_ne!(browser.session_cookie(), old.session_cookie());
    assert!(!scene.has_session(&here).await);
    for seconds in [0, 60] {
        scene.issuer.pass(seconds);
        browser.account(&scene.issuer).await;
        for ended in [&mut elsewhere.clone(), &mut old.clone()] {
            assert_eq!(ended.get(&scene.issuer, paths::ACCOUNT).await.status, 303);
        }
    }
    assert!(scene.is_revoked(&given_there).await);
    assert!(!scene.is_revoked(&given_here).await && !scene.is_revoked(&offline).await);
    let mut again = Browser::default();
    let refused = again.sign_in(&scene.issuer, "alice", PASSWORD).await;
    assert_eq!(refused.status, 403);
    let signed_in = again.sign_in(&scene.issuer, "alice", NEW).await;
    assert_eq!(signed_in.header("location"), Some(paths::ACCOUNT));
    scene.browser_of("bob").await;
}

#[tokio::test]
async fn a_password_that_is_not_good_enough_is_not_taken() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let before = scene.issuer.items().await;
    let long = "x".repeat(257);
    for (new, said) in [
        ("", "too short"),
        ("short", "too short"),
        (long.as_str(), "too long"),
        ("12345678", "guessed first"),
    ] {
        let fields = change(PASSWORD, new);
        let answer = browser.do_there(&scene.issuer, "change-password", &fields);
        let answer = answer.await;
        assert_eq!(answer.status, 400, "{new}");
        assert!(text(&answer).contains(said), "{new}: {}", text(&answer));
    }
    assert_eq!(scene.issuer.items().await, before);
}

#[tokio::test]
async fn who_has_the_session_but_not_the_password_cannot_change_it_and_is_slowed_down() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        let fields = change("not the password", NEW);
        let answer = browser.do_there(&scene.issuer, "change-password", &fields);
        let answer = answer.await;
        statuses.push(answer.status);
        if answer.status == 429 {
            assert!(text(&answer).contains("second"), "{}", text(&answer));
            break;
        }
        assert!(text(&answer).contains("is wrong"), "{}", text(&answer));
    }
    assert_eq!(statuses.first(), Some(&403));
    assert_eq!(statuses.last(), Some(&429));
    // The right one is slowed down from there as well, and then it is taken.
    let fields = change(PASSWORD, NEW);
    let answer = browser.do_there(&scene.issuer, "change-password", &fields);
    assert_eq!(answer.await.status, 429);
    scene.issuer.pass(30);
    let answer = browser.do_there(&scene.issuer, "change-password", &fields);
    assert_eq!(answer.await.status, 303);
}

#[tokio::test]
async fn who_has_no_password_changes_none() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let key = Login::key_of(&"alice".parse().expect("a name"));
    let stored = scene.issuer.table().get(&key).await.expect("a read");
    let stored = stored.expect("a login");
    let mut wanted = stored.record.clone();
    wanted.password = None;
    let page = browser.account(&scene.issuer).await;
    let change_it = tokensmith_issuer::store::Change::between(&stored, &wanted);
    let updated = scene
        .issuer
        .table()
        .update(&key, change_it.expect("a change"));
    updated.await.expect("an update");
    let fields = change("", NEW);
    let answer = browser.act(&scene.issuer, &page, "change-password", &fields);
    assert_eq!(answer.await.status, 403);
    let page = browser.account(&scene.issuer).await;
    assert!(!page.body.contains("new_password"));
}

/// Whoever proves the old password while it is replaced gets no session that lasts: not even when their sign-in has read everything
/// else after the change.
#[tokio::test]
async fn an_old_password_that_was_proven_during_the_change_opens_nothing() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let page = browser.account(&scene.issuer).await;
    let mut late = Browser::default();
    let sent = late.get(&scene.issuer, paths::ACCOUNT).await;
    let location = sent.header("location").expect("a redirect").to_owned();
    let form = field(&late.get(&scene.issuer, &location).await, "form");
    let cold = scene.cold().await;
    let mut held = scene.issuer.dynamo.hold();
    let signing_in = tokio::spawn(async move {
        let entered = [
            ("form", form.as_str()),
            ("user_name", "alice"),
            ("password", PASSWORD),
        ];
        let answer = late.post(&cold.issuer, paths::LOGIN, &entered).await;
        (late, answer)
    });
    loop {
        let call = held.recv().await.expect("a call");
        let attempts = scene.issuer.dynamo.take_attempts();
        let last = attempts.last().expect("an attempt");
        // It has verified the password, and is about to read the user.
        if last.operation == "GetItem" && last.body.contains("USER#") {
            scene.issuer.dynamo.unhold();
            let fields = change(PASSWORD, NEW);
            let changed = browser.act(&scene.issuer, &page, "change-password", &fields);
            assert_eq!(changed.await.status, 303);
            call.release(None);
            break;
        }
        call.release(None);
    }
    drop(held);
    let (mut late, answer) = signing_in.await.expect("it ends");
    assert_eq!(answer.status, 403, "{}", text(&answer));
    assert_eq!(late.get(&scene.issuer, paths::ACCOUNT).await.status, 303);
    browser.account(&scene.issuer).await;
}
