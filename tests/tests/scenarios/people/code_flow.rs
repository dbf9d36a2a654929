//! RFC 6749 §4.1: a client sends somebody here, and gets a code.

use tokensmith_tests::{HttpRequest, Person};

use super::{CALLBACK, PASSWORD, World};

#[test]
fn rfc6749_4_1_somebody_signs_in_and_lets_a_client_in() {
    let mut world = World::new();
    let flow = world.flow("openid read");
    let page = world.sign_in_page(&flow);
    let page = world.sign_in(&page, PASSWORD).page();
    assert!(page.text().contains(&world.client.id), "{}", page.text());
    let back = world.decide(&page, "allow").elsewhere();
    let code = flow.code(&world.issuer, &back);
    let answer = flow.redeem(&world.issuer, &code);
    let token = answer.token();
    assert_eq!(token.claims["scope"], "openid read");
    assert_eq!(token.claims["client_id"], world.client.id.as_str());
    assert!(token.claims["auth_time"].is_u64());
    let answer = answer.json();
    assert!(answer["refresh_token"].is_string());
    assert!(answer["refresh_token_timeout"].is_u64());
    assert!(answer["authorization_expires_in"].is_u64());
    let refresh = answer["refresh_token"].as_str().expect("a token");
    let refreshed = world
        .issuer
        .send(&HttpRequest::refresh(&world.client, refresh));
    assert_eq!(refreshed.claims().sub, token.claims["sub"]);
}

#[test]
fn invariant_3_a_code_is_redeemed_once_and_its_replay_revokes_what_it_made() {
    let mut world = World::new();
    let flow = world.flow("read");
    let code = world.code(&flow);
    let tokens = flow.redeem(&world.issuer, &code).tokens();
    flow.redeem(&world.issuer, &code)
        .assert_refused(400, "invalid_grant");
    let refresh = HttpRequest::refresh(&world.client, &tokens.refresh);
    world
        .issuer
        .send(&refresh)
        .assert_refused(400, "invalid_grant");
    let known = world.issuer.introspect(&world.client, &tokens.access);
    assert_eq!(known["active"], false);
}

#[test]
fn rfc7636_4_6_a_code_without_its_verifier_is_worth_nothing() {
    let mut world = World::new();
    let flow = world.flow("read");
    let code = world.code(&flow);
    let mut other = flow.clone();
    other.verifier = "x".repeat(43);
    other
        .redeem(&world.issuer, &code)
        .assert_refused(400, "invalid_grant");
    let without = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
    ];
    let without = HttpRequest::form("/oauth2/token", &without).by(&world.client);
    world
        .issuer
        .send(&without)
        .assert_refused(400, "invalid_grant");
    // Nothing was consumed.
    flow.redeem(&world.issuer, &code).tokens();
}

#[test]
fn who_has_signed_in_and_agreed_is_not_asked_again() {
    let mut world = World::new();
    let flow = world.flow("read");
    world.code(&flow);
    let again = world.flow("read");
    let back = again.begin(&mut world.person, &world.issuer).elsewhere();
    again.code(&world.issuer, &back);
    // More than was agreed is asked again.
    let more = world.flow("openid read");
    let page = more.begin(&mut world.person, &world.issuer).page();
    assert!(page.has_button("allow"));
    // And so is somebody else's browser.
    let mut stranger = Person::new();
    let page = again.begin(&mut stranger, &world.issuer).page();
    assert!(page.has_button("Sign in"));
}

#[test]
fn rfc6749_4_1_2_1_who_says_no_sends_the_client_away() {
    let mut world = World::new();
    let flow = world.flow("read");
    let page = world.sign_in_page(&flow);
    let page = world.sign_in(&page, PASSWORD).page();
    let back = world.decide(&page, "deny").elsewhere();
    assert_eq!(flow.error(&world.issuer, &back), "access_denied");
}

#[test]
fn invariant_10_a_wrong_password_and_an_unknown_name_look_the_same() {
    let mut world = World::new();
    let flow = world.flow("read");
    let page = world.sign_in_page(&flow);
    let wrong = world.sign_in(&page, "not the password").page();
    let name = world.user.clone();
    world.user = "nobody-of-this-name".to_owned();
    let unknown = world.sign_in(&page, "not the password").page();
    assert_eq!(wrong.answer.status, 403);
    assert_eq!(unknown.answer.status, 403);
    let shown = |page: &tokensmith_tests::Page, name: &str| page.text().replace(name, "NAME");
    assert_eq!(shown(&wrong, &name), shown(&unknown, &world.user));
    world.user = name;
    let place = world.sign_in(&wrong, PASSWORD).page();
    assert!(place.has_button("allow"));
}

#[test]
fn rfc9700_4_11_nobody_is_sent_to_where_the_client_is_not_registered() {
    let mut world = World::new();
    let flow = world.flow("read");
    for other in [
        "https://evil.example/callback",
        "https://app.example/callback/../other",
        "https://app.example/callback?x",
        "http://app.example/callback",
        "javascript:alert(1)",
        "",
    ] {
        let flow = flow.clone().with("redirect_uri", other);
        let page = flow.begin(&mut world.person, &world.issuer).page();
        // The only registered one may be left out.
        let expected = if other.is_empty() { 200 } else { 400 };
        assert_eq!(page.answer.status, expected, "{other}");
        assert!(!page.answer.body.contains("evil.example"), "{other}");
    }
    for other in ["no-such-client", "", "a b"] {
        let flow = flow.clone().with("client_id", other);
        let page = flow.begin(&mut world.person, &world.issuer).page();
        assert_eq!(page.answer.status, 400, "{other}");
    }
}

#[test]
fn rfc6749_4_1_2_1_a_bad_request_is_told_to_the_client() {
    let mut world = World::new();
    let flow = world.flow("read");
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("scope", "read unknown", "invalid_scope"),
        ("scope", "a\"b", "invalid_scope"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("resource", "https://other.example", "invalid_target"),
        ("resource", "not a uri", "invalid_target"),
        ("prompt", "none", "login_required"),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "unknown", "invalid_request"),
        ("max_age", "soon", "invalid_request"),
        ("request", "eyJ", "request_not_supported"),
        (
            "request_uri",
            "https://x.example",
            "request_uri_not_supported",
        ),
        ("registration", "{}", "registration_not_supported"),
        ("response_mode", "fragment", "invalid_request"),
    ] {
        let flow = flow.clone().with(name, value);
        let back = flow.begin(&mut world.person, &world.issuer).elsewhere();
        assert_eq!(flow.error(&world.issuer, &back), error, "{name}={value}");
        assert!(back.as_str().starts_with(CALLBACK));
    }
}

#[test]
fn rfc8707_2_audience_is_an_alias_of_resource_and_must_agree_with_it() {
    let both = [
        "--audience=https://a.example",
        "--audience=https://b.example",
    ];
    let mut world = World::with(&both);
    let flow = world.flow("read").with("resource", "https://a.example");
    let disagreeing = flow.clone().with("audience", "https://b.example");
    let back = disagreeing
        .begin(&mut world.person, &world.issuer)
        .elsewhere();
    assert_eq!(disagreeing.error(&world.issuer, &back), "invalid_target");
    let agreeing = flow.with("audience", "https://a.example/");
    let code = world.code(&agreeing);
    let token = agreeing.redeem(&world.issuer, &code).token();
    assert_eq!(token.claims["aud"], "https://a.example");
}
