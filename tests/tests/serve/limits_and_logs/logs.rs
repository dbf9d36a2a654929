//! One JSON line for each request, with what an operator needs and nothing else.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokensmith_tests::{HttpRequest, TestIssuer};

use super::{GRANT, JWKS, TOKEN, form};

#[test]
fn every_request_leaves_exactly_one_line() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("logged", &["--scope=a"]);
    let disabled = issuer.register("disabled", &[]);
    issuer.manage(&["client", "disable", &disabled.id, "--yes"]);
    let post_only = issuer.register("post-only", &["--auth=client_secret_post"]);
    let (id, secret) = (client.id.as_str(), client.secret());
    let wrong = disabled.secret();
    let good = |more: &str| form(format!("{GRANT}{more}")).basic(id, secret);
    let named = |name: &str, secret: &str| form(GRANT).basic(name, secret);
    let get = HttpRequest::get;
    let cases = [
        (good(""), "ok", None, Some(id)),
        (good("&scope=a"), "ok", None, Some(id)),
        (
            good("&scope=b"),
            "denied",
            Some("scope_not_allowed"),
            Some(id),
        ),
        (
            good("&scope=%22"),
            "denied",
            Some("malformed_scope"),
            Some(id),
        ),
        (
            good("&resource=urn:x"),
            "denied",
            Some("resource_not_allowed"),
            Some(id),
        ),
        (
            good("&client_secret=x"),
            "denied",
            Some("several_authentication_methods"),
            Some(id),
        ),
        (
            good("&client_id=x"),
            "denied",
            Some("client_id_mismatch"),
            Some(id),
        ),
        (
            good("&a=1&a=2"),
            "denied",
            Some("repeated_parameter"),
            Some(id),
        ),
        (good("&a=%"), "denied", Some("malformed_form"), Some(id)),
        (
            named("nobody", secret),
            "denied",
            Some("unknown_client"),
            Some("nobody"),
        ),
        (
            named(id, wrong),
            "denied",
            Some("wrong_client_secret"),
            Some(id),
        ),
        (
            named(id, "x"),
            "denied",
            Some("malformed_client_secret"),
            Some(id),
        ),
        (
            form(format!("{GRANT}&client_id={id}&client_secret=x")),
            "denied",
            Some("malformed_client_secret"),
            Some(id),
        ),
        (
            form(format!("grant_type=x&client_id={id}")),
            "denied",
            Some("unsupported_grant_type"),
            Some(id),
        ),
        (
            named("a/b", secret),
            "denied",
            Some("malformed_client_id"),
            None,
        ),
        (
            named(&disabled.id, wrong),
            "denied",
            Some("client_disabled"),
            Some(&disabled.id),
        ),
        (
            named(&post_only.id, post_only.secret()),
            "denied",
            Some("wrong_authentication_method"),
            Some(&post_only.id),
        ),
        (
            form(GRANT),
            "denied",
            Some("no_client_authentication"),
            None,
        ),
        (form(""), "denied", Some("missing_grant_type"), None),
        (
            form("grant_type=x"),
            "denied",
            Some("unsupported_grant_type"),
            None,
        ),
        (
            form(GRANT).header("authorization", "Bearer x"),
            "denied",
            Some("unsupported_authentication"),
            None,
        ),
        (
            form(GRANT).header("authorization", "Basic x"),
            "denied",
            Some("malformed_basic_credentials"),
            None,
        ),
        (
            HttpRequest::post("/oauth2/token?scope=a", GRANT),
            "denied",
            Some("parameter_in_query"),
            None,
        ),
        (
            form(vec![b'x'; 70_000]),
            "denied",
            Some("body_too_large"),
            None,
        ),
        (
            form("a=&".repeat(200)),
            "denied",
            Some("too_many_parameters"),
            None,
        ),
        (
            form(GRANT).without_header("content-type"),
            "denied",
            Some("wrong_content_type"),
            None,
        ),
        (get(TOKEN), "denied", Some("method_not_allowed"), None),
        (HttpRequest::new("OPTIONS", TOKEN), "ok", None, None),
        (get(JWKS), "ok", None, None),
        (HttpRequest::new("HEAD", JWKS), "ok", None, None),
        (get(JWKS).header("if-none-match", "*"), "ok", None, None),
        (
            HttpRequest::post(JWKS, ""),
            "denied",
            Some("method_not_allowed"),
            None,
        ),
        (
            get("/.well-known/oauth-authorization-server"),
            "ok",
            None,
            None,
        ),
        (get("/.well-known/openid-configuration"), "ok", None, None),
    ];
    let answers: Vec<_> = cases.iter().map(|case| issuer.send(&case.0)).collect();
    let lines = request_lines(&mut issuer);
    assert_eq!(lines.len(), cases.len());
    for ((request, outcome, reason, client), answer) in cases.iter().zip(&answers) {
        let id = answer.header("x-request-id").expect("a request id");
        let line = lines.get(id).expect("a line");
        assert_eq!(line["outcome"], *outcome, "{line}");
        assert_eq!(
            line.get("reason"),
            reason.map(Value::from).as_ref(),
            "{line}"
        );
        assert_eq!(
            line.get("client"),
            client.map(Value::from).as_ref(),
            "{line}"
        );
        assert_eq!(line["status"], answer.status);
        assert_eq!(line["method"], request.method());
        assert_eq!(line["source"], "127.0.0.1");
        assert_eq!(line["level"], "info");
        assert!(
            line["latency_us"]
                .as_u64()
                .is_some_and(|latency| latency > 0)
        );
        let time = line["time"].as_str().expect("a time");
        assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
        let understood = answer.status == 200 && request.method() == "POST";
        assert_eq!(line.get("kid").is_some(), understood, "{line}");
        if understood {
            let token = answer.token();
            assert_eq!(line["kid"], token.header["kid"]);
            assert_eq!(line["grant_type"], "client_credentials");
            for name in ["jti", "aud", "scope"] {
                assert_eq!(line.get(name), token.claims.get(name), "{name}");
            }
        }
        let event = match (*outcome, understood) {
            ("ok", true) => "issued",
            ("ok", false) => "served",
            (denied, _) => denied,
        };
        assert_eq!(line["event"], event, "{line}");
    }
}

