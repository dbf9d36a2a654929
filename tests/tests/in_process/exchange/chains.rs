//! What an exchanged token says, how long its chain may be, and what it costs.

use serde_json::{Value, json};
use tokensmith_issuer::GrantType;
use tokensmith_tests::records::{API, OTHER_API};
use tokensmith_tests::{START, TestClient};

use super::{ACCESS_TOKEN, JWT, Scene, THIRD_API, exchange};

#[tokio::test]
async fn rfc8693_2_2_1_an_api_goes_on_for_the_subject_of_the_token_that_it_was_sent() {
    let scene = Scene::new().await;
    let first = scene.claims(&scene.token).await;
    let answer = scene
        .exchange(&scene.token, &[("audience", OTHER_API)])
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["issued_token_type"], ACCESS_TOKEN);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["scope"], "b");
    assert_eq!(body.get("refresh_token"), None);
    let claims = json!(answer.claims());
    let expected = json!({
        "iss": "https://issuer.example",
        "sub": "alice",
        "aud": OTHER_API,
        "exp": START + 900,
        "iat": START,
        "jti": claims["jti"],
        "client_id": "orders",
        "scope": "b",
        "act": { "sub": "orders" },
        "parents": [{ "jti": first["jti"], "client_id": "app", "grant_id": scene.grant.id }],
    });
    assert_eq!(claims, expected);
    let shown = scene
        .issuer
        .introspect(&scene.stock, &answer.access_token())
        .await;
    assert_eq!(shown.json()["active"], true);
    assert_eq!(shown.json()["act"], json!({ "sub": "orders" }));
    assert_eq!(shown.json().get("grant_id"), None);
}

#[tokio::test]
async fn rfc8693_4_1_the_next_actor_is_outside_and_all_that_a_token_rests_on_is_flat() {
    let scene = Scene::new().await;
    let [_, second, third] = scene.chain().await;
    let [second, third] = [scene.claims(&second).await, scene.claims(&third).await];
    assert_eq!(third["sub"], "alice");
    assert_eq!(third["aud"], THIRD_API);
    assert_eq!(third["scope"], "a");
    assert_eq!(
        third["act"],
        json!({ "sub": "stock", "act": { "sub": "orders" } })
    );
    let mut parents = second["parents"].as_array().expect("parents").clone();
    parents.push(json!({ "jti": second["jti"], "client_id": "orders" }));
    assert_eq!(third["parents"], Value::Array(parents));
}

#[tokio::test]
async fn rfc8693_2_1_without_a_target_the_new_token_is_for_the_resource_of_the_old_one() {
    let scene = Scene::new().await;
    for (more, scope) in [
        (vec![], "a b"),
        (vec![("scope", "b")], "b"),
        (vec![("resource", API)], "a b"),
        (vec![("resource", "https://api.example")], "a b"),
        (vec![("subject_token_type", JWT)], "a b"),
        (vec![("requested_token_type", JWT)], "a b"),
        (vec![("requested_token_type", ACCESS_TOKEN)], "a b"),
    ] {
        let answer = scene.exchange(&scene.token, &more).await;
        assert_eq!(answer.status, 200, "{more:?}: {}", answer.body);
        assert_eq!(answer.json()["scope"], scope, "{more:?}");
        assert_eq!(answer.claims().aud.as_slice(), [API], "{more:?}");
    }
}

#[tokio::test]
async fn rfc8693_4_1_four_may_have_acted_and_a_fifth_is_refused() {
    let scene = Scene::new().await;
    let mut token = scene.token.clone();
    for actors in 1..=4 {
        let answer = scene.exchange(&token, &[]).await;
        assert_eq!(answer.status, 200, "{actors}: {}", answer.body);
        let claims = answer.claims();
        let act = claims.act.as_ref().expect("an actor");
        assert_eq!(act.chain().count(), actors);
        assert_eq!(claims.parents.len(), actors);
        token = answer.access_token();
    }
    let refused = scene.exchange(&token, &[]).await;
    refused.assert_refused(400, "invalid_request");
}

#[tokio::test]
async fn a_token_rests_on_eight_others_at_most() {
    for (is_of_a_key, last) in [(false, 200), (true, 400)] {
        let scene = Scene::new().await;
        let mut token = match is_of_a_key {
            true => scene.token_of_api_key().await,
            false => scene.token.clone(),
        };
        let actor = scene.actor().await;
        for step in 1..=4 {
            // Each step adds the token and a token of the actor.
            let acting = scene.issuer.client_credentials(&actor).await.access_token();
            let more = [
                ("actor_token", &*acting),
                ("actor_token_type", ACCESS_TOKEN),
            ];
            let answer = scene.exchange(&token, &more).await;
            let expected = if step == 4 { last } else { 200 };
            assert_eq!(answer.status, expected, "{step}: {}", answer.body);
            if answer.status == 200 {
                let own = usize::from(is_of_a_key);
                assert_eq!(answer.claims().parents.len(), own + 2 * step);
                token = answer.access_token();
            }
        }
    }
}

/// Without the queries of keys, which each function makes anyway.
#[tokio::test]
async fn a_warm_exchange_makes_one_read_and_writes_nothing() {
    let scene = Scene::new().await;
    let to_other = [("resource", OTHER_API)];
    scene.exchange(&scene.token, &to_other).await;
    scene.issuer.dynamo.take_calls();
    let before = scene.issuer.items().await;
    for _ in 0..3 {
        assert_eq!(scene.exchange(&scene.token, &to_other).await.status, 200);
        assert_eq!(scene.issuer.dynamo.take_calls(), ["BatchGetItem"]);
    }
    // The client, and what is registered of both resources.
    scene.issuer.pass(10);
    assert_eq!(scene.exchange(&scene.token, &to_other).await.status, 200);
    let mut calls = scene.issuer.dynamo.take_calls();
    calls.retain(|call| call != "Query");
    assert_eq!(calls, ["GetItem", "GetItem", "GetItem", "BatchGetItem"]);
    assert_eq!(scene.issuer.items().await, before);
}

/// Invariant 12: nobody who may not exchange a token makes the issuer look it up.
#[tokio::test]
async fn invariant_12_who_may_not_exchange_a_token_causes_no_read_of_its_records() {
    let scene = Scene::new().await;
    let exchanges = |client: &mut tokensmith_issuer::store::records::Client| {
        client.grant_types = vec![GrantType::TokenExchange];
    };
    let neighbour = scene.issuer.confidential("neighbour", exchanges).await;
    let wrong = scene.orders.with_wrong_secret();
    scene.issuer.dynamo.take_calls();
    let refused: [(&TestClient, &str); 3] = [
        (&neighbour, &scene.token),
        (&wrong, &scene.token),
        (&scene.orders, "eyJhbGciOiJub25lIn0.e30."),
    ];
    for (client, token) in refused {
        let answer = exchange(&scene.issuer, client, token, &[]).await;
        assert!(answer.status >= 400, "{}", answer.body);
        let calls = scene.issuer.dynamo.take_calls();
        assert!(
            !calls.iter().any(|call| call == "BatchGetItem"),
            "{calls:?}"
        );
    }
}
