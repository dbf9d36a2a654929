//! What RFC 9700 demands of a server whom people are sent to, each by an attacker who tries.

use std::thread;

use tokensmith_tests::{CodeFlow, HttpRequest, Page, Person, Place, TestIssuer, parameter};

use super::{CALLBACK, PASSWORD, World, register};

/// Every page that somebody sees on the way to a code.
fn pages_of(world: &mut World, flow: &CodeFlow) -> Vec<Page> {
    let mut pages = vec![world.sign_in_page(flow)];
    pages.push(world.sign_in(&pages[0], "wrong password").page());
    pages.push(world.sign_in(&pages[0], PASSWORD).page());
    let unknown = flow.clone().with("client_id", "nobody");
    pages.push(unknown.begin(&mut world.person, &world.issuer).page());
    pages
}

fn fields_of<'a>(
    page: &'a [(String, String)],
    button: (&'a str, &'a str),
) -> Vec<(&'a str, &'a str)> {
    let fields = page.iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_str()));
    fields.chain([button]).collect()
}

#[test]
fn rfc9700_4_4_mix_up_every_answer_names_its_issuer() {
    let mut world = World::new();
    let flow = world.flow("read");
    // `code` and `error` check `iss`.
    world.code(&flow);
    let bad = flow.with("prompt", "none login");
    let back = bad.begin(&mut world.person, &world.issuer).elsewhere();
    bad.error(&world.issuer, &back);
    let metadata = HttpRequest::get("/.well-known/oauth-authorization-server");
    let metadata = world.issuer.send(&metadata).json();
    assert_eq!(
        metadata["authorization_response_iss_parameter_supported"],
        true
    );
}

#[test]
fn rfc9700_4_5_an_injected_code_is_worth_nothing_in_another_session() {
    let mut world = World::new();
    let (stolen, own) = (world.flow("read"), world.flow("read"));
    let code = world.code(&stolen);
    world.code(&own);
    // The attacker's client session sends its own verifier with the stolen code.
    own.redeem(&world.issuer, &code)
        .assert_refused(400, "invalid_grant");
    stolen.redeem(&world.issuer, &code).tokens();
}

#[test]
fn rfc9700_4_5_3_2_a_code_is_worth_nothing_to_another_client() {
    let mut world = World::new();
    let flow = world.flow("read");
    let code = world.code(&flow);
    let mut thief = flow.clone();
    thief.client = register(&world.issuer, &[]);
    thief
        .redeem(&world.issuer, &code)
        .assert_refused(400, "invalid_grant");
    // And it does not end the grant.
    flow.redeem(&world.issuer, &code).tokens();
    thief
        .redeem(&world.issuer, &code)
        .assert_refused(400, "invalid_grant");
    let code = world.code(&flow);
    let tokens = flow.redeem(&world.issuer, &code).tokens();
    thief
        .redeem(&world.issuer, &code)
        .assert_refused(400, "invalid_grant");
    let refresh = HttpRequest::refresh(&world.client, &tokens.refresh);
    world.issuer.send(&refresh).tokens();
}

#[test]
fn rfc9700_4_8_2_pkce_cannot_be_downgraded() {
    let mut world = World::with(&["--pkce=optional"]);
    let without = |flow: &CodeFlow| {
        let flow = flow.clone().without("code_challenge");
        flow.without("code_challenge_method")
    };
    // The attacker strips the challenge; the client sends its verifier all the same.
    let flow = world.flow("openid read");
    let stripped = without(&flow);
    let code = world.code(&stripped);
    flow.redeem(&world.issuer, &code)
        .assert_refused(400, "invalid_grant");
    // Without `openid` and a nonce, nothing replaces the challenge.
    for flow in [world.flow("read"), world.flow("openid").without("nonce")] {
        let stripped = without(&flow);
        let back = stripped.begin(&mut world.person, &world.issuer).elsewhere();
        assert_eq!(stripped.error(&world.issuer, &back), "invalid_request");
    }
    // A public client always needs one.
    world.client = register(&world.issuer, &["--public"]);
    let stripped = without(&world.flow("openid read"));
    let back = stripped.begin(&mut world.person, &world.issuer).elsewhere();
    assert_eq!(stripped.error(&world.issuer, &back), "invalid_request");
}

