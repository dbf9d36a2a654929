//! What the authorizer costs: its start, a request, and a poll of the feed.

use std::time::Duration;

use tokensmith_authorizer::{Authorizer, AuthorizerConfig, AuthorizerEvent, ResponseFormat};
use tokensmith_issuer::Level;
use tokensmith_issuer::store::Table;
use tokensmith_tests::in_process::{API, InProcess};
use tokensmith_verifier::StalePolicy;

/// An authorizer, and what asks it with a good token.
pub struct CountedAuthorizer {
    authorizer: Authorizer,
    event: String,
}

impl CountedAuthorizer {
    /// An authorizer that has read its keys.
    pub async fn start(world: &InProcess, table: Table, access_token: &str) -> Self {
        let config = AuthorizerConfig {
            issuer: world.config.issuer.clone(),
            audience: API.parse().expect("an audience"),
            routes: None,
            response: ResponseFormat::Simple,
            feed_interval: INTERVAL,
            stale: StalePolicy::default(),
            log_level: Level::Info,
        };
        let authorizer =
            Authorizer::new(config, table.reader(), world.clock()).expect("an authorizer");
        authorizer.warm_up().await.expect("keys");
        let event = include_str!("../../../tests/authorizer/events/http-api-2.json");
        Self {
            authorizer,
            event: event.replace("Bearer TOKEN", &format!("Bearer {access_token}")),
        }
    }

    /// Asks; the log line is called `name`.
    pub async fn ask(&self, name: &str) {
        let event = self.event.replace(
            REQUEST_ID,
            &format!("{name:=<width$}", width = REQUEST_ID.len()),
        );
        let event: AuthorizerEvent = serde_json::from_str(&event).expect("an event");
        let answer = self.authorizer.answer(&event, name).await;
        let answer = serde_json::to_string(&answer.expect("an answer")).expect("JSON");
        assert!(answer.contains(r#""isAuthorized":true"#), "{answer}");
    }
}

/// How often the feed is read.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// As the event has it.
const REQUEST_ID: &str = "JKJaXmPLvHcESHA=";
