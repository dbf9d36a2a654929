//! What the authorizer costs: its start, a request, and a poll of the feed.

use tokensmith_authorizer::{Authorizer, AuthorizerEvent};
use tokensmith_tests::InProcess;
use tokensmith_tests::authorizer::{http_api_event, new_authorizer};

/// An authorizer, and what asks it with a good token or key.
pub struct CountedAuthorizer {
    authorizer: Authorizer,
    event: String,
}

impl CountedAuthorizer {
    /// An authorizer that has read its keys.
    pub async fn start(world: &InProcess, access_token: &str) -> Self {
        let authorizer = new_authorizer(world, world.dynamo.clone(), |_| {}).await;
        Self::warm(authorizer, world, access_token).await
    }

    /// The same with an authorizer that was made elsewhere, and with this token or key.
    pub async fn warm(authorizer: Authorizer, world: &InProcess, credential: &str) -> Self {
        // The table was there.
        world.dynamo.take_attempts();
        authorizer.warm_up().await.expect("keys");
        Self {
            authorizer,
            event: http_api_event(credential),
        }
    }

    /// The same authorizer, asked with another token or key.
    pub fn with(self, credential: &str) -> Self {
        Self {
            event: http_api_event(credential),
            ..self
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

/// As the event has it.
const REQUEST_ID: &str = "JKJaXmPLvHcESHA=";
