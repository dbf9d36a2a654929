//! What API Gateway makes of answers and paths.

use serde_json::{Map, Value, json};
use tokensmith_authorizer::{MAX_ANSWER_BYTES, RouteScopes};

use super::support::{Gate, Kind, Verdict, ask, decide, policy_allows};

/// RFC 3986 §6.2.3: a token carries one spelling, and an authorizer is configured with another.
#[tokio::test]
async fn an_audience_with_and_without_the_slash_of_an_empty_path_is_one() {
    let gate = Gate::new().await;
    let token = format!("Bearer {}", gate.token().await);
    for kind in Kind::ALL {
        for (audience, passes) in [
            ("https://api.example", true),
            ("https://api.example/", true),
            ("https://api.example/v1", false),
        ] {
            let configured = audience.parse().expect("an audience");
            let authorizer = gate
                .authorizer(kind, |config| config.audience = configured)
                .await;
            let verdict = decide(&authorizer, kind, &kind.event(&token)).await;
            assert_eq!(verdict.passes(), passes, "{kind:?} {audience}");
        }
    }
}

fn any_routes(count: usize) -> Value {
    let routes = (0..count).map(|number| (format!("ANY /resource-{number}"), json!("a")));
    Value::Object(routes.collect::<Map<_, _>>())
}

/// Service quotas: the answer of an authorizer has at most 8 KB.
#[tokio::test]
async fn a_policy_over_8_kb_is_not_sent() {
    let gate = Gate::new().await;
    let token = format!("Bearer {}", gate.token_with_scopes("a").await);
    let request = "GET /resource-0";
    for kind in Kind::ALL {
        let event = kind.event_of(&token, "ANY /resource-0", request);
        let few = gate.guarding(kind, &any_routes(10)).await;
        assert!(decide(&few, kind, &event).await.passes(), "{kind:?}");
        let many = gate.guarding(kind, &any_routes(20)).await;
        match kind {
            // No policy is sent here.
            Kind::HttpSimple => assert!(decide(&many, kind, &event).await.passes()),
            _ => {
                let refused = ask(&many, &event).await.expect_err("it is too long");
                assert!(refused.contains("API Gateway takes 8192"), "{refused}");
            }
        }
    }
}

/// What the start of the function compares with the quota: never less than what is sent, whichever
/// routes a token opens.
#[tokio::test]
async fn the_size_of_a_map_covers_every_policy_that_it_makes() {
    let gate = Gate::new().await;
    let routes = json!({
        "ANY /{all+}": "a",
        "GET /orders/{id}": "b",
        "GET /orders/{id}/items/{item}": "a",
        "ANY /orders/export": "b",
        "PUT /orders/{id}": "",
        "$default": "a",
    });
    let parsed: RouteScopes = routes.to_string().parse().expect("routes");
    let bound = parsed.max_answer_bytes();
    assert!(bound < MAX_ANSWER_BYTES, "{bound}");
    for kind in [
        Kind::HttpPolicy,
        Kind::Http1,
        Kind::RestToken,
        Kind::RestRequest,
    ] {
        let authorizer = gate.guarding(kind, &routes).await;
        for scopes in ["a", "b", "a b", "c"] {
            let token = format!("Bearer {}", gate.token_with_scopes(scopes).await);
            for key in ["GET /orders/{id}", "ANY /{all+}", "PUT /orders/{id}"] {
                let event = kind.event_of(&token, key, &key.replace(['{', '}', '+'], ""));
                let answer = ask(&authorizer, &event).await.expect("an answer");
                let length = answer.to_string().len();
                assert!(
                    length <= bound,
                    "{kind:?} {scopes} {key}: {length} > {bound}"
                );
            }
        }
    }
    let many: RouteScopes = any_routes(20).to_string().parse().expect("routes");
    assert!(many.max_answer_bytes() > MAX_ANSWER_BYTES);
}

/// `/orders/%65xport` is `/orders/export` to API Gateway, and not to who compares the text.
#[tokio::test]
async fn a_token_authorizer_refuses_an_escape_in_the_path() {
    let gate = Gate::new().await;
    let kind = Kind::RestToken;
    let routes = json!({
        "GET /orders/{id}": "a",
        "GET /orders/export": "export",
        "ANY /{all+}": "a",
    });
    let authorizer = gate.guarding(kind, &routes).await;
    for scopes in ["a", "a export"] {
        let token = format!("Bearer {}", gate.token_with_scopes(scopes).await);
        for path in ["/orders/%65xport", "/orders/17%2f", "/%6frders/17", "/x/%"] {
            let request = format!("GET {path}");
            let event = kind.event_of(&token, &request, &request);
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, Verdict::Forbidden, "{path}");
        }
        // API Gateway may apply the answer to one request to the next.
        let event = kind.event_of(&token, "GET /orders/17", "GET /orders/17");
        let cached = ask(&authorizer, &event).await.expect("a policy");
        let arn = event["methodArn"].as_str().expect("an ARN");
        assert!(policy_allows(&cached, arn));
        assert!(!policy_allows(&cached, &arn.replace("17", "%65xport")));
    }
}
