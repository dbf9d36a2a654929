//! A small Lambda behind an HTTP API that serves only callers with the scope `orders:read`.
//!
//! It takes `TOKENSMITH_ISSUER` and `AUDIENCE` from its environment, verifies tokens itself, and
//! sees a revocation within five seconds. Run it with `cargo lambda watch --example
//! protected_lambda`, and call it with a token of `tokensmith serve`.

use std::env;
use std::sync::Arc;

use lambda_http::{Body, Error, Request, Response};
use tokensmith_verifier::{BearerLayer, FeedSettings, VerifiedClaims, Verifier};
use tower::{Layer, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let verifier = Verifier::builder(env::var("TOKENSMITH_ISSUER")?)
        .audience(env::var("AUDIENCE")?)
        .revocation_feed(FeedSettings::default())
        .build()?;
    let protected = BearerLayer::new(Arc::new(verifier)).requiring("orders:read".parse()?);
    lambda_http::run(protected.layer(service_fn(orders))).await
}

async fn orders(request: Request) -> Result<Response<Body>, Error> {
    // The layer lets no request through without them.
    let claims = request.extensions().get::<VerifiedClaims>();
    let claims = claims.ok_or("a request without verified claims")?;
    let answer = format!("orders of {}\n", claims.subject());
    Ok(Response::new(answer.into()))
}
