mod feed;
mod forger;
mod issuer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use feed::Feed;
pub use forger::{Forger, base64url};
pub use issuer::FakeIssuer;
use serde_json::{Value, json};
use tokensmith_verifier::{Clock, Refusal, Verifier, VerifierBuilder};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "https://api.example";

/// When every test starts, in seconds since 1970.
pub const START: u64 = 1_800_000_000;

/// An issuer, a clock, and a verifier that has both.
pub struct World {
    pub issuer: Arc<FakeIssuer>,
    pub verifier: Arc<Verifier>,
    clock: Arc<AtomicU64>,
}

impl World {
    pub fn new(keys: &[&Forger]) -> Self {
        Self::configured(keys, |builder| builder)
    }

    pub fn configured(
        keys: &[&Forger],
        configure: impl FnOnce(VerifierBuilder) -> VerifierBuilder,
    ) -> Self {
        let issuer = Arc::new(FakeIssuer::default());
        issuer.publish(keys);
        let clock = Arc::new(AtomicU64::new(START));
        let builder = Verifier::builder(ISSUER)
            .audience(AUDIENCE)
            .fetch(issuer.clone())
            .clock(Clock::Manual(clock.clone()));
        let verifier = configure(builder).build().expect("a good configuration");
        Self {
            issuer,
            verifier: Arc::new(verifier),
            clock,
        }
    }

    pub fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Serves the feed by this world's clock.
    pub fn serve_feed(&self, feed: &Arc<Feed>) {
        let (feed, clock) = (feed.clone(), self.clock.clone());
        self.issuer
            .serve_feed(move |since| feed.sign(&feed.payload(since, clock.load(Ordering::SeqCst))));
    }

    /// Verifies `token` and ignores its claims.
    pub async fn verify(&self, token: &str) -> Result<(), Refusal> {
        self.verifier.verify(token).await.map(drop)
    }

    /// Claims of a valid token, issued now.
    pub fn claims(&self) -> Value {
        json!({
            "iss": ISSUER,
            "sub": "alice",
            "aud": AUDIENCE,
            "exp": self.now() + 600,
            "iat": self.now(),
            "jti": "token-1",
            "client_id": "app",
            "scope": "orders:read orders:write",
            "grant_id": "grant-1",
        })
    }

    /// A valid token signed by `key`, issued now.
    pub fn token(&self, key: &Forger) -> String {
        key.token(&self.claims())
    }
}

/// Lets every task run that can.
pub async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
