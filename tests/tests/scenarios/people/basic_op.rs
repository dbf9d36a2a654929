//! The modules of the OpenID Foundation's Basic OP certification plan, each by its name, and its config plan. Modules 3, 4 and 33 of the
//! plan are for clients that register themselves; here they ask what such a client would see.

use serde_json::{Value, json};
use tokensmith_tests::assertion::now;
use tokensmith_tests::{
    Answer, CodeFlow, HttpRequest, Person, Place, TestIssuer, eventually, parameter, unique,
};
use tokensmith_verifier::{VerificationKeys, paths};
use url::Url;

use super::{CALLBACK, PASSWORD, World, create_user, register};

/// What a flow has come to.
struct Done {
    answer: Answer,
    id_token: Value,
    userinfo: Value,
}

/// A client as the plan has it, and somebody of whom everything is known.
fn world() -> World {
    world_with(&[])
}

fn world_with(arguments: &[&str]) -> World {
    let issuer = TestIssuer::shared();
    let client = register(
        &issuer,
        &[&["--pkce=optional", "--alg=RS256"], arguments].concat(),
    );
    let user = unique("ada");
    let claims = everything_known().map(|(name, value)| format!("--claim={name}={value}"));
    let claims: Vec<&str> = claims.iter().map(String::as_str).collect();
    create_user(&issuer, &user, &claims);
    World {
        issuer,
        client,
        user,
        person: Person::new(),
    }
}

fn everything_known() -> [(&'static str, Value); 17] {
    [
        ("name", json!("Ada Lovelace")),
        ("family_name", json!("Lovelace")),
        ("given_name", json!("Ada")),
        ("middle_name", json!("King")),
        ("nickname", json!("Ada")),
        ("preferred_username", json!("ada")),
        ("profile", json!("https://example.com/ada")),
        ("picture", json!("https://example.com/ada.png")),
        ("website", json!("https://example.com/")),
        ("gender", json!("female")),
        ("birthdate", json!("1915-12-10")),
        ("zoneinfo", json!("Europe/London")),
        ("locale", json!("en-GB")),
        ("email", json!("ada@example.com")),
        ("email_verified", json!(true)),
        ("address", json!({ "locality": "London" })),
        ("phone_number", json!("+442079460000")),
    ]
}

/// The plan sends no challenge, but for its last module.
fn flow(world: &World, scope: &str) -> CodeFlow {
    let flow = world.flow(scope);
    flow.without("code_challenge")
        .without("code_challenge_method")
}

/// Exchanges the code that came back, and checks what every module checks.
fn done(world: &World, flow: &CodeFlow, back: &Url) -> Done {
    let code = flow.code(&world.issuer, back);
    assert!(code.len() * 6 > 128);
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", flow.value("redirect_uri")),
    ];
    if !flow.value("code_challenge").is_empty() {
        form.push(("code_verifier", &flow.verifier));
    }
    let redemption = HttpRequest::form(paths::TOKEN, &form).by(&flow.client);
    let answer = world.issuer.send(&redemption);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.json()["expires_in"].as_u64().expect("a number") > 0);
    let id_token = id_token(world, &answer);
    let nonce = Some(flow.value("nonce")).filter(|nonce| !nonce.is_empty());
    assert_eq!(id_token["nonce"].as_str(), nonce);
    let userinfo = userinfo(world, &answer.access_token());
    assert_eq!(userinfo["sub"], id_token["sub"]);
    Done {
        answer,
        id_token,
        userinfo,
    }
}

/// The claims of the ID token, whose signature and standard claims are right.
fn id_token(world: &World, answer: &Answer) -> Value {
    let keys = world.issuer.send(&HttpRequest::get(paths::JWKS)).body;
    let keys = VerificationKeys::usable_in(keys.as_bytes()).expect("keys");
    let token = answer.string("id_token");
    let (_, claims) = keys.signed_payload::<Value>(&token, "JWT").expect("signed");
    assert_eq!(claims["iss"], world.issuer.url.as_str());
    assert_eq!(claims["aud"], world.client.id.as_str());
    let (issued, expires) = (claims["iat"].as_u64(), claims["exp"].as_u64());
    assert!(issued.expect("a time").abs_diff(now()) < 300);
    assert!(expires.expect("a time") > now());
    assert!(claims["auth_time"].as_u64().expect("a time") <= now());
    assert_eq!(claims["acr"], "1");
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert!(claims["at_hash"].is_string());
    assert_eq!(claims["name"], Value::Null);
    assert_eq!(claims["email"], Value::Null);
    claims
}

