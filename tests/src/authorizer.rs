//! An authorizer beside an issuer in this process.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpClient;
use tokensmith_authorizer::{Authorizer, AuthorizerConfig, ResponseFormat};
use tokensmith_issuer::Level;
use tokensmith_local::make_table;
use tokensmith_verifier::{Clock, StalePolicy};

use crate::InProcess;
use crate::records::API;

/// An authorizer with the issuer's clock and with its table behind `dynamo`, that has read nothing.
pub async fn new_authorizer(
    issuer: &InProcess,
    dynamo: impl HttpClient + 'static,
    configure: impl FnOnce(&mut AuthorizerConfig),
) -> Authorizer {
    new_authorizer_by(issuer.clock(), issuer, dynamo, configure).await
}

/// The same with a clock of its own.
pub async fn new_authorizer_by(
    clock: Clock,
    issuer: &InProcess,
    dynamo: impl HttpClient + 'static,
    configure: impl FnOnce(&mut AuthorizerConfig),
) -> Authorizer {
    let table = make_table(dynamo).await.expect("the table");
    let mut config = AuthorizerConfig {
        issuer: issuer.config.issuer.clone(),
        audience: API.parse().expect("an audience"),
        routes: None,
        response: ResponseFormat::Simple,
        feed_interval: INTERVAL,
        stale: StalePolicy::default(),
        public_url: None,
        log_level: Level::Info,
    };
    configure(&mut config);
    let authorizer = Authorizer::new(config, table.reader(), clock);
    authorizer.expect("an authorizer")
}

/// The event of a request with this token, as an HTTP API sends it.
pub fn http_api_event(access_token: &str) -> String {
    let event = include_str!("../tests/functions/authorizer/events/http-api-2.json");
    event.replace("Bearer TOKEN", &format!("Bearer {access_token}"))
}

/// The default poll interval.
pub const INTERVAL: Duration = Duration::from_secs(5);
