//! What services that embed the verifier need around it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokensmith_verifier::testing::TestIssuer;
use tokensmith_verifier::{
    Algorithm, BearerLayer, FetchError, InvalidConfiguration, ProtectedResource,
    ProtectedResourceLayer, Refusal, Rejection, RequiredScopes, Revocation, SourceUnavailable,
    VerifiedClaims, Verifier,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Forger, World};

const API: &str = "https://api.example/v1";

#[tokio::test]
async fn a_server_is_ready_once_tokens_can_be_judged() {
    let issuer = TestIssuer::new("https://issuer.example");
    let verifier = issuer.verifier(API).build().expect("a verifier");
    issuer.set_down(true);
    let unavailable = verifier.ready().await.expect_err("nothing can be judged");
    let down = FetchError::Transport("the issuer is down".to_owned());
    assert_eq!(unavailable, SourceUnavailable::Keys(down));
    issuer.set_down(false);
    issuer.pass(2);
    assert_eq!(verifier.ready().await, Ok(()));
    // From here on an outage does not matter.
    issuer.set_down(true);
    let token = issuer.token(API, "read", |_| {});
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn the_issuer_of_a_test_signs_revokes_and_fails_as_told() {
    let issuer = TestIssuer::new("https://issuer.example");
    let verifier = issuer.verifier(API).build().expect("a verifier");
    let token = issuer.token(API, "read", |claims| {
        claims.insert("tenant".into(), json!("t1"));
    });
    let claims = verifier.verify(&token).await.expect("a good token");
    assert_eq!(claims.get("tenant"), Some(&json!("t1")));
    let elsewhere = issuer.token("https://other.example", "read", |_| {});
    let refused = verifier.verify(&elsewhere).await;
    assert_eq!(refused, Err(Rejection::WrongAudience.into()));
    issuer.revoke(Revocation::of_client("app", issuer.now(), u64::MAX));
    issuer.pass(10);
    let refused = verifier.verify(&token).await;
    assert_eq!(refused, Err(Rejection::ClientRevoked.into()));
    // Tokens from afterwards are good.
    let token = issuer.token(API, "read", |_| {});
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn an_embedder_hears_of_each_refusal() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::configured(&[&key], {
        let heard = heard.clone();
        move |builder| {
            builder.on_refusal(move |refusal| {
                let mut heard = heard.lock().expect("no panic");
                heard.push(refusal.name());
            })
        }
    });
    let required: RequiredScopes = "admin".parse().expect("an expression");
    let good = format!("Bearer {}", world.token(&key));
    for authorization in ["Basic YTpi", "Bearer a.b.c", good.as_str()] {
        let values = [authorization.as_bytes()];
        let refused = world.verifier.authorize(values, &required).await;
        assert!(refused.is_err());
    }
    let any = RequiredScopes::default();
    let accepted = world.verifier.authorize([good.as_bytes()], &any).await;
    assert!(accepted.is_ok());
    let heard = heard.lock().expect("no panic");
    assert_eq!(*heard, ["no_token", "malformed", "insufficient_scope"]);
}

#[test]
fn a_challenge_is_a_response_of_any_body() {
    let refusal = Refusal::Rejected(Rejection::Expired);
    let response: Response<String> = (&refusal.challenge("api")).into();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let challenge = &response.headers()["www-authenticate"];
    assert!(
        challenge
            .to_str()
            .expect("text")
            .starts_with("Bearer realm=\"api\"")
    );
}

/// A `main` that returns an error prints its `Debug` form.
#[test]
fn what_is_wrong_with_a_configuration_can_be_read_in_either_form() {
    let wrong = Verifier::builder("http://issuer.example")
        .audience(API)
        .build();
    let wrong = wrong.expect_err("no https");
    assert_eq!(wrong, InvalidConfiguration::Issuer);
    assert_eq!(format!("{wrong:?}"), wrong.to_string());
}

/// A router that is protected, and described.
fn router(issuer: &Arc<TestIssuer>) -> Router {
    let verifier = Arc::new(issuer.verifier(API).dpop().build().expect("a verifier"));
    let resource = ProtectedResource::of(&verifier, &["read", "write"]).expect("a URL");
    let resource = Arc::new(resource);
    let whoami = async |claims: VerifiedClaims| claims.subject().to_owned();
    let protected = BearerLayer::new(verifier).described_by(resource.clone());
    Router::new()
        .route("/v1/orders", get(whoami))
        .layer(protected)
        .layer(ProtectedResourceLayer::new(resource))
}

async fn ask(router: &Router, path: &str, token: Option<&str>) -> (u16, String, String) {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("infallible");
    let status = answer.status().as_u16();
    let challenge = answer.headers().get("www-authenticate");
    let challenge = challenge
        .map_or("", |value| value.to_str().expect("text"))
        .to_owned();
    let body = to_bytes(answer.into_body(), 10_000).await.expect("a body");
    (
        status,
        challenge,
        String::from_utf8_lossy(&body).into_owned(),
    )
}

#[tokio::test]
async fn rfc9728_5_1_a_client_finds_the_issuer_by_the_challenge() {
    let issuer = TestIssuer::new("https://issuer.example");
    let router = router(&issuer);
    let (status, challenge, _) = ask(&router, "/v1/orders", None).await;
    let url = "https://api.example/.well-known/oauth-protected-resource/v1";
    assert_eq!(status, 401);
    assert!(
        challenge.ends_with(&format!("resource_metadata=\"{url}\"")),
        "{challenge}"
    );
    let path = url.strip_prefix("https://api.example").expect("the origin");
    let (status, _, body) = ask(&router, path, None).await;
    assert_eq!(status, 200);
    let document: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(
        document,
        json!({
            "resource": API,
            "authorization_servers": ["https://issuer.example"],
            "scopes_supported": ["read", "write"],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "Ed25519", "PS256", "RS256", "ES384"],
            "dpop_bound_access_tokens_required": false,
        })
    );
    let token = issuer.token(API, "read", |_| {});
    let (status, _, body) = ask(&router, "/v1/orders", Some(&token)).await;
    assert_eq!((status, body.as_str()), (200, "alice"));
}

