//! The layer around a plain tower service, and around an axum router.

use std::convert::Infallible;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::{Request, Response, StatusCode};
use tokensmith_verifier::{Algorithm, BearerLayer, VerifiedClaims};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Forger, World};

/// Answers with the subject, and checks that the request's headers arrive.
async fn whoami(request: Request<String>) -> Result<Response<String>, Infallible> {
    assert!(request.headers().contains_key("authorization"));
    let claims = request.extensions().get::<VerifiedClaims>();
    let claims = claims.expect("the layer inserts them");
    Ok(Response::new(claims.subject().to_owned()))
}

fn request<B>(authorization: &[&str], body: B) -> Request<B> {
    let mut request = Request::get("/orders");
    for value in authorization {
        request = request.header("authorization", *value);
    }
    request.body(body).expect("a request")
}

fn header<'a, B>(response: &'a Response<B>, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().expect("text"))
}

#[tokio::test]
async fn rfc6750_3_a_layer_admits_good_tokens_and_challenges_the_rest() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&key]);
    let layer = BearerLayer::new(world.verifier.clone());
    let layer = layer.requiring("orders:read".parse().expect("an expression"));
    let service = layer.layer(service_fn(whoami));

    let good = format!("Bearer {}", world.token(&key));
    let mut claims = world.claims();
    claims["scope"] = "else".into();
    let lacking = format!("Bearer {}", key.token(&claims));
    let challenge = |rest: &str| Some(format!("Bearer realm=\"https://api.example\"{rest}"));
    for (authorization, status, value) in [
        (&[good.as_str()][..], 200, None),
        (&[], 401, challenge("")),
        (&["Basic YTpi"], 401, challenge("")),
        (
            &["Bearer a.b.c"],
            401,
            challenge(", error=\"invalid_token\", error_description=\"the token is malformed\""),
        ),
        (
            &[&good, &good],
            400,
            challenge(
                ", error=\"invalid_request\", error_description=\"the Authorization header is repeated\"",
            ),
        ),
        (
            &[&lacking],
            403,
            challenge(
                ", error=\"insufficient_scope\", error_description=\"the token lacks a scope\", scope=\"orders:read\"",
            ),
        ),
    ] {
        let answer = service
            .clone()
            .oneshot(request(authorization, String::new()));
        let answer = answer.await.expect("infallible");
        assert_eq!(answer.status(), status, "{authorization:?}");
        assert_eq!(header(&answer, "www-authenticate"), value.as_deref());
        let body = if status == 200 { "alice" } else { "" };
        assert_eq!(answer.body(), body);
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_503_without_a_challenge() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&key]);
    world.issuer.fail();
    let service = BearerLayer::new(world.verifier.clone()).layer(service_fn(whoami));
    let good = format!("Bearer {}", world.token(&key));
    let answer = service.oneshot(request(&[&good], String::new())).await;
    let answer = answer.expect("infallible");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "retry-after"), Some("1"));
    assert_eq!(header(&answer, "www-authenticate"), None);
}

#[tokio::test]
async fn each_route_of_a_router_requires_its_own_scopes() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&key]);
    let layer = |required: &str| {
        let required = required.parse().expect("an expression");
        BearerLayer::new(world.verifier.clone()).requiring(required)
    };
    let subject = async |Extension(claims): Extension<VerifiedClaims>| claims.subject().to_owned();
    let router: Router = Router::new()
        .route("/orders", get(subject).layer(layer("orders:read")))
        .route("/admin", get(subject).layer(layer("orders:read & admin")))
        .route("/health", get(async || "well"));
    let good = format!("Bearer {}", world.token(&key));
    for (path, authorization, status) in [
        ("/orders", Some(&good), 200),
        ("/orders", None, 401),
        ("/admin", Some(&good), 403),
        ("/admin", None, 401),
        ("/health", None, 200),
    ] {
        let mut request = Request::get(path);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("infallible");
        assert_eq!(answer.status(), status, "{path} {authorization:?}");
    }
}
