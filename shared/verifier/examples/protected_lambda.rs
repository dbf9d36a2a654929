//! A small Lambda behind an HTTP API that serves only callers with the scope `orders:read`.
//!
//! It takes `TOKENSMITH_ISSUER` and `TOKENSMITH_AUDIENCE` from its environment, verifies tokens itself, and
//! sees a revocation within five seconds. Run it with `cargo lambda watch --example
//! protected_lambda`, and call it with a token of `tokensmith serve`. `infra/example-api.yaml` deploys it.

use std::env;
use std::sync::Arc;

use lambda_http::{Body, Error, Request, RequestExt, Response};
use serde_json::json;
use tokensmith_verifier::{BearerLayer, FeedSettings, VerifiedClaims, Verifier};
use tower::{Layer, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let verifier = Verifier::builder(env::var("TOKENSMITH_ISSUER")?)
        .audience(env::var("TOKENSMITH_AUDIENCE")?)
        .revocation_feed(FeedSettings::default())
        .build()?;
    let protected = BearerLayer::new(Arc::new(verifier)).requiring("orders:read".parse()?);
    lambda_http::run(protected.layer(service_fn(orders))).await
}

async fn orders(request: Request) -> Result<Response<Body>, Error> {
    // The layer passes on no request without them.
    let claims = request.extensions().get::<VerifiedClaims>();
    let claims = claims.ok_or("a request without verified claims")?;
    // If an authorizer runs before the function, this is what it says about the same token.
    let context = request.request_context_ref();
    let authorizer = context.and_then(|context| context.authorizer());
    let answer = json!({
        "orders": [],
        "subject": claims.subject(),
        "client": claims.client_id(),
        "authorizer": authorizer.map(|authorizer| &authorizer.fields),
    });
    let response = Response::builder().header("content-type", "application/json");
    Ok(response.body(answer.to_string().into())?)
}
