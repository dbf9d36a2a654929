//! Which route requires which scopes.

use serde_json::{Value, json};
use tokensmith_authorizer::RouteScopes;

use super::support::{Gate, Kind, Verdict, decide};

fn orders() -> Value {
    json!({
        "GET /orders": "a",
        "GET /orders/{id}": "a & b",
        "POST /orders": "b | c",
        "GET /orders/export": "c",
        "ANY /files/{path+}": "b",
        "GET /": "",
        "GET /odd": "\"x&y\"",
    })
}

/// A key of `orders`, a request that belongs to it, the scopes of a token, and whether it passes.
const CASES: [(&str, &str, &str, bool); 23] = [
    ("GET /orders", "GET /orders", "a", true),
    ("GET /orders", "GET /orders", "b c", false),
    ("GET /orders/{id}", "GET /orders/17", "a b", true),
    ("GET /orders/{id}", "GET /orders/17", "b a", true),
    ("GET /orders/{id}", "GET /orders/17", "a", false),
    ("GET /orders/{id}", "GET /orders/17", "b", false),
    ("GET /orders/{id}", "GET /orders/17", "", false),
    ("GET /orders/{id}", "GET /orders/17", "ab", false),
    ("GET /orders/{id}", "GET /orders/17", "A B", false),
    ("POST /orders", "POST /orders", "b", true),
    ("POST /orders", "POST /orders", "c", true),
    ("POST /orders", "POST /orders", "a", false),
    ("GET /orders/export", "GET /orders/export", "c", true),
    ("GET /orders/export", "GET /orders/export", "a b", false),
    ("ANY /files/{path+}", "GET /files/x", "b", true),
    ("ANY /files/{path+}", "DELETE /files/x/y/z", "b", true),
    ("ANY /files/{path+}", "PUT /files/x", "a c", false),
    ("GET /", "GET /", "", true),
    ("GET /", "GET /", "c", true),
    ("GET /odd", "GET /odd", "x&y", true),
    ("GET /odd", "GET /odd", "x y", false),
    ("DELETE /orders/{id}", "DELETE /orders/17", "a b c", false),
    ("GET /customers", "GET /customers", "a b c", false),
];

#[tokio::test]
async fn a_route_requires_its_scopes_and_an_unlisted_route_is_closed() {
    let gate = Gate::new().await;
    for kind in Kind::ALL {
        let authorizer = gate.guarding(kind, &orders()).await;
        for (key, request, scopes, passes) in CASES {
            let token = format!("Bearer {}", gate.token_with_scopes(scopes).await);
            let event = kind.event_of(&token, key, request);
            let verdict = decide(&authorizer, kind, &event).await;
            let case = format!("{kind:?} {request} with {scopes:?}: {verdict:?}");
            // 403 and not 401: the token is good.
            match passes {
                true => assert!(verdict.passes(), "{case}"),
                false => assert_eq!(verdict, Verdict::Forbidden, "{case}"),
            }
        }
    }
}

/// A token without any scope has no `scope` claim (RFC 9068 §2.2.3).
#[tokio::test]
async fn a_token_without_scopes_passes_where_none_is_required() {
    let gate = Gate::new().await;
    let bare = gate.token_with(|claims| {
        claims.as_object_mut().expect("an object").remove("scope");
    });
    let token = format!("Bearer {}", bare.await);
    for kind in Kind::ALL {
        let authorizer = gate.guarding(kind, &orders()).await;
        let event = kind.event_of(&token, "GET /", "GET /");
        assert!(decide(&authorizer, kind, &event).await.passes(), "{kind:?}");
        let event = kind.event_of(&token, "GET /orders", "GET /orders");
        let verdict = decide(&authorizer, kind, &event).await;
        assert_eq!(verdict, Verdict::Forbidden, "{kind:?}");
    }
}

/// The default route is a route like any other: it is not what unlisted routes fall back to.
#[tokio::test]
async fn the_default_route_of_an_http_api_has_its_own_scopes() {
    let gate = Gate::new().await;
    let routes = json!({ "$default": "a", "GET /orders": "b" });
    let token = format!("Bearer {}", gate.token_with_scopes("a").await);
    for kind in [Kind::HttpSimple, Kind::HttpPolicy, Kind::Http1] {
        let authorizer = gate.guarding(kind, &routes).await;
        let event = kind.event_of(&token, "$default", "GET /anything/else");
        assert!(decide(&authorizer, kind, &event).await.passes(), "{kind:?}");
        for (key, request) in [("GET /orders", "GET /orders"), ("GET /new", "GET /new")] {
            let event = kind.event_of(&token, key, request);
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, Verdict::Forbidden, "{kind:?} {key}");
        }
    }
}