fn userinfo(world: &World, token: &str) -> Value {
    let ask = HttpRequest::get(paths::USERINFO).header("authorization", format!("Bearer {token}"));
    let answer = world.issuer.send(&ask);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// The plan's happy flow.
fn happy(world: &mut World, flow: &CodeFlow) -> Done {
    let back = world.approve(flow);
    done(world, flow, &back)
}

/// The next second: two moments in it differ from those before.
fn next_second() {
    let before = now();
    eventually("the next second", || (now() > before).then_some(()));
}

/// Signs in again, which is asked for.
fn sign_in_again(world: &mut World, flow: &CodeFlow) -> Done {
    let page = world.sign_in_page(flow);
    let back = match world.sign_in(&page, PASSWORD) {
        Place::Elsewhere(back) => back,
        Place::Page(page) => world.decide(&page, "allow").elsewhere(),
    };
    done(world, flow, &back)
}

fn has_scope_claims(scope: &str, names: &[&str]) {
    let mut world = world();
    let flow = flow(&world, scope);
    let told = happy(&mut world, &flow).userinfo;
    for name in names {
        assert!(!told[name].is_null(), "{name}: {told}");
    }
    if !scope.contains("profile") {
        assert!(told["name"].is_null());
    }
}

const PROFILE: [&str; 14] = [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
];

#[test]
fn oidcc_server() {
    let mut world = world();
    let flow = flow(&world, "openid");
    happy(&mut world, &flow);
}

#[test]
fn oidcc_response_type_missing() {
    let mut world = world();
    let flow = flow(&world, "openid").without("response_type");
    let back = flow.begin(&mut world.person, &world.issuer).elsewhere();
    assert_eq!(flow.error(&world.issuer, &back), "invalid_request");
}

#[test]
fn oidcc_idtoken_signature() {
    let mut world = world();
    let flow = flow(&world, "openid");
    let answer = happy(&mut world, &flow).answer;
    let token = answer.string("id_token");
    let header = token.split('.').next().expect("a header");
    assert!(!header.is_empty());
    assert_eq!(answer.token().header["alg"], "RS256");
}

#[test]
fn oidcc_idtoken_unsigned() {
    let issuer = TestIssuer::shared();
    let metadata = issuer
        .send(&HttpRequest::get(paths::OPENID_CONFIGURATION))
        .json();
    let algorithms = metadata["id_token_signing_alg_values_supported"].as_array();
    assert!(!algorithms.expect("a list").contains(&json!("none")));
}

#[test]
fn oidcc_userinfo_get_post_header_and_post_body() {
    let mut world = world();
    let flow = flow(&world, "openid profile");
    let done = happy(&mut world, &flow);
    let token = done.answer.access_token();
    let bearer = format!("Bearer {token}");
    let header = HttpRequest::new("POST", paths::USERINFO).header("authorization", bearer);
    let body = HttpRequest::form(paths::USERINFO, &[("access_token", &token)]);
    for request in [header, body] {
        assert_eq!(world.issuer.send(&request).json(), done.userinfo);
    }
}

/// Without a challenge this issuer wants a nonce (RFC 9700 §2.1.1): the module passes with one of both, as this does, and fails with
/// neither.
#[test]
fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
    let mut world = world();
    let with_challenge = world.flow("openid").without("nonce");
    happy(&mut world, &with_challenge);
    let neither = flow(&world, "openid").without("nonce");
    let back = neither.begin(&mut world.person, &world.issuer).elsewhere();
    assert_eq!(neither.error(&world.issuer, &back), "invalid_request");
}

#[test]
fn oidcc_scope_profile() {
    has_scope_claims("openid profile", &PROFILE);
}

#[test]
fn oidcc_scope_email() {
    has_scope_claims("openid email", &["email", "email_verified"]);
}

#[test]
fn oidcc_scope_address() {
    has_scope_claims("openid address", &["address"]);
}

#[test]
fn oidcc_scope_phone() {
    has_scope_claims("openid phone", &["phone_number"]);
}

#[test]
fn oidcc_scope_all() {
    let all = [&PROFILE[..], &["email", "address", "phone_number"]].concat();
    has_scope_claims("openid email phone address profile", &all);
}

#[test]
fn oidcc_alternate_happy_flow() {
    let mut world = world();
    let mut flow = flow(&world, "email openid");
    flow.parameters.reverse();
    assert!(happy(&mut world, &flow).userinfo["email"].is_string());
}

