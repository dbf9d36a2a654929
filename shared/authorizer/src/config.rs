use std::time::Duration;

use tokensmith_issuer::Level;
use tokensmith_issuer::names::{Audience, IssuerUrl};
use tokensmith_verifier::StalePolicy;

use crate::route_scopes::RouteScopes;

/// What an operator decides about an authorizer.
#[derive(Clone, Debug)]
pub struct AuthorizerConfig {
    /// The issuer whose tokens are accepted.
    pub issuer: IssuerUrl,
    /// The audience that they must have.
    pub audience: Audience,
    /// The scopes that each route requires. Without it, every valid token is allowed on every
    /// route.
    pub routes: Option<RouteScopes>,
    /// How HTTP APIs with payload format 2.0 are answered: their events do not say which kind of
    /// response they expect.
    pub response: ResponseFormat,
    /// How long after a revocation its tokens may still be accepted.
    pub feed_interval: Duration,
    /// What happens while revocations cannot be read.
    pub stale: StalePolicy,
    /// Which requests are logged: those whose line has at least this level.
    pub log_level: Level,
}

/// How an HTTP API with payload format 2.0 is answered. It must be what that API is configured for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ResponseFormat {
    /// A boolean (`EnableSimpleResponses`).
    #[default]
    Simple,
    /// An IAM policy.
    Policy,
}