/// A TOKEN authorizer is told the path alone, and finds the route as API Gateway does: literals
/// before parameters, and those before greedy ones.
#[tokio::test]
async fn the_route_of_a_token_event_is_the_most_specific_one() {
    let gate = Gate::new().await;
    let kind = Kind::RestToken;
    let routes = json!({
        "ANY /{all+}": "all",
        "GET /orders/{id}": "one",
        "GET /orders/export": "export",
        "ANY /orders/{id}/items": "items",
        "GET /orders/{id}/items": "get-items",
        "GET /orders/export/{part}": "part",
        "$default": "default",
    });
    let authorizer = gate.guarding(kind, &routes).await;
    for (request, scope) in [
        ("GET /orders/17", "one"),
        ("GET /orders/export", "export"),
        ("GET /orders/export2", "one"),
        ("POST /orders/export", "all"),
        ("POST /orders/17/items", "items"),
        ("GET /orders/17/items", "get-items"),
        ("GET /orders/export/items", "part"),
        ("GET /orders/17/items/3", "all"),
        ("DELETE /x", "all"),
        ("GET /orders/..", "one"),
        ("GET /orders/*", "one"),
        // Not for this authorizer to guess.
        ("GET /orders/", ""),
        ("GET /orders//items", ""),
        ("GET /", ""),
        ("GET //", ""),
    ] {
        for with in [
            "all",
            "one",
            "export",
            "items",
            "get-items",
            "part",
            "default",
        ] {
            let token = format!("Bearer {}", gate.token_with_scopes(with).await);
            let event = kind.event_of(&token, request, request);
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict.passes(), with == scope, "{request} with {with}");
        }
    }
}

#[test]
fn what_is_no_map_of_routes_is_refused() {
    for good in [
        json!({}),
        json!({ "$default": "" }),
        json!({ "GET /": "a", "ANY /": "b", "GET /a-b_c.d~e/{f-g_1}/{h+}": "(a | b) & c" }),
        json!({ "GET /orders/{id}": "a", "POST /orders/{order}": "b" }),
    ] {
        good.to_string().parse::<RouteScopes>().expect("routes");
    }
    for (bad, problem) in [
        ("", "EOF"),
        ("[]", "an object of routes"),
        ("null", "an object of routes"),
        (r#"{"GET /a":"a""#, "EOF"),
        (r#"{"GET /a":"a"} x"#, "trailing characters"),
        (r#"{"GET /a":null}"#, "expected a string"),
        (r#"{"GET /a":["a"]}"#, "expected a string"),
        (r#"{"GET /a":"a &"}"#, "a scope is missing"),
        (r#"{"GET /a":"a b"}"#, "is missing between two scopes"),
        (r#"{"GET /a":"a","GET /a":"b"}"#, "a route is there twice"),
        (
            r#"{"GET /{a}":"a","GET /{b}":"b"}"#,
            "a route is there twice",
        ),
        (r#"{"/a":"a"}"#, "a route is METHOD"),
        (r#"{"GET":"a"}"#, "a route is METHOD"),
        (r#"{"":"a"}"#, "a route is METHOD"),
        (r#"{"get /a":"a"}"#, "a route is METHOD"),
        (r#"{"* /a":"a"}"#, "a route is METHOD"),
        (r#"{"GET a":"a"}"#, "a route is METHOD"),
        (r#"{"GET  /a":"a"}"#, "a route is METHOD"),
        (r#"{"GET /a/":"a"}"#, "a route is METHOD"),
        (r#"{"GET //a":"a"}"#, "a route is METHOD"),
        (r#"{"GET /*":"a"}"#, "a route is METHOD"),
        (r#"{"GET /a?b":"a"}"#, "a route is METHOD"),
        (r#"{"GET /${a}":"a"}"#, "a route is METHOD"),
        (r#"{"GET /{}":"a"}"#, "a route is METHOD"),
        (r#"{"GET /{+}":"a"}"#, "a route is METHOD"),
        (r#"{"GET /a{b}":"a"}"#, "a route is METHOD"),
        (r#"{"GET /{a+}/b":"a"}"#, "a route is METHOD"),
        (r#"{"$default ":"a"}"#, "a route is METHOD"),
    ] {
        let err = bad.parse::<RouteScopes>().expect_err(bad);
        assert!(err.to_string().contains(problem), "{bad}: {err}");
    }
}
