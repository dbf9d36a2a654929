//! API Gateway may apply the policy that answers one request to later ones with the same token: it
//! never opens a route that the authorizer would not.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{Gate, Kind, ask, decide, policy_allows};

const KIND: Kind = Kind::RestRequest;
const STAGE: &str = "arn:aws:execute-api:eu-central-1:123456789012:f6g7h8i9j0/live";

/// The policy for a token with these scopes that asks for this.
async fn policy(routes: &Value, scopes: &str, key: &str, request: &str) -> Value {
    let gate = Gate::new().await;
    let authorizer = gate.guarding(KIND, routes).await;
    let token = format!("Bearer {}", gate.token_with_scopes(scopes).await);
    let event = KIND.event_of(&token, key, request);
    ask(&authorizer, &event).await.expect("a policy")
}

fn opens(policy: &Value, request: &str) -> bool {
    let (method, path) = request.split_once(' ').expect("METHOD /path");
    policy_allows(policy, &format!("{STAGE}/{method}{path}"))
}

fn resources(policy: &Value, effect: &str) -> Vec<String> {
    let statements = policy["policyDocument"]["Statement"].as_array();
    let statements = statements.expect("statements").iter();
    let of_effect = statements.filter(|statement| statement["Effect"] == effect);
    let resources = of_effect.flat_map(|one| one["Resource"].as_array().expect("resources"));
    let below = |arn: &Value| {
        let arn = arn.as_str().expect("an ARN");
        let below = arn.strip_prefix(STAGE).expect("this API and stage");
        below.to_owned()
    };
    resources.map(below).collect()
}

#[tokio::test]
async fn a_policy_lists_exactly_the_permitted_routes() {
    let routes = json!({
        "GET /orders": "read",
        "GET /orders/{id}": "read",
        "POST /orders": "write",
        "POST /orders/{id}/refund": "refund",
        "ANY /admin": "admin",
    });
    let policy = policy(&routes, "read", "GET /orders", "GET /orders").await;
    assert_eq!(
        resources(&policy, "Allow"),
        ["/GET/orders", "/GET/orders/*"]
    );
    assert_eq!(resources(&policy, "Deny"), ["/GET/orders/*/*"]);
    for (request, opened) in [
        ("GET /orders", true),
        ("GET /orders/18", true),
        ("POST /orders", false),
        ("POST /orders/18/refund", false),
        ("GET /orders/18/unlisted", false),
        ("GET /admin", false),
        ("GET /unlisted", false),
    ] {
        assert_eq!(opens(&policy, request), opened, "{request}");
    }
    let elsewhere = STAGE.replace("live", "test");
    assert!(!policy_allows(&policy, &format!("{elsewhere}/GET/orders")));
    let elsewhere = STAGE.replace("f6g7h8i9j0", "another");
    assert!(!policy_allows(&policy, &format!("{elsewhere}/GET/orders")));
}

/// Also when it answers a request that is refused, the policy is the token's: it closes no other
/// route, and opens not this one.
#[tokio::test]
async fn a_refusal_says_the_same_of_all_other_routes() {
    let routes = json!({ "GET /orders/{id}": "read", "POST /orders": "write" });
    let policy = policy(&routes, "read", "POST /orders", "POST /orders").await;
    assert!(!opens(&policy, "POST /orders"));
    assert!(opens(&policy, "GET /orders/17"));
    let nothing = self::policy(&routes, "other", "POST /orders", "POST /orders").await;
    assert_eq!(resources(&nothing, "Allow"), [""; 0]);
    assert_eq!(resources(&nothing, "Deny"), ["/POST/orders"]);
}

/// A `*` for the method would match a part of the path.
#[tokio::test]
async fn every_method_is_written_out() {
    let routes = json!({ "ANY /orders": "read", "GET /secret/orders": "secret" });
    let policy = policy(&routes, "read", "ANY /orders", "PUT /orders").await;
    assert!(opens(&policy, "PUT /orders") && opens(&policy, "DELETE /orders"));
    assert!(!opens(&policy, "GET /secret/orders"));
    assert!(!opens(&policy, "GET /unlisted/orders"));
}

