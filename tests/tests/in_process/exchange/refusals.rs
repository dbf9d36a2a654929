//! RFC 8693 §2.2.2: what is refused, and how.

use serde_json::json;
use tokensmith_issuer::GrantType;
use tokensmith_issuer::store::records::Client;
use tokensmith_tests::forge::Forger;
use tokensmith_tests::records::{API, OTHER_API, audiences};
use tokensmith_tests::{HttpRequest, InProcess};
use tokensmith_verifier::{Algorithm, paths};

use super::{ACCESS_TOKEN, JWT, Scene, THIRD_API, TOKEN_EXCHANGE, exchange};

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";

#[tokio::test]
async fn rfc8693_2_2_2_each_parameter_that_does_not_fit_has_its_code() {
    let scene = Scene::new().await;
    let own = scene.token.as_str();
    let actor = ("actor_token", own);
    for (more, error) in [
        (vec![("subject_token", "")], "invalid_request"),
        (vec![("subject_token_type", "")], "invalid_request"),
        (
            vec![("subject_token_type", REFRESH_TOKEN)],
            "invalid_request",
        ),
        (
            vec![("requested_token_type", REFRESH_TOKEN)],
            "invalid_request",
        ),
        (vec![("requested_token_type", ID_TOKEN)], "invalid_request"),
        (vec![actor], "invalid_request"),
        (vec![("actor_token_type", ACCESS_TOKEN)], "invalid_request"),
        (
            vec![actor, ("actor_token_type", ID_TOKEN)],
            "invalid_request",
        ),
        (
            vec![actor, ("actor_token_type", REFRESH_TOKEN)],
            "invalid_request",
        ),
        (vec![("subject_token", "x")], "invalid_request"),
        (
            vec![("subject_token", &scene.grant.token)],
            "invalid_request",
        ),
        (vec![("scope", "c")], "invalid_scope"),
        (vec![("scope", "a c")], "invalid_scope"),
        (vec![("scope", "\u{7f}")], "invalid_scope"),
        // The target's word is about `a` alone, which becomes `b`.
        (
            vec![("resource", OTHER_API), ("scope", "a")],
            "invalid_scope",
        ),
        (vec![("resource", THIRD_API)], "invalid_target"),
        (
            vec![("resource", "https://nobody.example/")],
            "invalid_target",
        ),
        (vec![("resource", "nobody")], "invalid_target"),
        (
            vec![("resource", API), ("resource", OTHER_API)],
            "invalid_target",
        ),
        (
            vec![("resource", API), ("audience", OTHER_API)],
            "invalid_target",
        ),
    ] {
        let refused = scene.exchange(own, &more).await;
        assert_eq!(refused.error(), (400, error.to_owned()), "{more:?}");
    }
}

/// A token with one wrong claim, each as the issuer itself could have signed it.
#[tokio::test]
async fn rfc8693_2_2_2_what_is_no_live_token_for_the_clients_own_resource_is_an_invalid_request() {
    let scene = Scene::new().await;
    let forger = Forger::with_key_of(&scene.issuer, &scene.app, Algorithm::ES256).await;
    let good = forger.token(&forger.claims()).await;
    assert_eq!(scene.exchange(&good, &[]).await.status, 200);
    let now = scene.issuer.now().seconds();
    let actors = |depth: usize| {
        (0..depth).fold(json!(null), |act, _| match act.is_null() {
            true => json!({ "sub": "x" }),
            false => json!({ "sub": "x", "act": act }),
        })
    };
    for (claim, value) in [
        ("iss", json!("https://other.example")),
        ("exp", json!(now)),
        ("nbf", json!(now + 1)),
        ("iat", json!(now + 1)),
        ("jti", json!(null)),
        ("aud", json!(OTHER_API)),
        ("aud", json!([API, OTHER_API])),
        ("aud", json!("https://nobody.example/")),
        ("client_id", json!("nobody")),
        ("cnf", json!({ "jkt": "x" })),
        ("act", actors(4)),
        ("parents", json!([{ "rule": "r" }])),
        ("parents", json!([{ "jti": "j", "client_id": "nobody" }])),
        ("parents", json!([{ "key": "0123456789abcdef" }])),
    ] {
        let mut claims = forger.claims();
        claims[claim] = value.clone();
        let token = forger.token(&claims).await;
        let refused = scene.exchange(&token, &[]).await;
        assert_eq!(
            refused.error(),
            (400, "invalid_request".to_owned()),
            "{claim}: {value}"
        );
        // The same for who acts, except for whose resource it is for.
        if claim == "aud" && value.is_array() || claim == "act" {
            continue;
        }
        let more = [("actor_token", &*token), ("actor_token_type", ACCESS_TOKEN)];
        let refused = scene.exchange(&scene.token, &more).await;
        assert_eq!(
            refused.error(),
            (400, "invalid_request".to_owned()),
            "actor: {claim}"
        );
    }
    let wrong_type = json!({ "alg": "ES256", "typ": "JWT", "kid": forger.jwk.kid });
    let token = forger
        .sign(wrong_type.to_string(), forger.claims().to_string())
        .await;
    scene
        .exchange(&token, &[])
        .await
        .assert_refused(400, "invalid_request");
    let other = Forger::of_new_issuer(Algorithm::ES256).await;
    let foreign = other.token(&forger.claims()).await;
    scene
        .exchange(&foreign, &[])
        .await
        .assert_refused(400, "invalid_request");
}

