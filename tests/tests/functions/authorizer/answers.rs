//! What each kind of API is answered.

use serde_json::json;

use super::support::{Gate, Kind, Verdict, ask, decide, refused};

#[tokio::test]
async fn a_good_token_passes_and_the_integration_is_told_whose_it_is() {
    let gate = Gate::new().await;
    let grant = gate.issuer.grant(&gate.client, |_| {}).await;
    let answer = gate.issuer.refresh(&gate.client, &grant.token).await;
    let token = format!("Bearer {}", answer.access_token());
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let told = json!({
            "sub": "alice", "client_id": "app", "scope": "a b", "grant_id": grant.id.to_string(),
        });
        let verdict = decide(&authorizer, kind, &kind.event(&token)).await;
        assert_eq!(verdict, Verdict::Passes(told), "{kind:?}");
    }
}

/// RFC 6749 §4.4: a client's own token comes from no grant.
#[tokio::test]
async fn a_token_without_a_grant_has_no_grant_id_in_its_context() {
    let gate = Gate::new().await;
    let token = format!("Bearer {}", gate.token().await);
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let told = json!({ "sub": "app", "client_id": "app", "scope": "a" });
        let verdict = decide(&authorizer, kind, &kind.event(&token)).await;
        assert_eq!(verdict, Verdict::Passes(told), "{kind:?}");
    }
}

/// The very answers, member by member, for API Gateway answers 500 to what it does not expect.
#[tokio::test]
async fn the_answers_are_what_api_gateway_reads() {
    let gate = Gate::new().await;
    let token = format!("Bearer {}", gate.token().await);
    let told = json!({ "sub": "app", "client_id": "app", "scope": "a" });
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let answer = ask(&authorizer, &kind.event(&token)).await;
        let stage = match kind {
            Kind::HttpPolicy => "a1b2c3d4e5/$default",
            Kind::Http1 => "a1b2c3d4e5/live",
            _ => "f6g7h8i9j0/live",
        };
        let everything = format!("arn:aws:execute-api:eu-central-1:123456789012:{stage}/*");
        let policy = |effect: &str| {
            json!({ "Version": "2012-10-17", "Statement": [
                { "Action": "execute-api:Invoke", "Effect": effect, "Resource": [everything] },
            ]})
        };
        let expected = match kind {
            Kind::HttpSimple => json!({ "isAuthorized": true, "context": told }),
            _ => json!({
                "principalId": "app", "policyDocument": policy("Allow"), "context": told,
            }),
        };
        assert_eq!(answer, Ok(expected), "{kind:?}");
        let answer = ask(&authorizer, &kind.event("Bearer no.such.token")).await;
        let expected = match kind {
            Kind::HttpSimple => Ok(json!({ "isAuthorized": false })),
            Kind::HttpPolicy | Kind::Http1 => Ok(json!({
                "principalId": "anonymous", "policyDocument": policy("Deny"),
            })),
            Kind::RestToken | Kind::RestRequest => Err("Unauthorized".to_owned()),
        };
        assert_eq!(answer, expected, "{kind:?}");
    }
}

#[tokio::test]
async fn an_event_that_no_authorizer_is_called_with_is_a_failure() {
    let gate = Gate::new().await;
    let token = format!("Bearer {}", gate.token().await);
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let good = kind.event(&token);
        let arn = if kind == Kind::HttpSimple || kind == Kind::HttpPolicy {
            "routeArn"
        } else {
            "methodArn"
        };
        for (name, value) in [
            ("version", json!("3.0")),
            ("version", json!("")),
            ("type", json!("JWT")),
            ("type", json!(null)),
            (arn, json!(null)),
            (arn, json!("")),
            (arn, json!("arn:aws:execute-api:eu-central-1:1:a")),
            (arn, json!("arn:aws:execute-api:eu-central-1:1:a/live")),
            (arn, json!("arn:aws:lambda:eu-central-1:1:a/live/GET/x")),
        ] {
            let mut event = good.clone();
            event[name] = value;
            let answer = ask(&authorizer, &event).await;
            let expected = "the event is not one of an API Gateway authorizer".to_owned();
            assert_eq!(answer, Err(expected), "{kind:?} {name}: {}", event[name]);
        }
        assert!(decide(&authorizer, kind, &good).await.passes(), "{kind:?}");
    }
}

/// A WebSocket API asks with an event that looks like a REST API's, and has no HTTP method.
#[tokio::test]
async fn an_event_without_a_route_is_a_failure() {
    let gate = Gate::new().await;
    let token = format!("Bearer {}", gate.token().await);
    for (kind, member) in [
        (Kind::HttpSimple, "routeKey"),
        (Kind::RestRequest, "httpMethod"),
    ] {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let mut event = kind.event(&token);
        event.as_object_mut().expect("an object").remove(member);
        assert_eq!(decide(&authorizer, kind, &event).await, Verdict::Failed);
    }
}

/// RFC 9068 §4: a token for another resource is not for this one.
#[tokio::test]
async fn a_token_for_another_audience_is_refused() {
    let gate = Gate::new().await;
    let token = format!("Bearer {}", gate.token().await);
    for kind in Kind::ALL {
        let other = |config: &mut tokensmith_authorizer::AuthorizerConfig| {
            config.audience = "https://elsewhere.example/".parse().expect("an audience");
        };
        let authorizer = gate.authorizer(kind, other).await;
        let verdict = decide(&authorizer, kind, &kind.event(&token)).await;
        assert_eq!(verdict, refused(kind), "{kind:?}");
    }
}
