//! `GET /invoices`, for whoever has an access token with the scope `invoices:read`.

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::routing::get;
use axum::{Extension, Router};
use tokensmith_verifier::{BearerLayer, FeedSettings, VerifiedClaims, Verifier};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let verifier = Verifier::builder(variable("ISSUER", "http://127.0.0.1:8080"))
        .audience(variable("AUDIENCE", "https://api.example/"))
        .revocation_feed(FeedSettings::default()) // a revoked token is refused within seconds
        .build()?;
    let protected = BearerLayer::new(Arc::new(verifier)).requiring("invoices:read".parse()?);
    let app = Router::new()
        .route("/invoices", get(invoices))
        .layer(protected);

    let address = format!("127.0.0.1:{}", variable("PORT", "3000"));
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/invoices", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn invoices(Extension(claims): Extension<VerifiedClaims>) -> String {
    format!("the invoices of {}\n", claims.subject())
}

fn variable(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}