/// Nobody is let in because a layer was forgotten.
#[tokio::test]
async fn a_handler_without_the_layer_answers_500() {
    let whoami = async |claims: VerifiedClaims| claims.subject().to_owned();
    let router = Router::new().route("/v1/orders", get(whoami));
    assert_eq!(ask(&router, "/v1/orders", None).await.0, 500);
}

#[tokio::test]
async fn a_resource_that_is_no_url_has_no_metadata() {
    let issuer = TestIssuer::new("https://issuer.example");
    let verifier = issuer.verifier("urn:api").build().expect("a verifier");
    assert_eq!(ProtectedResource::of(&verifier, &[]), None);
    let resource = issuer
        .verifier(API)
        .dpop_only()
        .build()
        .expect("a verifier");
    let resource = ProtectedResource::of(&resource, &[]).expect("a URL");
    let document: Value = serde_json::from_slice(resource.document()).expect("JSON");
    assert_eq!(document["dpop_bound_access_tokens_required"], true);
    // Everything else is passed on.
    let layer = ProtectedResourceLayer::new(Arc::new(resource));
    let inner = service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Body::from("inside")))
    });
    let request = Request::post("/.well-known/oauth-protected-resource/v1");
    let request = request.body(Body::empty()).expect("a request");
    let answer = layer
        .layer(inner)
        .oneshot(request)
        .await
        .expect("infallible");
    let body = to_bytes(answer.into_body(), 100).await.expect("a body");
    assert_eq!(&body[..], b"inside");
}

/// Collects events, as text.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl tracing::Subscriber for &'static Events {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!(" {field}={value:?}"));
            }
        }
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        self.0.lock().expect("no panic").push(text.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn what_goes_wrong_is_traced_and_no_token_is_in_it() {
    let events: &'static Events = Box::leak(Box::default());
    let _guard = tracing::subscriber::set_default(events);
    let issuer = TestIssuer::new("https://issuer.example");
    let verifier = issuer.verifier(API).build().expect("a verifier");
    issuer.set_down(true);
    let token = issuer.token(API, "read", |_| {});
    let authorization = format!("Bearer {token}");
    let any = RequiredScopes::default();
    let refused = verifier.authorize([authorization.as_bytes()], &any).await;
    assert!(matches!(refused, Err(Refusal::Unavailable(_))));
    let events = events.0.lock().expect("no panic").join("\n");
    assert!(events.contains("DEBUG"), "{events}");
    assert!(events.contains("reason=\"unavailable\""), "{events}");
    assert!(!events.contains(&token), "{events}");
}
