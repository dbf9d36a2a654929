//! The account page: what it shows, and what can be ended on it.

use super::*;

#[tokio::test]
async fn who_has_not_signed_in_signs_in_first_and_nothing_is_written() {
    let scene = Scene::new().await;
    let before = scene.issuer.items().await;
    let mut browser = Browser::default();
    let answer = browser.get(&scene.issuer, paths::ACCOUNT).await;
    assert_eq!(answer.status, 303);
    let location = answer.header("location").expect("a redirect");
    assert!(location.starts_with("/login?request="), "{location}");
    assert_eq!(scene.issuer.items().await, before);
}

#[tokio::test]
async fn the_page_shows_what_belongs_to_the_person_and_to_nobody_else() {
    let scene = Scene::new().await;
    let named = client(&scene.issuer, "books", |client| {
        client.name = Some("The Books".to_owned());
    });
    let named = named.await;
    scene.consent("alice", &named, "a").await;
    scene.consent("bob", &scene.client, "a").await;
    let mut other = scene.browser_of("bob").await;
    let mut browser = scene.browser_of("alice").await;
    let here = browser.session();
    let given = scene.grant_in(Some(&here), "openid", |_| {}).await;
    let revoked = |grant: &mut Grant| grant.revoked_at = Some(grant.created_at);
    scene.grant_in(Some(&here), "a", revoked).await;
    let expired = |grant: &mut Grant| grant.idle_expires_at = grant.created_at;
    scene.grant_in(Some(&here), "a", expired).await;
    let page = browser.account(&scene.issuer).await;
    assert_eq!(ids(&page, "revoke-grant"), [given.id.to_string()]);
    assert_eq!(ids(&page, "revoke-consent"), ["books"]);
    assert_eq!(ids(&page, "end-session"), Vec::<String>::new());
    let shown = text(&page);
    for words in ["Somebody", "alice", "This browser", "The Books", "app"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("bob"), "{shown}");
    let page = other.account(&scene.issuer).await;
    assert_eq!(ids(&page, "revoke-grant"), Vec::<String>::new());
    assert_eq!(ids(&page, "revoke-consent"), ["app"]);
}

#[tokio::test]
async fn the_page_is_bounded_and_shows_the_newest_first() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let mut grants = Vec::new();
    for _ in 0..55 {
        scene.issuer.pass(1);
        grants.push(scene.grant_in(None, "a", |_| {}).await.id.to_string());
    }
    for _ in 0..55 {
        scene.browser_of("alice").await;
    }
    scene.issuer.dynamo.take_attempts();
    let page = browser.account(&scene.issuer).await;
    grants.reverse();
    assert_eq!(ids(&page, "revoke-grant"), grants[..50]);
    assert_eq!(ids(&page, "end-session").len(), 49, "and this browser");
    assert!(text(&page).contains("This browser"));
    let calls = scene.issuer.dynamo.take_calls();
    assert!(calls.len() <= 10, "{calls:?}");
}

/// RFC 9700 §4.16, §4.2.4: the page is framed by nobody, kept by nothing, and leaks no address.
#[tokio::test]
async fn rfc9700_4_16_the_page_is_framed_by_nobody() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let page = browser.account(&scene.issuer).await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
}