#[test]
fn oidcc_parameters_that_change_nothing_here() {
    let mut world = world();
    for (module, name, value) in [
        ("oidcc_display_page", "display", "page"),
        ("oidcc_display_popup", "display", "popup"),
        (
            "oidcc_ensure_request_with_unknown_parameter_succeeds",
            "extra",
            "foobar",
        ),
        ("oidcc_login_hint", "login_hint", "buffy@host.example"),
        ("oidcc_ui_locales", "ui_locales", "se"),
        ("oidcc_claims_locales", "claims_locales", "se"),
        (
            "oidcc_ensure_request_with_acr_values_succeeds",
            "acr_values",
            "1 2",
        ),
        (
            "oidcc_claims_essential",
            "claims",
            r#"{"userinfo":{"name":{"essential":true}}}"#,
        ),
    ] {
        world.person = Person::new();
        let flow = flow(&world, "openid").with(name, value);
        let done = happy(&mut world, &flow);
        assert_eq!(done.id_token["acr"], "1", "{module}");
    }
}

#[test]
fn oidcc_prompt_login() {
    let mut world = world();
    let first = flow(&world, "openid");
    let before = happy(&mut world, &first).id_token;
    next_second();
    let again = flow(&world, "openid").with("prompt", "login");
    let after = sign_in_again(&mut world, &again).id_token;
    assert!(after["auth_time"].as_u64() > before["auth_time"].as_u64());
    assert_eq!(after["sub"], before["sub"]);
}

#[test]
fn oidcc_prompt_none_not_logged_in() {
    let mut world = world();
    let flow = flow(&world, "openid")
        .with("prompt", "none")
        .with("state", &"s".repeat(128));
    let back = flow.begin(&mut world.person, &world.issuer).elsewhere();
    assert_eq!(flow.error(&world.issuer, &back), "login_required");
}

#[test]
fn oidcc_prompt_none_logged_in_and_oidcc_id_token_hint() {
    let mut world = world();
    let first = flow(&world, "openid");
    let before = happy(&mut world, &first);
    let hint = before.answer.string("id_token");
    let none = flow(&world, "openid").with("prompt", "none");
    for again in [none.clone(), none.clone().with("id_token_hint", &hint)] {
        let back = again.begin(&mut world.person, &world.issuer).elsewhere();
        let after = done(&world, &again, &back).id_token;
        for name in ["sub", "auth_time"] {
            assert_eq!(after[name], before.id_token[name]);
        }
    }
    // A hint that names nobody, or somebody else, is not answered for who is there.
    let other = none.with("id_token_hint", "e30.e30.e30");
    let back = other.begin(&mut world.person, &world.issuer).elsewhere();
    assert_eq!(other.error(&world.issuer, &back), "login_required");
}

#[test]
fn oidcc_max_age_1() {
    let mut world = world();
    let first = flow(&world, "openid");
    let before = happy(&mut world, &first).id_token;
    next_second();
    next_second();
    next_second();
    let again = flow(&world, "openid").with("max_age", "1");
    let after = sign_in_again(&mut world, &again).id_token;
    assert!(after["auth_time"].as_u64() > before["auth_time"].as_u64());
}

#[test]
fn oidcc_max_age_10000() {
    let mut world = world();
    let first = flow(&world, "openid").with("max_age", "15000");
    let before = happy(&mut world, &first).id_token;
    let again = flow(&world, "openid").with("max_age", "10000");
    let back = again.begin(&mut world.person, &world.issuer).elsewhere();
    let after = done(&world, &again, &back).id_token;
    for name in ["sub", "auth_time"] {
        assert_eq!(after[name], before[name]);
    }
}

/// Module 29 waits for 30 seconds; nothing here depends on that.
#[test]
fn oidcc_codereuse_and_oidcc_codereuse_30seconds() {
    let mut world = world();
    let flow = flow(&world, "openid");
    let back = world.approve(&flow);
    let token = done(&world, &flow, &back).answer.access_token();
    let code = parameter(&back, "code").expect("a code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
    ];
    let again = HttpRequest::form(paths::TOKEN, &form).by(&world.client);
    world
        .issuer
        .send(&again)
        .assert_refused(400, "invalid_grant");
    let ask = HttpRequest::get(paths::USERINFO).header("authorization", format!("Bearer {token}"));
    assert_eq!(world.issuer.send(&ask).status, 401);
}

#[test]
fn oidcc_ensure_registered_redirect_uri() {
    let mut world = world();
    let flow = flow(&world, "openid").with("redirect_uri", &format!("{CALLBACK}/{}", unique("x")));
    let page = flow.begin(&mut world.person, &world.issuer).page();
    assert_eq!(page.answer.status, 400);
    assert!(!page.answer.body.contains("app.example"));
}

