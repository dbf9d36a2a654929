//! Passwords are guessed: slowly, and at nobody's expense but the guesser's.

use futures_util::future::join_all;
use tokensmith_issuer::event::RequestContext;
use tokensmith_issuer::store::Change;

use super::*;

/// The page that asks who is there, in a browser, and the value of its form.
async fn asked(issuer: &InProcess) -> (Browser, String) {
    let mut browser = Browser::default();
    let sent = browser.get(issuer, paths::ACCOUNT).await;
    let location = sent.header("location").expect("a redirect").to_owned();
    let form = field(&browser.get(issuer, &location).await, "form");
    (browser, form)
}

/// The status of a sign-in from an address.
async fn guess(issuer: &InProcess, name: &str, password: &str, source: &str) -> u16 {
    let (browser, form) = asked(issuer).await;
    let entered = [
        ("form", form.as_str()),
        ("user_name", name),
        ("password", password),
    ];
    let cookies = browser.cookies.iter();
    let cookies: Vec<_> = cookies
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = HttpRequest::form(paths::LOGIN, &entered).header("cookie", cookies.join("; "));
    let request = request.header("sec-fetch-site", "same-origin");
    let mut request = request.in_process();
    request.extensions_mut().insert(RequestContext {
        request_id: "a-request".to_owned(),
        source: Some(source.to_owned()),
        trace_id: None,
    });
    let endpoint = tokensmith_people::at(paths::LOGIN).expect("an endpoint");
    let answer = issuer.issuer.handle(endpoint, request).await;
    answer.status().as_u16()
}

/// Each is counted before its password is hashed, so that no two rest on the same count.
#[tokio::test]
async fn parallel_guesses_are_no_more_than_as_many_one_after_another() {
    let scene = Scene::new().await;
    let guesses = (0..24).map(|_| guess(&scene.issuer, "alice", "wrong", "192.0.2.1"));
    let mut statuses = join_all(guesses).await;
    statuses.sort_unstable();
    let heard = statuses.iter().filter(|status| **status == 403).count();
    assert!((1..=4).contains(&heard), "{statuses:?}");
    assert!(statuses[heard..].iter().all(|status| *status == 429));
}

/// Whoever is guessed at signs in as ever from anywhere else, and at the latest after 30 s from there, too.
#[tokio::test]
async fn a_victim_is_never_locked_out() {
    let scene = Scene::new().await;
    let issuer = &scene.issuer;
    for seconds in 0..40 {
        guess(issuer, "alice", "wrong", "192.0.2.1").await;
        issuer.pass(seconds % 3);
    }
    let refused = guess(issuer, "alice", PASSWORD, "192.0.2.1").await;
    assert_eq!(refused, 429);
    for elsewhere in ["192.0.2.2", "2001:db8:1:2::1"] {
        let heard = guess(issuer, "alice", PASSWORD, elsewhere).await;
        assert_eq!(heard, 303, "{elsewhere}");
    }
    assert_eq!(guess(issuer, "bob", PASSWORD, "192.0.2.1").await, 303);
    issuer.pass(30);
    assert_eq!(guess(issuer, "alice", PASSWORD, "192.0.2.1").await, 303);
    // What was right makes up for what was wrong.
    assert_eq!(guess(issuer, "alice", "wrong", "192.0.2.1").await, 403);
    assert_eq!(guess(issuer, "alice", PASSWORD, "192.0.2.1").await, 303);
}

/// Who guesses at many accounts is slowed down as well, with all of an IPv6 network.
#[tokio::test]
async fn one_source_does_not_try_one_password_with_everybody() {
    let scene = Scene::new().await;
    let mut heard = 0;
    for number in 0..60 {
        let (name, source) = (format!("user-{number}"), format!("2001:db8:1:2::{number}"));
        let status = guess(&scene.issuer, &name, "wrong", &source).await;
        heard += u32::from(status == 403);
    }
    assert_eq!(heard, 51, "50 are free, and the next one is counted");
    assert_eq!(
        guess(&scene.issuer, "alice", PASSWORD, "2001:db8:1:3::1").await,
        303
    );
}

/// A password that was hashed elsewhere, or by an earlier release, is hashed anew when its owner has proved it.
#[tokio::test]
async fn a_hash_of_another_cost_is_replaced_when_it_was_proven() {
    let scene = Scene::new().await;
    let (table, key) = (
        scene.issuer.table(),
        Login::key_of(&"alice".parse().expect("a name")),
    );
    // Of "password", by argon2's reference implementation.
    let foreign = "$argon2id$v=19$m=12288,t=3,p=1$YW5vdGhlciBzYWx0IG9mIHNvbWUgbGVuZ3Ro$G1Wq40pkXAY6qcfQgEJc9w";
    let change = Change::of_existing().set("password", PasswordHash::new(foreign));
    let updated = table.update(&key, change.expect("a change")).await;
    updated.expect("an update");
    let hash = async || {
        let login: Login = scene.issuer.record(&key).await;
        login.password.expect("a password").as_phc().to_owned()
    };
    assert_eq!(
        guess(&scene.issuer, "alice", "wrong", "192.0.2.1").await,
        403
    );
    assert_eq!(hash().await, foreign);
    for _ in 0..2 {
        assert_eq!(
            guess(&scene.issuer, "alice", "password", "192.0.2.1").await,
            303
        );
        assert_ne!(hash().await, foreign);
    }
    let renewed = hash().await;
    assert_eq!(
        guess(&scene.issuer, "alice", "password", "192.0.2.1").await,
        303
    );
    assert_eq!(hash().await, renewed, "once is enough");
}