#[test]
fn rfc9700_4_7_1_csrf_no_other_site_sends_a_form() {
    let mut world = World::new();
    let flow = world.flow("read");
    let page = world.sign_in_page(&flow);
    let page = world.sign_in(&page, PASSWORD).page();
    let form = page.form_with("allow");
    let fields = fields_of(&form.fields, ("decision", "allow"));
    // Without the token, with another one, and with one of another browser.
    let none: Vec<_> = fields
        .iter()
        .copied()
        .filter(|(name, _)| *name != "form")
        .collect();
    assert_forbidden(world.person.send(&world.issuer, &form.action, &none));
    let made_up = [("form", "AAAAAQ.AAAA"), ("decision", "allow")];
    assert_forbidden(world.person.send(&world.issuer, &form.action, &made_up));
    let mut attacker = World::of(world.issuer, world.client.clone());
    let other = attacker.flow("read");
    let page = attacker.sign_in_page(&other);
    let page = attacker.sign_in(&page, PASSWORD).page();
    let foreign = page.form_with("allow");
    let foreign = fields_of(&foreign.fields, ("decision", "allow"));
    assert_forbidden(world.person.send(&attacker.issuer, &form.action, &foreign));
    // With the right one, from another site.
    let body = format!("form={}&decision=allow", fields[0].1);
    for site in ["cross-site", "same-site"] {
        let request = HttpRequest::post(&form.action, body.clone()).header("sec-fetch-site", site);
        let answer = world.person.request(&attacker.issuer, request);
        assert_eq!(answer.status, 403, "{site}");
    }
    let back = world
        .person
        .send(&attacker.issuer, &form.action, &fields)
        .elsewhere();
    flow.code(&attacker.issuer, &back);
}

/// Two tabs of one browser: what was shown to one person is not allowed by another.
#[test]
fn rfc9700_4_7_1_what_was_asked_in_another_session_is_asked_anew() {
    let mut world = World::new();
    let (first, second) = (world.flow("openid read"), world.flow("openid read"));
    let page = world.sign_in_page(&first);
    let of_ada = world.sign_in(&page, PASSWORD).page();
    let ada = world.user.clone();
    // In another tab, bob signs in.
    let another = World::of(world.issuer, world.client.clone());
    (world.issuer, world.user) = (another.issuer, another.user);
    let second = second.with("prompt", "login");
    let page = world.sign_in_page(&second);
    world.sign_in(&page, PASSWORD);
    assert!(of_ada.text().contains(&ada), "{}", of_ada.text());
    let of_bob = world.decide(&of_ada, "allow").page();
    assert!(of_bob.text().contains(&world.user), "{}", of_bob.text());
    let back = world.decide(&of_bob, "allow").elsewhere();
    first.code(&world.issuer, &back);
}

fn assert_forbidden(place: Place) {
    let status = place.page().answer.status;
    assert!(status == 400 || status == 403, "{status}");
}

#[test]
fn rfc9700_4_7_login_csrf_nobody_is_signed_in_as_somebody_else_by_a_link() {
    let mut attacker = World::new();
    let flow = attacker.flow("read");
    let page = attacker.sign_in_page(&flow);
    let form = page.form_with("Sign in");
    // The victim's browser sends the attacker's form, with the attacker's name and password.
    let filled = |(name, value): &(String, String)| match name.as_str() {
        "user_name" => attacker.user.clone(),
        "password" => PASSWORD.to_owned(),
        _ => value.clone(),
    };
    let fields: Vec<(String, String)> = form
        .fields
        .iter()
        .map(|field| (field.0.clone(), filled(field)))
        .collect();
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut victim = Person::new();
    victim.open(&attacker.issuer, &flow.target());
    assert_forbidden(victim.send(&attacker.issuer, &form.action, &fields));
    assert_eq!(victim.cookie("session"), None);
}

#[test]
fn rfc9700_session_fixation_a_planted_cookie_is_worth_nothing() {
    let mut world = World::new();
    let flow = world.flow("read");
    // What the attacker knows before: the mark, and a session of their own making.
    let planted = format!("usr_nobody.{}", "A".repeat(43));
    world.person.set_cookie("tokensmith-session", &planted);
    let page = world.sign_in_page(&flow);
    world.sign_in(&page, PASSWORD);
    let first = world
        .person
        .cookie("session")
        .expect("a session")
        .to_owned();
    assert_ne!(first, planted);
    // Signing in again replaces the session, and ends the former.
    let again = world.flow("read").with("prompt", "login");
    let page = world.sign_in_page(&again);
    world.sign_in(&page, PASSWORD);
    let second = world
        .person
        .cookie("session")
        .expect("a session")
        .to_owned();
    assert_ne!(first, second);
    let mut thief = Person::new();
    thief.set_cookie("tokensmith-session", &first);
    let page = flow.begin(&mut thief, &world.issuer).page();
    assert!(page.has_button("Sign in"));
}

#[test]
fn rfc9700_4_16_clickjacking_and_4_2_4_referrers_every_page_says_no() {
    let mut world = World::new();
    let flow = world.flow("openid read");
    for page in pages_of(&mut world, &flow) {
        let header = |name: &str| page.answer.header(name).unwrap_or_default().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!policy.contains("form-action"), "{policy}");
        assert!(!policy.contains("script-src"), "{policy}");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(page.answer.header("access-control-allow-origin"), None);
        assert!(!page.answer.body.contains("<script"));
        assert!(page.answer.body.len() < 15 * 1024);
    }
}

