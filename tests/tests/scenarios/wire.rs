//! What client libraries send and expect beyond the letter of the RFCs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokensmith_tests::records::API;
use tokensmith_tests::{HttpRequest, TestClient, TestIssuer, World};

/// Clients read every answer as JSON.
#[test]
fn a_revocation_is_answered_with_an_empty_json_object() {
    let world = World::new(TestIssuer::shared());
    let tokens = world.refresh(&world.grant().token);
    for token in [&tokens.access, &tokens.refresh, "unknown"] {
        let answer = world
            .issuer
            .send(&HttpRequest::revoke(&world.client, token));
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

/// RFC 6749 Appendix B: whatever `charset` says, the bytes are UTF-8 or refused.
#[test]
fn any_charset_is_ignored_and_the_bytes_are_utf8() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("charset", &["--scope=read"]);
    for charset in [
        "ISO-8859-1",
        "US-ASCII",
        "utf8",
        "UTF-8",
        "\"utf-8\"",
        "",
        "x; charset=y",
    ] {
        let kind = format!("application/x-www-form-urlencoded; charset={charset}");
        let ask = |more: &str| {
            let form = format!("grant_type=client_credentials{more}");
            let request = HttpRequest::post("/oauth2/token", form).by(&client);
            let request = request.without_header("content-type");
            issuer.send(&request.header("content-type", kind.as_str()))
        };
        let answer = ask("&unknown=%C3%A9");
        assert_eq!(answer.status, 200, "{charset}: {}", answer.body);
        ask("&unknown=%E9").assert_refused(400, "invalid_request");
    }
    // Two headers that a gateway has joined are as wrong as two headers.
    let form = "application/x-www-form-urlencoded";
    for kind in [
        format!("{form},{form}"),
        format!("{form}; charset=utf-8,text/plain"),
    ] {
        let request = HttpRequest::post("/oauth2/token", "grant_type=client_credentials");
        let request = request.by(&client).without_header("content-type");
        let answer = issuer.send(&request.header("content-type", kind));
        answer.assert_refused(400, "invalid_request");
    }
}

/// Fetch §4.8: browsers ask for the headers of tracing and of MCP clients, whose names no list has.
#[test]
fn a_preflight_for_any_header_is_allowed() {
    let issuer = TestIssuer::shared();
    for (path, method) in [
        ("/oauth2/token", "POST"),
        ("/oauth2/refresh", "POST"),
        ("/oauth2/revoke", "POST"),
        ("/oauth2/revocations", "GET"),
        ("/.well-known/jwks.json", "GET"),
        ("/.well-known/oauth-authorization-server", "GET"),
        ("/.well-known/openid-configuration", "GET"),
    ] {
        let allowed = |asked: &str| {
            let request = HttpRequest::new("OPTIONS", path)
                .header("origin", "https://app.example")
                .header("access-control-request-method", method)
                .header("access-control-request-headers", asked);
            let answer = issuer.send(&request);
            assert_eq!(answer.status, 204, "{path}");
            let list = answer.header("access-control-allow-headers");
            let list = list.expect("a list").split(", ").map(str::to_lowercase);
            list.collect::<Vec<_>>()
        };
        let documented = ["authorization", "content-type", "dpop"];
        assert_eq!(allowed(""), documented);
        let more = ["mcp-protocol-version", "traceparent", "x-b3-traceid"];
        let asked = "content-type,mcp-protocol-version,traceparent, x-b3-traceid";
        assert_eq!(allowed(asked), [&documented[..], &more].concat());
        // What is no name of a header is not repeated, and the list is bounded.
        assert_eq!(allowed("a b, x:y, <z>, (q)"), documented);
        assert!(allowed(&vec!["x-a"; 1000].join(",")).len() == 4);
        let many: Vec<String> = (0..400).map(|number| format!("x-{number}")).collect();
        assert!(allowed(&many.join(",")).len() <= 3 + 64);
    }
    let introspect = HttpRequest::new("OPTIONS", "/oauth2/introspect")
        .header("access-control-request-headers", "traceparent");
    let answer = issuer.send(&introspect);
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("access-control-allow-headers"), None);
}

