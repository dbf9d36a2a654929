//! How the revocation and introspection endpoints answer unusual and bad requests (RFC 7009,
//! RFC 7662).

use serde_json::json;
use tokensmith_tests::{HttpRequest, TestClient, TestIssuer, World, unique};

const ENDPOINTS: [&str; 2] = ["/oauth2/revoke", "/oauth2/introspect"];

/// Requests of a client about its own token, each wrong in one way.
fn bad_requests(path: &str, client: &TestClient, token: &str) -> Vec<(&'static str, HttpRequest)> {
    let (id, secret) = (&client.id, client.secret());
    let form = format!("token={token}");
    let by = |form: &str| HttpRequest::post(path, form.to_owned()).by(client);
    let at = |query: String| HttpRequest::post(&format!("{path}?{query}"), form.clone()).by(client);
    let good = by(&form);
    let typed = |value: &str| {
        good.clone()
            .without_header("content-type")
            .header("content-type", value)
    };
    vec![
        ("no token", by("")),
        ("an empty token", by("token=")),
        ("no token but a hint", by("token_type_hint=access_token")),
        ("a token twice", by(&format!("{form}&{form}"))),
        ("two tokens", by(&format!("{form}&token=other"))),
        (
            "a hint twice",
            by(&format!("{form}&token_type_hint=a&token_type_hint=b")),
        ),
        ("a broken escape", by(&format!("{form}&x=%zz"))),
        ("a NUL", by("token=%00")),
        ("no UTF-8", by("token=%ff")),
        ("JSON", typed("application/json")),
        ("multipart", typed("multipart/form-data; boundary=x")),
        ("text", typed("text/plain")),
        (
            "no content type",
            good.clone().without_header("content-type"),
        ),
        (
            "two content types",
            good.clone().header("content-type", "text/plain"),
        ),
        ("the token in the URL", at(form.clone())),
        (
            "the token in the URL only",
            HttpRequest::post(&format!("{path}?{form}"), String::new()).by(client),
        ),
        (
            "the secret in the URL",
            at(format!("client_secret={secret}")),
        ),
        ("the client in the URL", at(format!("client_id={id}"))),
        (
            "a secret in header and body",
            by(&format!("{form}&client_id={id}&client_secret={secret}")),
        ),
        (
            "an assertion besides the secret",
            by(&format!("{form}&client_assertion=x")),
        ),
        ("two Authorization headers", good.clone().basic(id, secret)),
        (
            "another client in the body",
            by(&format!("{form}&client_id=other")),
        ),
        (
            "a body over 64 KiB",
            by(&format!("{form}&x={}", "x".repeat(64 * 1024))),
        ),
        (
            "a token of 64 KiB",
            by(&format!("token={}", "x".repeat(64 * 1024))),
        ),
    ]
}

/// Requests about it without the right client authentication.
fn strangers_requests(
    path: &str,
    client: &TestClient,
    wrong: &str,
    token: &str,
) -> Vec<(&'static str, HttpRequest)> {
    let (id, secret) = (&client.id, client.secret());
    let form = |more: &str| HttpRequest::post(path, format!("token={token}{more}"));
    vec![
        ("nobody", form("")),
        (
            "a client without its secret",
            form(&format!("&client_id={id}")),
        ),
        ("a malformed secret", form("").basic(id, "secret")),
        ("a wrong secret", form("").basic(id, wrong)),
        (
            "a wrong secret in the body",
            form(&format!("&client_id={id}&client_secret={wrong}")),
        ),
        ("another's secret", form("").basic("nobody", secret)),
        (
            "a bearer token",
            form("").header("authorization", format!("Bearer {token}")),
        ),
        ("no base64", form("").header("authorization", "Basic ?")),
        ("no colon", form("").header("authorization", "Basic eA==")),
        (
            "an assertion",
            form("&client_assertion=x&client_assertion_type=y"),
        ),
    ]
}

