//! A service with the verifier for Rust, asked over its standard input: see `tests/clients/verifiers.test.mjs`.

use std::io::{Write, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use tokensmith_verifier::{Clock, FeedSettings, StalePolicy, Verifier, WhenStale};

#[derive(Deserialize)]
struct Question {
    /// Which token is judged.
    token: Option<String>,
    /// How many seconds pass before that.
    #[serde(default)]
    pass: u64,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().expect("ISSUER AUDIENCE WHEN_STALE");
    let (issuer, audience) = (argument(), argument());
    let then = match argument().as_str() {
        "fail-open" => WhenStale::FailOpen,
        _ => WhenStale::FailClosed,
    };
    let mut settings = FeedSettings::default();
    settings.stale = StalePolicy {
        then,
        ..settings.stale
    };
    let (seconds, mut ahead) = (Arc::new(AtomicU64::new(0)), 0);
    let verifier = Verifier::builder(issuer)
        .audience(audience)
        .clock(Clock::Manual(seconds.clone()))
        .revocation_feed(settings)
        .build()
        .expect("a verifier");
    for line in stdin().lines() {
        let question: Question = serde_json::from_str(&line.expect("text")).expect("a question");
        ahead += question.pass;
        seconds.store(Clock::System.now().seconds() + ahead, Ordering::SeqCst);
        let refused = match &question.token {
            Some(token) => verifier.verify(token).await.err(),
            None => None,
        };
        let reason = refused.as_ref().map(|refused| refused.name());
        println!("{}", serde_json::json!(reason));
        stdout().flush().expect("somebody who listens");
    }
}
