//! How userinfo refuses (RFC 6750 §3), on every host.

use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer, unique};
use tokensmith_verifier::paths;

/// A client, and an access token of its own grant with these scopes, by somebody who is no user.
fn granted(issuer: &TestIssuer, scopes: &[&str]) -> (TestClient, String) {
    let arguments: Vec<_> = scopes.iter().map(|one| format!("--scope={one}")).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let grants = ["--grant=refresh_token", "--grant=client_credentials"];
    let client = issuer.register("told", &[&grants, &arguments[..]].concat());
    let grant = issuer.grant(&client, &unique("nobody"), &arguments);
    let refreshed = issuer.send(&HttpRequest::refresh(&client, &grant.token));
    (client, refreshed.access_token())
}

fn asked(issuer: &TestIssuer, token: &str) -> Answer {
    issuer.send(&HttpRequest::userinfo(token))
}

fn assert_challenged(answer: &Answer, status: u16, error: &str) {
    answer.assert_refused(status, error);
    let challenge = answer.header("www-authenticate").expect("a challenge");
    let begin = format!(r#"Bearer realm="tokensmith", error="{error}", "#);
    assert!(challenge.starts_with(&begin), "{challenge}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn rfc6750_3_1_who_sends_no_token_is_challenged_and_told_of_no_error() {
    let issuer = TestIssuer::shared();
    for request in [
        HttpRequest::get(paths::USERINFO),
        HttpRequest::new("POST", paths::USERINFO),
        HttpRequest::get(paths::USERINFO).basic("app", "secret"),
    ] {
        let answer = issuer.send(&request);
        assert_eq!((answer.status, answer.body.as_str()), (401, "{}"));
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(
            challenge.starts_with(r#"Bearer realm="tokensmith", DPoP algs="ES256 "#),
            "{challenge}"
        );
        assert!(!challenge.contains("error"), "{challenge}");
    }
}

#[test]
fn rfc6750_3_1_a_token_of_nobody_here_is_invalid_and_one_without_openid_is_not_enough() {
    let issuer = TestIssuer::shared();
    let (_, token) = granted(&issuer, &["openid", "email"]);
    assert_challenged(&asked(&issuer, &token), 401, "invalid_token");
    let (client, token) = granted(&issuer, &["email", "read"]);
    let answer = asked(&issuer, &token);
    assert_challenged(&answer, 403, "insufficient_scope");
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.ends_with(r#", scope="openid""#), "{challenge}");
    // What the client has revoked is invalid, whatever its scopes were.
    assert_eq!(
        issuer.send(&HttpRequest::revoke(&client, &token)).status,
        200
    );
    assert_challenged(&asked(&issuer, &token), 401, "invalid_token");
}

#[test]
fn a_clients_own_token_speaks_for_no_person() {
    let issuer = TestIssuer::shared();
    let (client, _) = granted(&issuer, &["openid"]);
    let own = issuer.token(&client, "&scope=openid").access_token();
    assert_challenged(&asked(&issuer, &own), 401, "invalid_token");
}

#[test]
fn rfc6750_2_a_token_in_two_places_or_in_the_url_is_no_request() {
    let issuer = TestIssuer::shared();
    let in_query = format!("{}?access_token=a.b.c", paths::USERINFO);
    let form = HttpRequest::form(paths::USERINFO, &[("access_token", "a.b.c")]);
    for request in [
        HttpRequest::get(&in_query),
        form.clone().header("authorization", "Bearer a.b.c"),
        HttpRequest::new("POST", paths::USERINFO)
            .header("content-type", "application/json")
            .body(r#"{"access_token":"a.b.c"}"#),
    ] {
        assert_challenged(&issuer.send(&request), 400, "invalid_request");
    }
    assert_challenged(&issuer.send(&form), 401, "invalid_token");
}

#[test]
fn rfc9110_15_5_6_head_is_405_and_a_browser_may_ask() {
    let issuer = TestIssuer::shared();
    let answer = issuer.send(&HttpRequest::new("HEAD", paths::USERINFO));
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET, POST, OPTIONS"));
    let preflight = HttpRequest::new("OPTIONS", paths::USERINFO)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let answer = issuer.send(&preflight);
    assert_eq!(answer.status, 204);
    let methods = answer.header("access-control-allow-methods");
    assert_eq!(methods, Some("GET, POST, OPTIONS"));
}