#[test]
fn oidcc_ensure_post_request_succeeds() {
    let mut world = world();
    let flow = flow(&world, "openid");
    let request = HttpRequest::post(paths::AUTHORIZE, flow.query());
    let answer = world.person.request(
        &world.issuer,
        request.header("sec-fetch-site", "cross-site"),
    );
    assert_eq!(answer.status, 303);
    let location = answer.header("location").expect("a location").to_owned();
    let page = world.person.open(&world.issuer, &location).page();
    let page = world.sign_in(&page, PASSWORD).page();
    let back = world.decide(&page, "allow").elsewhere();
    done(&world, &flow, &back);
}

#[test]
fn oidcc_server_client_secret_post() {
    let mut world = world_with(&["--auth=client_secret_post"]);
    let flow = world.flow("openid");
    let code = world.code(&flow);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &flow.verifier),
        ("client_id", &world.client.id),
        ("client_secret", world.client.secret()),
    ];
    let answer = world.issuer.send(&HttpRequest::form(paths::TOKEN, &form));
    id_token(&world, &answer);
}

#[test]
fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported() {
    let mut world = world();
    let flow = flow(&world, "openid").with("request_uri", "https://app.example/request.jwt");
    let back = flow.begin(&mut world.person, &world.issuer).elsewhere();
    assert_eq!(
        flow.error(&world.issuer, &back),
        "request_uri_not_supported"
    );
}

#[test]
fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() {
    let mut world = world();
    let flow = flow(&world, "openid").with("request", "eyJhbGciOiJub25lIn0.e30.");
    let back = flow.begin(&mut world.person, &world.issuer).elsewhere();
    assert_eq!(flow.error(&world.issuer, &back), "request_not_supported");
}

#[test]
fn oidcc_ensure_request_object_with_redirect_uri() {
    let mut world = world();
    let flow = flow(&world, "openid")
        .with("request", "eyJhbGciOiJub25lIn0.e30.")
        .with("redirect_uri", "https://app.example/other");
    let page = flow.begin(&mut world.person, &world.issuer).page();
    assert_eq!(page.answer.status, 400);
}

#[test]
fn oidcc_refresh_token() {
    let mut world = world();
    let flow = flow(&world, "openid offline_access").with("prompt", "consent");
    let first = happy(&mut world, &flow);
    let refresh = first.answer.refresh_token();
    next_second();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh),
        ("scope", "openid offline_access"),
    ];
    let answer = world
        .issuer
        .send(&HttpRequest::form(paths::TOKEN, &form).by(&world.client));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let again = id_token(&world, &answer);
    for name in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(again[name], first.id_token[name], "{name}");
    }
    assert_ne!(again["iat"], first.id_token["iat"]);
    userinfo(&world, &answer.access_token());
    let other = register(&world.issuer, &[]);
    let stolen = HttpRequest::refresh(&other, &answer.refresh_token());
    world
        .issuer
        .send(&stolen)
        .assert_refused(400, "invalid_grant");
}

#[test]
fn oidcc_ensure_request_with_valid_pkce_succeeds() {
    let mut world = world();
    let flow = world.flow("openid");
    happy(&mut world, &flow);
}

#[test]
fn oidcc_discovery_endpoint_verification() {
    let issuer = TestIssuer::shared();
    let metadata = issuer.send(&HttpRequest::get(paths::OPENID_CONFIGURATION));
    assert_eq!(metadata.status, 200);
    assert_eq!(metadata.header("content-type"), Some("application/json"));
    let metadata = metadata.json();
    assert_eq!(metadata["issuer"], issuer.url.as_str());
    let has = |name: &str, value: &str| {
        let list = metadata[name]
            .as_array()
            .unwrap_or_else(|| panic!("no {name}"));
        list.contains(&json!(value))
    };
    assert!(has("response_types_supported", "code"));
    assert!(has("subject_types_supported", "public"));
    assert!(has("id_token_signing_alg_values_supported", "RS256"));
    assert!(has("scopes_supported", "openid"));
    assert!(has("claims_supported", "sub"));
    assert!(has("grant_types_supported", "authorization_code"));
    assert!(has("code_challenge_methods_supported", "S256"));
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "end_session_endpoint",
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
    ] {
        let endpoint = metadata[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}"));
        assert!(endpoint.starts_with(&issuer.url), "{name}");
        let path = endpoint.strip_prefix(&issuer.url).expect("a path");
        assert_ne!(issuer.send(&HttpRequest::get(path)).status, 404, "{name}");
    }
}
