use std::time::Duration;

use tokensmith_issuer::Level;
use tokensmith_issuer::names::{Audience, IssuerUrl};
use tokensmith_verifier::StalePolicy;

use crate::route_scopes::RouteScopes;

/// What an operator decides about an authorizer.
#[derive(Clone, Debug)]
pub struct AuthorizerConfig {
    /// Whose tokens are accepted.
    pub issuer: IssuerUrl,
    /// The resource that they must be meant for.
    pub audience: Audience,
    /// The scopes that each route requires. Without it every good token passes everywhere.
    pub routes: Option<RouteScopes>,
    /// How HTTP APIs in format 2.0 are answered: their events do not tell what they expect.
    pub response: ResponseFormat,
    /// How long after a revocation its tokens may pass.
    pub feed_interval: Duration,
    /// What happens while revocations cannot be read.
    pub stale: StalePolicy,
    /// The least that is logged of requests.
    pub log_level: Level,
}

/// How an HTTP API in format 2.0 is answered, as it is configured there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ResponseFormat {
    /// A boolean (`EnableSimpleResponses`).
    #[default]
    Simple,
    /// An IAM policy.
    Policy,
}