#[tokio::test]
async fn rfc9700_4_7_1_a_form_of_another_browser_session_or_site_does_nothing() {
    let scene = Scene::new().await;
    let (mut alice, mut bob) = (
        scene.browser_of("alice").await,
        scene.browser_of("bob").await,
    );
    let of_bob = bob.account(&scene.issuer).await;
    let before = scene.issuer.items().await;
    // Bob's form in alice's browser.
    let answer = alice.act(&scene.issuer, &of_bob, "sign-out", &[]).await;
    assert_eq!(answer.status, 400, "{}", text(&answer));
    // No form at all, and one of another page.
    for form in ["", "x", "x.y"] {
        let fields = [("form", form), ("action", "sign-out")];
        let answer = alice.post(&scene.issuer, paths::ACCOUNT, &fields).await;
        assert_eq!(answer.status, 400, "{}", text(&answer));
    }
    // Another site sends the right one.
    let page = alice.account(&scene.issuer).await;
    let form = field(&page, "form");
    let fields = [("form", form.as_str()), ("action", "sign-out")];
    for site in ["cross-site", "same-site"] {
        let request = HttpRequest::form(paths::ACCOUNT, &fields);
        let request = request.header("sec-fetch-site", site);
        let answer = alice.send(&scene.issuer, request).await;
        assert_eq!(answer.status, 403, "{}", text(&answer));
    }
    assert_eq!(scene.issuer.items().await, before);
    // An earlier session of the same person.
    let old = alice.account(&scene.issuer).await;
    alice.cookies.clear();
    alice.sign_in(&scene.issuer, "alice", PASSWORD).await;
    let answer = alice.act(&scene.issuer, &old, "sign-out", &[]).await;
    assert_eq!(answer.status, 400, "{}", text(&answer));
    alice.account(&scene.issuer).await;
}

#[tokio::test]
async fn a_form_that_was_open_for_too_long_does_nothing_and_says_so() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let page = browser.account(&scene.issuer).await;
    scene.issuer.pass(600);
    let answer = browser.act(&scene.issuer, &page, "sign-out", &[]).await;
    let location = answer.header("location").expect("a redirect").to_owned();
    let page = browser.get(&scene.issuer, &location).await;
    assert!(text(&page).contains("open for too long"), "{}", text(&page));
}

#[tokio::test]
async fn oidc_core_11_signing_out_ends_what_is_not_for_offline_access() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let here = browser.session();
    let bound = scene.grant_in(Some(&here), "openid a", |_| {}).await;
    let offline = scene.grant_in(Some(&here), "openid offline_access", |_| {});
    let offline = offline.await;
    let elsewhere = scene.grant_in(Some("another"), "openid", |_| {}).await;
    let by_operator = scene.grant_in(None, "openid", |_| {}).await;
    let of_device = |grant: &mut Grant| grant.origin = Origin::Device;
    let of_device = scene.grant_in(Some(&here), "openid", of_device).await;
    let page = browser.account(&scene.issuer).await;
    let cookies = browser.clone();
    let answer = browser.act(&scene.issuer, &page, "sign-out", &[]).await;
    assert_eq!(answer.header("location"), Some(paths::LOGOUT));
    assert_eq!(browser.session_cookie(), None);
    assert!(!scene.has_session(&here).await);
    for (grant, ended) in [
        (&bound, true),
        (&offline, false),
        (&elsewhere, false),
        (&by_operator, false),
        (&of_device, false),
    ] {
        assert_eq!(scene.is_revoked(grant).await, ended, "{}", grant.id);
    }
    // Whoever has copied the cookie has nothing.
    let mut copied = cookies;
    let answer = copied.get(&scene.issuer, paths::ACCOUNT).await;
    assert_eq!(answer.status, 303);
    let done = browser.get(&scene.issuer, paths::LOGOUT).await;
    assert!(
        text(&done).contains("You are signed out"),
        "{}",
        text(&done)
    );
}

#[tokio::test]
async fn a_session_in_another_browser_ends_with_what_was_given_in_it() {
    let scene = Scene::new().await;
    let mut lost = scene.browser_of("alice").await;
    let there = lost.session();
    let given = scene.grant_in(Some(&there), "openid", |_| {}).await;
    let mut browser = scene.browser_of("alice").await;
    let page = browser.account(&scene.issuer).await;
    assert_eq!(ids(&page, "end-session"), [there.as_str()]);
    let id = [("id", there.as_str())];
    let answer = browser.act(&scene.issuer, &page, "end-session", &id).await;
    assert_eq!(
        answer.header("location"),
        Some("/account?notice=session-ended")
    );
    assert!(scene.is_revoked(&given).await);
    assert_eq!(lost.get(&scene.issuer, paths::ACCOUNT).await.status, 303);
    browser.account(&scene.issuer).await;
}