/// RFC 8707 §2, under the name that clients of other issuers use.
#[test]
fn audience_is_an_alias_of_resource_and_both_must_agree() {
    let other = "https://other.example/v1";
    let world = World::new(TestIssuer::shared());
    let client = world.issuer.register(
        "alias",
        &[
            "--grant=client_credentials",
            "--grant=refresh_token",
            "--scope=read",
            "--audience",
            API,
            "--audience",
            other,
        ],
    );
    let subject = tokensmith_tests::unique("user");
    let grant = world.issuer.grant(&client, &subject, &["--scope=read"]);
    let refresh = format!("grant_type=refresh_token&refresh_token={}", grant.token);
    let ask = |form: &str| {
        world
            .issuer
            .send(&HttpRequest::post("/oauth2/token", form).by(&client))
    };
    for form in ["grant_type=client_credentials", refresh.as_str()] {
        for (more, audience) in [
            (format!("&audience={other}"), other),
            (format!("&audience={other}&resource={other}"), other),
            (format!("&resource={API}&audience=https://api.example"), API),
            ("&audience=".to_owned(), API),
        ] {
            let answer = ask(&format!("{form}{more}"));
            assert_eq!(answer.status, 200, "{more}: {}", answer.body);
            assert_eq!(answer.token().claims["aud"], audience, "{more}");
        }
        for more in [
            "&audience=https://nobody.example/".to_owned(),
            "&audience=api".to_owned(),
            format!("&audience={API}&resource={other}"),
            format!("&audience={other}&resource={API}&resource={other}"),
        ] {
            ask(&format!("{form}{more}")).assert_refused(400, "invalid_target");
        }
        let twice = format!("{form}&audience={API}&audience={API}");
        ask(&twice).assert_refused(400, "invalid_request");
    }
}

/// RFC 3986 §6.2.3: an empty path is the path `/`. Nothing else is normalized.
#[test]
fn a_resource_with_and_without_the_slash_of_an_empty_path_is_one() {
    let issuer = TestIssuer::shared();
    let spellings = ["https://slash.example", "https://slash.example/"];
    for (registered, other) in [(spellings[0], spellings[1]), (spellings[1], spellings[0])] {
        let access = [
            "--grant=client_credentials",
            "--grant=refresh_token",
            "--scope=read",
            "--audience",
            registered,
        ];
        let client = issuer.register("slash", &access);
        let subject = tokensmith_tests::unique("user");
        let grant = ["--scope=read", "--audience", other];
        let grant = issuer.grant(&client, &subject, &grant);
        let both = format!("&resource={other}&resource={registered}");
        let refresh = format!("grant_type=refresh_token&refresh_token={}", grant.token);
        for form in ["grant_type=client_credentials", refresh.as_str()] {
            for more in [&format!("&resource={other}"), &both] {
                let request = HttpRequest::post("/oauth2/token", format!("{form}{more}"));
                let answer = issuer.send(&request.by(&client));
                assert_eq!(answer.status, 200, "{more}: {}", answer.body);
                // Tokens carry the spelling that is registered.
                assert_eq!(answer.token().claims["aud"], registered, "{more}");
            }
        }
        for wrong in [
            "https://slash.example//",
            "https://slash.example/v1",
            "https://SLASH.example/",
            "https://slash.example:443/",
            "http://slash.example/",
        ] {
            let answer = issuer.token(&client, &format!("&resource={wrong}"));
            answer.assert_refused(400, "invalid_target");
        }
    }
}

