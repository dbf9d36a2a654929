//! Static claims of a client, as an integration gets them.

use serde_json::{Map, Value, json};
use tokensmith_issuer::token::StaticClaims;

use super::support::{Gate, Kind, Verdict, decide};

fn claims(claims: Value) -> StaticClaims {
    let claims: Map<String, Value> = claims.as_object().expect("an object").clone();
    StaticClaims::new(claims).expect("they are allowed")
}

#[tokio::test]
async fn static_claims_reach_the_integration_and_what_is_nested_is_text() {
    let gate = Gate::new().await;
    let given = claims(json!({
        "tenant": "t1", "seats": 5, "beta": true, "none": null, "regions": ["eu"], "plan": { "name": "gold" },
    }));
    gate.issuer
        .change_client(&gate.client, |client| client.claims = given)
        .await;
    let token = format!("Bearer {}", gate.token().await);
    let told = json!({
        "sub": "app", "client_id": "app", "scope": "a",
        "tenant": "t1", "seats": 5, "beta": true, "none": "null", "regions": "[\"eu\"]", "plan": "{\"name\":\"gold\"}",
    });
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let verdict = decide(&authorizer, kind, &kind.event(&token)).await;
        assert_eq!(verdict, Verdict::Passes(told.clone()), "{kind:?}");
    }
}

#[tokio::test]
async fn a_token_of_a_user_says_nothing_of_its_client() {
    let gate = Gate::new().await;
    let given = claims(json!({ "tenant": "t1" }));
    gate.issuer
        .change_client(&gate.client, |client| client.claims = given)
        .await;
    let grant = gate.issuer.grant(&gate.client, |_| {}).await;
    let answer = gate.issuer.refresh(&gate.client, &grant.token).await;
    let token = format!("Bearer {}", answer.access_token());
    let kind = Kind::HttpSimple;
    let authorizer = gate.authorizer(kind, |_| {}).await;
    let Verdict::Passes(told) = decide(&authorizer, kind, &kind.event(&token)).await else {
        panic!("it is refused");
    };
    assert_eq!(
        (&told["sub"], &told["tenant"]),
        (&json!("alice"), &Value::Null)
    );
}

/// A member of the context that API Gateway or the authorizer itself sets is nobody's claim.
#[test]
fn no_static_claim_has_the_name_of_a_member_of_the_context() {
    for name in [
        "sub",
        "client_id",
        "scope",
        "grant_id",
        "principalId",
        "integrationLatency",
        "claims",
    ] {
        let claims = [(name.to_owned(), json!(1))].into_iter().collect();
        assert!(StaticClaims::new(claims).is_err(), "{name}");
    }
}