/// Invariant 13. Whoever is told so knows what to change.
#[tokio::test]
async fn invariant_13_a_token_that_is_bound_to_a_key_is_not_exchanged_without_a_proof() {
    let scene = Scene::new().await;
    let forger = Forger::with_key_of(&scene.issuer, &scene.app, Algorithm::ES256).await;
    let mut claims = forger.claims();
    claims["cnf"] = json!({ "jkt": "x" });
    let bound = forger.token(&claims).await;
    let as_actor = [("actor_token", &*bound), ("actor_token_type", ACCESS_TOKEN)];
    for refused in [
        scene.exchange(&bound, &[]).await,
        scene.exchange(&scene.token, &as_actor).await,
    ] {
        refused.assert_refused(400, "invalid_request");
        assert!(refused.string("error_description").contains("cnf"));
    }
}

#[tokio::test]
async fn rfc8693_2_1_only_a_client_that_owns_the_resource_and_may_exchange_does() {
    let scene = Scene::new().await;
    let issuer = &scene.issuer;
    let exchanges = |client: &mut Client| client.grant_types = vec![GrantType::TokenExchange];
    let neighbour = issuer.confidential("neighbour", exchanges).await;
    // That the app may have tokens for it does not make it the owner.
    issuer.change_client(&scene.app, exchanges).await;
    for client in [&neighbour, &scene.app, &scene.stock] {
        let refused = exchange(issuer, client, &scene.token, &[]).await;
        refused.assert_refused(400, "invalid_request");
    }
    let public = issuer.public("public", exchanges).await;
    let owned_by_both = |resource: &mut tokensmith_issuer::store::records::Resource| {
        resource.owners.push(public.client_id());
    };
    issuer.change_resource(API, owned_by_both).await;
    let refused = exchange(issuer, &public, &scene.token, &[]).await;
    refused.assert_refused(401, "invalid_client");
    let refused = exchange(issuer, &scene.orders.with_wrong_secret(), &scene.token, &[]).await;
    refused.assert_refused(401, "invalid_client");
    let form = [
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", &*scene.token),
        ("subject_token_type", JWT),
    ];
    let refused = issuer.send(&HttpRequest::form(paths::TOKEN, &form)).await;
    refused.assert_refused(401, "invalid_client");
    let not_registered = |client: &mut Client| client.grant_types = vec![GrantType::RefreshToken];
    issuer.change_client(&scene.orders, not_registered).await;
    issuer.pass(10);
    let refused = scene.exchange(&scene.token, &[]).await;
    refused.assert_refused(400, "unauthorized_client");
}

/// Who acts has a token of their own that was issued to the client, or was sent to it.
#[tokio::test]
async fn rfc8693_2_1_an_actor_token_is_the_clients_own_or_was_sent_to_it() {
    let scene = Scene::new().await;
    let issuer = &scene.issuer;
    let own = |client: &mut Client| client.audiences = audiences(&[THIRD_API]);
    let stranger = issuer.confidential("stranger", own).await;
    let stolen = issuer.client_credentials(&stranger).await.access_token();
    let delegated = scene.exchange(&scene.token, &[]).await.access_token();
    for actor in [&stolen, &delegated] {
        let more = [
            ("actor_token", actor.as_str()),
            ("actor_token_type", ACCESS_TOKEN),
        ];
        let refused = scene.exchange(&scene.token, &more).await;
        refused.assert_refused(400, "invalid_request");
    }
    let both = |client: &mut Client| {
        client.grant_types = vec![GrantType::TokenExchange, GrantType::ClientCredentials];
    };
    issuer.change_client(&scene.orders, both).await;
    issuer.pass(10);
    let of_itself = issuer
        .client_credentials(&scene.orders)
        .await
        .access_token();
    let more = [
        ("actor_token", of_itself.as_str()),
        ("actor_token_type", ACCESS_TOKEN),
    ];
    let answer = scene.exchange(&scene.token, &more).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// An API key and a token of another issuer are authentication enough, and nobody acts with them.
#[tokio::test]
async fn rfc8693_2_1_an_actor_acts_for_the_subject_of_an_access_token_only() {
    let issuer = InProcess::start().await;
    for kind in [
        "urn:tokensmith:params:oauth:token-type:api-key",
        ID_TOKEN,
        JWT,
    ] {
        let form = [
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token", "x"),
            ("subject_token_type", kind),
            ("actor_token", "x"),
            ("actor_token_type", ACCESS_TOKEN),
        ];
        let refused = issuer.send(&HttpRequest::form(paths::TOKEN, &form)).await;
        refused.assert_refused(400, "invalid_request");
    }
}