#[tokio::test]
async fn nobody_ends_what_belongs_to_somebody_else() {
    let scene = Scene::new().await;
    let mut alice = scene.browser_of("alice").await;
    let of_alice = alice.session();
    let grant = scene.grant_in(Some(&of_alice), "openid", |_| {}).await;
    scene.consent("alice", &scene.client, "a").await;
    let mut bob = scene.browser_of("bob").await;
    for (action, id) in [
        ("end-session", of_alice.clone()),
        ("revoke-grant", grant.id.to_string()),
        ("revoke-consent", scene.client.id.clone()),
    ] {
        let answer = bob.do_there(&scene.issuer, action, &[("id", &id)]).await;
        assert_eq!(answer.status, 303, "{action}: as if it were not there");
    }
    assert!(scene.has_session(&of_alice).await);
    assert!(!scene.is_revoked(&grant).await);
    let page = alice.account(&scene.issuer).await;
    assert_eq!(ids(&page, "revoke-consent"), [scene.client.id.as_str()]);
}

#[tokio::test]
async fn a_form_that_asks_for_nothing_known_is_refused() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    for (action, id) in [
        ("delete-everything", "x"),
        ("revoke-grant", "no id"),
        ("revoke-consent", "no id"),
        ("end-session", ""),
        ("", ""),
    ] {
        let answer = browser.do_there(&scene.issuer, action, &[("id", id)]).await;
        assert_eq!(answer.status, 400, "{action}: {}", text(&answer));
    }
}

#[tokio::test]
async fn rfc7009_a_grant_that_a_person_takes_back_ends_with_its_tokens() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let tokens = scene.tokens(&mut browser, "openid offline_access").await;
    let page = browser.account(&scene.issuer).await;
    let [id] = &ids(&page, "revoke-grant")[..] else {
        panic!("{}", text(&page));
    };
    let id = [("id", id.as_str())];
    let answer = browser.act(&scene.issuer, &page, "revoke-grant", &id).await;
    assert_eq!(
        answer.header("location"),
        Some("/account?notice=grant-revoked")
    );
    let refresh_token = tokens.refresh_token();
    let refreshed = scene.issuer.refresh(&scene.client, &refresh_token);
    refreshed.await.assert_refused(400, "invalid_grant");
    let page = browser.account(&scene.issuer).await;
    assert_eq!(ids(&page, "revoke-grant"), Vec::<String>::new());
}

#[tokio::test]
async fn a_consent_that_a_person_takes_back_ends_what_came_of_it() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let other = client(&scene.issuer, "other", |_| {}).await;
    scene.consent("alice", &scene.client, "openid a").await;
    scene.consent("alice", &other, "openid").await;
    let here = browser.session();
    let given = scene.grant_in(Some(&here), "offline_access", |_| {}).await;
    let id = [("id", scene.client.id.as_str())];
    let answer = browser.do_there(&scene.issuer, "revoke-consent", &id).await;
    assert_eq!(
        answer.header("location"),
        Some("/account?notice=consent-revoked")
    );
    assert!(scene.is_revoked(&given).await);
    let page = browser.account(&scene.issuer).await;
    assert_eq!(ids(&page, "revoke-consent"), ["other"]);
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_and_what_was_given_in_them() {
    let scene = Scene::new().await;
    let mut elsewhere = scene.browser_of("alice").await;
    let there = elsewhere.session();
    let given = scene.grant_in(Some(&there), "openid", |_| {}).await;
    let offline = scene.grant_in(Some(&there), "offline_access", |_| {}).await;
    let by_operator = scene.grant_in(None, "openid", |_| {}).await;
    let mut bob = scene.browser_of("bob").await;
    let mut browser = scene.browser_of("alice").await;
    let answer = browser.do_there(&scene.issuer, "sign-out-everywhere", &[]);
    assert_eq!(answer.await.header("location"), Some(paths::LOGOUT));
    assert_eq!(browser.session_cookie(), None);
    assert_eq!(
        elsewhere.get(&scene.issuer, paths::ACCOUNT).await.status,
        303
    );
    assert!(scene.is_revoked(&given).await);
    assert!(!scene.is_revoked(&offline).await && !scene.is_revoked(&by_operator).await);
    bob.account(&scene.issuer).await;
    // Whoever signs in afterwards is signed in, in the same second, and sees none of the ended ones.
    let mut again = Browser::default();
    again.sign_in(&scene.issuer, "alice", PASSWORD).await;
    let page = again.account(&scene.issuer).await;
    assert_eq!(ids(&page, "end-session"), Vec::<String>::new());
}

