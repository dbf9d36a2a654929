//! Limits of clients over HTTP: so many tokens in each window, and then 429.

use serde_json::json;
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer};

/// What `client` is answered, all in one window: a window is a day, and midnight may come in between once.
fn in_one_window(
    issuer: &TestIssuer,
    arguments: &[&str],
    requests: usize,
) -> (TestClient, Vec<Answer>) {
    loop {
        let client = issuer.register("limited", arguments);
        let ask = |_| issuer.token(&client, "");
        let answers: Vec<Answer> = (0..requests).map(ask).collect();
        let resets: Vec<u64> = answers.iter().map(|answer| fields(answer).2).collect();
        if resets.is_sorted_by(|earlier, later| earlier >= later) {
            return (client, answers);
        }
    }
}

/// The policy, and what `RateLimit` says is left and when the window ends.
fn fields(answer: &Answer) -> (&str, u64, u64) {
    let policy = answer.header("RateLimit-Policy").expect("a policy");
    let limit = answer.header("RateLimit").expect("what is left");
    let values = limit.strip_prefix("\"client\";r=").expect("what is left");
    let (remaining, resets) = values.split_once(";t=").expect("when the window ends");
    let number = |text: &str| text.parse().expect("a number");
    (policy, number(remaining), number(resets))
}

#[test]
fn ratelimit_headers_11_a_client_is_told_how_it_stands_and_429_when_nothing_is_left() {
    let issuer = TestIssuer::shared();
    let (_, answers) = in_one_window(&issuer, &["--limit=3/1d"], 5);
    for (answer, left) in answers.iter().zip([2, 1, 0, 0, 0]) {
        let (policy, remaining, resets) = fields(answer);
        assert_eq!((policy, remaining), ("\"client\";q=3;w=86400", left));
        assert!((1..=86_400).contains(&resets), "{resets}");
    }
    let (issued, refused) = answers.split_at(3);
    for answer in issued {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("Retry-After"), None);
    }
    for answer in refused {
        answer.assert_refused(429, "temporarily_unavailable");
        let retry_after = answer.header("Retry-After").expect("when to come again");
        assert_eq!(retry_after, fields(answer).2.to_string());
        let described = &answer.json()["error_description"];
        assert_eq!(
            described,
            "the limit of requests is used up: try again later"
        );
        let exposed = answer
            .header("Access-Control-Expose-Headers")
            .expect("names");
        assert!(
            exposed.ends_with("Retry-After, RateLimit, RateLimit-Policy"),
            "{exposed}"
        );
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    }
}

/// Limits are about tokens: a client that has none left can still revoke and introspect.
#[test]
fn a_client_without_permits_still_revokes_and_introspects() {
    let issuer = TestIssuer::shared();
    let (client, answers) = in_one_window(&issuer, &["--limit=1/1d"], 2);
    answers[1].assert_refused(429, "temporarily_unavailable");
    let token = answers[0].access_token();
    let introspected = issuer.send(&HttpRequest::introspect(&client, &token));
    assert_eq!(introspected.json()["active"], true);
    assert_eq!(
        issuer.send(&HttpRequest::revoke(&client, &token)).status,
        200
    );
    let introspected = issuer.send(&HttpRequest::introspect(&client, &token));
    assert_eq!(introspected.json(), json!({ "active": false }));
}

#[test]
fn nobody_else_spends_the_permits_of_a_client() {
    let issuer = TestIssuer::shared();
    loop {
        let client = issuer.register("limited", &["--limit=2/1d"]);
        let first = issuer.token(&client, "");
        for _ in 0..5 {
            let stranger = client.with_wrong_secret();
            issuer
                .token(&stranger, "")
                .assert_refused(401, "invalid_client");
            issuer
                .token(&client, "&scope=nobodys")
                .assert_refused(400, "invalid_scope");
        }
        let second = issuer.token(&client, "");
        if fields(&first).2 >= fields(&second).2 {
            assert_eq!((first.status, second.status), (200, 200));
            assert_eq!(fields(&second).1, 0);
            return;
        }
    }
}