#[test]
fn invariant_3_of_100_parallel_redemptions_one_succeeds_and_then_all_is_revoked() {
    let mut world = World::new();
    let flow = world.flow("read");
    let code = world.code(&flow);
    let (issuer, flow, code) = (&world.issuer, &flow, &code);
    let answers = thread::scope(|scope| {
        let redeem = || flow.redeem(issuer, code);
        let running: Vec<_> = (0..100).map(|_| scope.spawn(redeem)).collect();
        let ended = running
            .into_iter()
            .map(|one| one.join().expect("an answer"));
        ended.collect::<Vec<_>>()
    });
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(good.len() <= 1, "{} succeeded", good.len());
    bad.iter()
        .for_each(|answer| answer.assert_refused(400, "invalid_grant"));
    for answer in good {
        let tokens = answer.tokens();
        let known = issuer.introspect(&world.client, &tokens.access);
        assert_eq!(known["active"], false);
        let refresh = HttpRequest::refresh(&world.client, &tokens.refresh);
        issuer.send(&refresh).assert_refused(400, "invalid_grant");
    }
}

#[test]
fn rfc9126_a_pushed_request_is_opened_by_its_client_and_used_once() {
    let mut world = World::new();
    let flow = world.flow("read");
    let pushed = push(&world.issuer, &flow);
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    assert_eq!(pushed.json()["expires_in"], 60);
    let request_uri = pushed.string("request_uri");
    let opened = |client: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([("client_id", client), ("request_uri", &request_uri)]);
        format!("/oauth2/authorize?{}", query.finish())
    };
    // Not by another client.
    let other = register(&world.issuer, &[]);
    let place = world.person.open(&world.issuer, &opened(&other.id));
    if let Place::Elsewhere(back) = place {
        assert_eq!(
            parameter(&back, "error").as_deref(),
            Some("request_uri_not_supported")
        );
    }
    // Twice before anybody has signed in, which a browser may do by itself.
    let target = opened(&world.client.id);
    world.person.open(&world.issuer, &target).page();
    let page = world.person.open(&world.issuer, &target).page();
    let page = world.sign_in(&page, PASSWORD).page();
    let back = world.decide(&page, "allow").elsewhere();
    let code = flow.code(&world.issuer, &back);
    flow.redeem(&world.issuer, &code).tokens();
    // Not again.
    let page = world.person.open(&world.issuer, &target).page();
    assert!(!page.answer.body.contains("code="), "{}", page.text());
}

#[test]
fn rfc9126_2_3_a_bad_pushed_request_is_refused_when_it_is_pushed() {
    let world = World::new();
    let flow = world.flow("read");
    for (name, value, error) in [
        ("redirect_uri", "https://evil.example", "invalid_request"),
        ("scope", "unknown", "invalid_scope"),
        ("code_challenge", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("request_uri", "urn:x", "request_uri_not_supported"),
        ("resource", "https://other.example", "invalid_target"),
    ] {
        let answer = push(&world.issuer, &flow.clone().with(name, value));
        answer.assert_refused(400, error);
    }
    let form = HttpRequest::post("/oauth2/par", flow.query()).basic(&world.client.id, "wrong");
    world
        .issuer
        .send(&form)
        .assert_refused(401, "invalid_client");
}

fn push(issuer: &TestIssuer, flow: &CodeFlow) -> tokensmith_tests::Answer {
    issuer.send(&HttpRequest::post("/oauth2/par", flow.query()).by(&flow.client))
}

#[test]
fn rfc8252_7_3_an_app_on_loopback_chooses_its_port_and_is_always_asked_for() {
    let mut world = World::with(&["--public", "--redirect-uri=http://127.0.0.1/callback"]);
    let flow = world
        .flow("read")
        .with("redirect_uri", "http://127.0.0.1:51004/callback");
    for _ in 0..2 {
        let page = match flow.begin(&mut world.person, &world.issuer).page() {
            page if page.has_button("allow") => page,
            page => world.sign_in(&page, PASSWORD).page(),
        };
        let back = world.decide(&page, "allow").elsewhere();
        let code = flow.code(&world.issuer, &back);
        flow.redeem(&world.issuer, &code).tokens();
    }
    let elsewhere = flow.with("redirect_uri", CALLBACK);
    // Anywhere else its consent is remembered.
    let page = elsewhere.begin(&mut world.person, &world.issuer).page();
    world.decide(&page, "allow").elsewhere();
    elsewhere
        .begin(&mut world.person, &world.issuer)
        .elsewhere();
}