#[test]
fn what_was_issued_is_logged_in_part_if_it_is_long() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let names: Vec<String> = (0..30).map(|index| format!("scope-{index:03}")).collect();
    let scopes: Vec<String> = names.iter().map(|name| format!("--scope={name}")).collect();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let client = issuer.register("long", &scopes);
    let answer = issuer.token(&client, &format!("&scope={}", names.join("+")));
    assert_eq!(answer.status, 200);
    let lines = request_lines(&mut issuer);
    let line = &lines[answer.header("x-request-id").expect("an id")];
    let scope = line["scope"].as_str().expect("a scope");
    assert_eq!(scope.chars().count(), 121);
    assert!(
        names.join(" ").starts_with(scope.trim_end_matches('…')),
        "{scope}"
    );
}

#[test]
fn the_path_that_nothing_is_served_at_is_logged_as_far_as_it_is_harmless() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let (long, cut) = (
        format!("/{}", "x".repeat(500)),
        format!("/{}…", "x".repeat(119)),
    );
    let paths = [
        ("/oauth/token", "/oauth/token"),
        ("/oauth2/token/tksmc_secret", "/oauth2/token/…"),
        ("/verify/eyJhbGciOiJub25lIn0", "/verify/…"),
        ("/a%22b", "/a…"),
        (&long, &cut),
    ];
    for (path, _) in paths {
        let request = HttpRequest::get(&format!("{path}?client_secret=hidden"));
        assert_eq!(issuer.send(&request).status, 404);
    }
    let log = issuer.log();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines
        .filter(|line: &Value| line["event"] == "not_routed")
        .collect();
    let logged: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["path"].as_str())
        .collect();
    assert_eq!(logged, paths.map(|(_, path)| path));
    let told = |line: &Value| line["source"] == "127.0.0.1" && line["status"] == 404;
    assert!(lines.iter().all(told));
    assert!(!log.contains("hidden"));
}

#[test]
fn a_line_names_its_endpoint() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let expected = [
        (TOKEN, "token"),
        (JWKS, "jwks"),
        (
            "/.well-known/oauth-authorization-server",
            "authorization_server_metadata",
        ),
        ("/.well-known/openid-configuration", "openid_configuration"),
    ];
    let ids = expected.map(|(path, _)| {
        let answer = issuer.send(&HttpRequest::get(path));
        answer
            .header("x-request-id")
            .expect("a request id")
            .to_owned()
    });
    let lines = request_lines(&mut issuer);
    for (id, (_, endpoint)) in ids.iter().zip(expected) {
        assert_eq!(lines[id]["endpoint"], endpoint);
    }
}

#[test]
fn parallel_requests_leave_whole_lines_with_different_ids() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("parallel", &[]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..25).for_each(|_| drop(issuer.token(&client, ""))));
        }
    });
    let lines = request_lines(&mut issuer);
    assert_eq!(lines.len(), 200);
    assert!(
        lines
            .values()
            .all(|line| line["client"] == client.id.as_str())
    );
}

#[test]
fn a_caller_cannot_write_into_the_log() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let forged = r#"{"event":"token","outcome":"ok"}"#;
    let method = "M".repeat(2000);
    let requests = [
        form(GRANT).header("x-request-id", "chosen-by-the-caller"),
        form(GRANT).header("x-amzn-trace-id", forged),
        form(GRANT).header("user-agent", forged),
        form(GRANT).header("x-forwarded-for", "203.0.113.9"),
        form(format!("{GRANT}&client_id=%0A{forged}")),
        form(GRANT).basic(&format!("\n{forged}\n"), "x"),
        form(format!("grant_type=%0A{forged}")),
        HttpRequest::new(&method, TOKEN),
    ];
    let answers: Vec<_> = requests
        .iter()
        .map(|request| issuer.send(request))
        .collect();
    let log = issuer.log();
    for trace in [
        "chosen-by-the-caller",
        "203.0.113.9",
        "\"outcome\":\"ok\"",
        &method,
    ] {
        assert!(!log.contains(trace), "{trace}");
    }
    let lines = request_lines(&mut issuer);
    assert_eq!(lines.len(), requests.len());
    assert!(
        lines
            .values()
            .all(|line| line["outcome"] == json!("denied"))
    );
    assert!(
        answers
            .iter()
            .all(|answer| (400..500).contains(&answer.status))
    );
}

/// The lines of the log by request id; each must be JSON, and each id must be there once.
fn request_lines(issuer: &mut TestIssuer) -> BTreeMap<String, Value> {
    let log = issuer.log();
    assert!(log.ends_with('\n'));
    let mut lines = BTreeMap::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect("every line is JSON");
        let id = line["request_id"]
            .as_str()
            .expect("a request id")
            .to_owned();
        assert!(
            lines.insert(id, line).is_none(),
            "two lines for one request"
        );
    }
    lines
}