/// A sign-in that has read the user before all sessions ended begins none that lasts.
#[tokio::test]
async fn a_sign_in_that_did_not_see_the_end_of_all_sessions_is_ended_by_it() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let page = browser.account(&scene.issuer).await;
    let cold = scene.cold().await;
    let mut held = scene.issuer.dynamo.hold();
    let signing_in = tokio::spawn(async move {
        let mut late = Browser::default();
        late.sign_in(&cold.issuer, "alice", PASSWORD).await;
        late
    });
    // It has read the user, and is about to insert the session.
    loop {
        let call = held.recv().await.expect("a call");
        if call.operation == "PutItem" && signing_in_inserts(&scene, &call.operation).await {
            scene.issuer.dynamo.unhold();
            browser
                .act(&scene.issuer, &page, "sign-out-everywhere", &[])
                .await;
            call.release(None);
            break;
        }
        call.release(None);
    }
    drop(held);
    let mut late = signing_in.await.expect("it signs in");
    assert_eq!(late.get(&scene.issuer, paths::ACCOUNT).await.status, 303);
}

/// Whether the attempt that waits inserts a session: the insert before it counted a guess.
async fn signing_in_inserts(scene: &Scene, operation: &str) -> bool {
    let attempts = scene.issuer.dynamo.take_attempts();
    let mut own = attempts.iter().rev();
    let last = own.find(|attempt| attempt.operation == operation);
    last.is_some_and(|attempt| attempt.body.contains("SESSION#"))
}

#[tokio::test]
async fn what_people_end_is_in_the_log() {
    let scene = Scene::new().await;
    let mut browser = scene.browser_of("alice").await;
    let here = browser.session();
    let page = browser.account(&scene.issuer).await;
    let form = field(&page, "form");
    let first = scene.grant_in(Some(&here), "openid", |_| {}).await;
    scene.grant_in(Some(&here), "openid", |_| {}).await;
    let id = first.id.to_string();
    for (action, id, expected) in [
        (
            "revoke-grant",
            id.as_str(),
            serde_json::json!({ "what": "grant", "client": "app", "grant": id, "grants": 1 }),
        ),
        (
            "revoke-consent",
            "other",
            serde_json::json!({ "what": "consent", "client": "other", "grants": 0 }),
        ),
        (
            "sign-out",
            "",
            serde_json::json!({ "what": "session", "grants": 1 }),
        ),
    ] {
        let fields = [("form", form.as_str()), ("action", action), ("id", id)];
        let request = HttpRequest::form(paths::ACCOUNT, &fields);
        let line = logged(&scene.issuer, &browser, request).await;
        assert_eq!(
            (&line["event"], &line["subject"]),
            (&"ended".into(), &"alice".into())
        );
        for name in ["what", "client", "grant", "grants"] {
            assert_eq!(line[name], expected[name], "{action}: {line}");
        }
    }
}