/// The caller chooses the path, and a policy reads some characters as patterns.
#[tokio::test]
async fn a_path_with_wildcards_opens_nothing_else() {
    let routes = json!({
        "GET /orders/{id}": "read",
        "GET /orders/{id}/items": "read",
        "GET /orders/export": "export",
        "GET /orders/{id}/audit": "audit",
    });
    for path in ["*", "?xport", "ex*", "${aws:username}", "*/items", "%2A"] {
        let key = if path.contains('/') {
            "GET /orders/{id}/items"
        } else {
            "GET /orders/{id}"
        };
        let request = format!("GET /orders/{path}");
        let policy = policy(&routes, "read", key, &request).await;
        for closed in [
            "GET /orders/export",
            "GET /orders/17/audit",
            "GET /x",
            "PUT /orders/17",
        ] {
            assert!(!opens(&policy, closed), "{path}: {closed}");
        }
    }
}

/// What the map cannot say in one policy is permitted request by request.
#[tokio::test]
async fn a_route_that_no_policy_can_name_alone_is_permitted_by_itself() {
    let routes = json!({
        "ANY /{all+}": "all",
        "GET /orders/{id}": "secret",
        "GET /orders/export": "all",
    });
    let policy = policy(&routes, "all", "ANY /{all+}", "GET /customers/3").await;
    assert!(opens(&policy, "GET /customers/3"));
    assert!(opens(&policy, "GET /orders/export"));
    assert!(!opens(&policy, "GET /orders/17"));
}

const PATHS: [&str; 9] = [
    "/", "/a", "/{x}", "/a/b", "/a/{x}", "/{x}/b", "/a/{x}/b", "/a/{x+}", "/{x+}",
];
const REQUESTED: [&str; 11] = [
    "/", "/a", "/b", "/a/b", "/a/c", "/b/b", "/b/c", "/a/b/b", "/a/c/b", "/a/c/d", "/b/c/d/e",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Against the authorizer's own answers: for any map, token and request, a policy opens another
    /// listed route only if the authorizer would.
    #[test]
    fn no_cached_policy_opens_what_the_authorizer_closes(
        chosen in prop::collection::btree_set((0..PATHS.len(), 0..3_usize), 1..7),
        needs in prop::collection::vec(0..2_usize, 7),
        first in (0..REQUESTED.len(), 0..2_usize),
    ) {
        let methods = ["GET", "PUT", "ANY"];
        let routes = chosen.iter().zip(&needs).map(|((path, method), need)| {
            let key = format!("{} {}", methods[*method], PATHS[*path]);
            (key, json!(["held", "missing"][*need]))
        });
        let routes = Value::Object(routes.collect());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let gate = Gate::new().await;
            // The kind that finds the route by itself is the oracle.
            let authorizer = gate.guarding(Kind::RestToken, &routes).await;
            let token = format!("Bearer {}", gate.token_with_scopes("held").await);
            let event = |request: &str| Kind::RestToken.event_of(&token, request, request);
            let first = format!("{} {}", methods[first.1], REQUESTED[first.0]);
            let cached = ask(&authorizer, &event(&first)).await.expect("a policy");
            let fresh = decide(&authorizer, Kind::RestToken, &event(&first)).await;
            assert_eq!(opens(&cached, &first), fresh.passes(), "{routes} {first}");
            for method in ["GET", "PUT", "POST"] {
                for path in REQUESTED {
                    let later = format!("{method} {path}");
                    let fresh = decide(&authorizer, Kind::RestToken, &event(&later)).await;
                    let is_listed = listed(&routes, method, path);
                    if opens(&cached, &later) && is_listed {
                        assert!(fresh.passes(), "{routes}: {first} opened {later}");
                    }
                }
            }
        });
    }
}

/// Whether any route takes the request, by a reading of its own.
fn listed(routes: &Value, method: &str, path: &str) -> bool {
    let takes = |key: &String| {
        let (of, pattern) = key.split_once(' ').expect("a key");
        let pattern: Vec<_> = pattern[1..].split('/').collect();
        let path: Vec<_> = path[1..].split('/').collect();
        let fits = |(wanted, found): (&&str, &&str)| {
            wanted == found || (wanted.starts_with('{') && !found.is_empty())
        };
        let greedy = pattern.last().is_some_and(|last| last.ends_with("+}"));
        (of == "ANY" || of == method)
            && (pattern.len() == path.len() || greedy && pattern.len() < path.len())
            && pattern.iter().zip(&path).all(fits)
    };
    routes.as_object().expect("an object").keys().any(takes)
}