#[test]
fn rfc6749_5_2_bad_revocations_and_introspections_have_their_exact_answers() {
    let world = World::new(TestIssuer::shared());
    let tokens = world.refresh(&world.grant().token);
    for path in ENDPOINTS {
        let refused = |name: &str, request: HttpRequest, status: u16, error: &str| {
            if !world.issuer.hears(name, &request) {
                return;
            }
            let answer = world.issuer.send(&request);
            let told = (answer.status, answer.json()["error"].clone());
            assert_eq!(
                told,
                (status, json!(error)),
                "{path}, {name}: {}",
                answer.body
            );
            assert_eq!(
                answer.header("content-type"),
                Some("application/json"),
                "{name}"
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
            assert_eq!(answer.header("pragma"), Some("no-cache"), "{name}");
            // Invariant 1: what was sent is not echoed.
            for secret in [&tokens.access, &tokens.refresh, world.client.secret()] {
                assert!(!answer.body.contains(&secret[4..24]), "{name}");
            }
            let challenge = answer.header("www-authenticate");
            assert_eq!(
                challenge.is_some_and(|one| one.starts_with("Basic ")),
                status == 401,
                "{name}"
            );
        };
        for token in [&tokens.access, &tokens.refresh] {
            for (name, request) in bad_requests(path, &world.client, token) {
                refused(name, request, 400, "invalid_request");
            }
            for (name, request) in
                strangers_requests(path, &world.client, world.server.secret(), token)
            {
                refused(name, request, 401, "invalid_client");
            }
        }
        for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
            let request = HttpRequest::new(method, path).by(&world.client);
            let answer = world.issuer.send(&request);
            assert_eq!(answer.status, 405, "{method}");
            let allowed = match path {
                "/oauth2/introspect" => "POST",
                _ => "POST, OPTIONS",
            };
            assert_eq!(answer.header("allow"), Some(allowed), "{method}");
        }
    }
    // Nothing of all that has revoked anything.
    assert!(world.is_active(&tokens.access));
    world.refresh(&tokens.refresh);
}

#[test]
fn invariant_10_a_wrong_client_and_a_wrong_secret_look_the_same() {
    let world = World::new(TestIssuer::shared());
    let wrong = world.server.secret();
    for path in ENDPOINTS {
        let ask = |id: &str| {
            let request = HttpRequest::post(path, "token=x").basic(id, wrong);
            world.issuer.send(&request).comparable()
        };
        assert_eq!(ask(&world.client.id), ask("nobody"));
        assert_eq!(ask(&world.client.id).status, 401);
    }
}

#[test]
fn rfc7662_2_1_a_public_client_revokes_its_own_tokens_and_may_not_introspect() {
    let world = World::new(TestIssuer::shared());
    let allow = format!("{}=read", world.resource);
    let public = world.issuer.register_public("public", &["--allow", &allow]);
    let grant = world
        .issuer
        .grant(&public, &unique("user"), &["--scope=read"]);
    let introspect = |token: &str| (world.issuer).send(&HttpRequest::introspect(&public, token));
    let refresh = |token: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let request = HttpRequest::form("/oauth2/refresh", &form).by(&public);
        world.issuer.send(&request)
    };
    let tokens = refresh(&grant.token).tokens();
    for token in [&tokens.access, &tokens.refresh] {
        introspect(token).assert_refused(401, "invalid_client");
    }
    assert!(world.is_active(&tokens.access));
    let revoked = HttpRequest::revoke(&public, &tokens.refresh);
    assert_eq!(world.issuer.send(&revoked).status, 200);
    assert!(!world.is_active(&tokens.access));
    refresh(&tokens.refresh).assert_refused(400, "invalid_grant");
}

#[test]
fn rfc7009_2_2_odd_requests_that_are_right_are_answered() {
    let world = World::new(TestIssuer::shared());
    let foreign = World::new(TestIssuer::serve(&[]));
    let theirs = foreign.refresh(&foreign.grant().token);
    let longest = "x".repeat(64 * 1024 - "token=".len());
    let unknown = [
        "x",
        "tksmr_",
        "tksmc_",
        "..",
        "eyJ.e30.x",
        "🔑",
        &longest,
        &theirs.access,
        &theirs.refresh,
    ];
    for token in unknown {
        let revoked = world
            .issuer
            .send(&HttpRequest::revoke(&world.client, token));
        assert_eq!((revoked.status, revoked.body.as_str()), (200, "{}"));
        let told = world
            .issuer
            .send(&HttpRequest::introspect(&world.client, token));
        assert_eq!(
            (told.status, told.body.as_str()),
            (200, r#"{"active":false}"#)
        );
    }
    let id = &world.client.id;
    for more in [
        "&token_type_hint=unheard_of",
        "&token_type_hint=refresh_token",
        "&token_type_hint=&unknown=1&unknown_too=2",
        &format!("&client_id={id}"),
    ] {
        let tokens = world.refresh(&world.grant().token);
        let form = format!("token={}{more}", tokens.access);
        let told = world
            .issuer
            .send(&HttpRequest::post(ENDPOINTS[1], form.clone()).by(&world.client));
        assert_eq!(told.json()["active"], true, "{more}");
        let revoked = world
            .issuer
            .send(&HttpRequest::post(ENDPOINTS[0], form).by(&world.client));
        assert_eq!(
            (revoked.status, revoked.body.as_str()),
            (200, "{}"),
            "{more}"
        );
        assert_eq!(revoked.header("cache-control"), Some("no-store"));
        assert!(!world.is_active(&tokens.access), "{more}");
    }
}