/// The issuer's URL is the audience of every client that names none. No spelling of it makes another
/// client the owner of their tokens.
#[test]
fn the_issuer_as_an_audience_owns_no_tokens_with_a_slash_either() {
    let issuer = TestIssuer::shared();
    let victim = issuer.register("victim", &["--scope=read"]);
    let token = issuer.token(&victim, "").access_token();
    let with_slash = format!("{}/", issuer.url);
    let curious = issuer.register("curious", &["--audience", &with_slash]);
    let told = issuer.introspect(&curious, &token);
    assert_eq!(told, json!({ "active": false }));
}

/// RFC 6749 §2.3: some gateways join the two headers of a request with two methods.
#[test]
fn two_joined_authorization_headers_are_several_methods() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("joined", &[]);
    let other = issuer.register("other", &[]);
    let basic = |client: &TestClient| {
        let credentials = STANDARD.encode(format!("{}:{}", client.id, client.secret()));
        format!("Basic {credentials}")
    };
    let (own, others) = (basic(&client), basic(&other));
    for joined in [format!("{own},{others}"), format!("{own}, {own}")] {
        let request = HttpRequest::post("/oauth2/token", "grant_type=client_credentials");
        let answer = issuer.send(&request.header("authorization", joined));
        answer.assert_refused(400, "invalid_request");
    }
}

#[test]
fn a_list_in_one_option_is_refused_with_repeat_the_option() {
    let issuer = TestIssuer::shared();
    let client = issuer.register(
        "lists",
        &["--grant=refresh_token", "--scope=a", "--scope=b"],
    );
    let new = tokensmith_tests::unique("listed");
    let create = ["client", "create", "--id", &new];
    let update = ["client", "update", &client.id];
    let grant = ["grant", "create", "--client", &client.id, "--subject=lists"];
    let scope = ["--scope=a,b"];
    let default_scope = ["--scope=a", "--default-scope=a,b"];
    let audience = ["--audience=https://a.example/,https://b.example/"];
    for (command, option) in [
        (&create[..], &scope[..]),
        (&create[..], &default_scope[..]),
        (&create[..], &audience[..]),
        (&update[..], &scope[..]),
        (&update[..], &default_scope[..]),
        (&update[..], &audience[..]),
        (&grant[..], &scope[..]),
        (&grant[..], &audience[..]),
    ] {
        let output = issuer.try_manage(&[command, option].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option:?}: {message}");
        assert!(message.contains("repeat the option"), "{message}");
    }
    let shown = issuer.manage(&["client", "show", &client.id]);
    assert_eq!(shown["scopes"], json!(["a", "b"]));
    // A comma is legal in a URI.
    let one = ["--audience=https://a.example/x,y"];
    issuer.manage(&[&create[..], &one].concat());
}

/// OpenID Connect Discovery 1.0 §3, as far as resource servers insist on it.
#[test]
fn openid_configuration_has_the_members_without_which_it_is_not_read() {
    let issuer = TestIssuer::shared();
    let document = |name: &str| {
        let answer = issuer.send(&HttpRequest::get(&format!("/.well-known/{name}")));
        answer.json().as_object().expect("an object").clone()
    };
    let mut openid = document("openid-configuration");
    let subjects = openid.remove("subject_types_supported");
    assert_eq!(subjects, Some(json!(["public"])));
    let algorithms = openid.remove("id_token_signing_alg_values_supported");
    let algorithms = algorithms.expect("algorithms");
    let keys = document("jwks.json");
    let published = |name: &serde_json::Value| {
        let keys = keys["keys"].as_array().expect("keys");
        keys.iter().any(|key| key["alg"] == *name)
    };
    let algorithms = algorithms.as_array().expect("names");
    assert!(!algorithms.is_empty() && algorithms.iter().all(published));
    for name in ["userinfo_endpoint", "claims_supported"] {
        assert!(openid.remove(name).is_some(), "{name}");
    }
    // The rest is what RFC 8414 says at the other path.
    assert_eq!(openid, document("oauth-authorization-server"));
}
