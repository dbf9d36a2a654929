//! What an operator decides about the authorizer: its environment, parsed once.

#[cfg(test)]
mod tests;

use tokensmith_authorizer::{AuthorizerConfig, MAX_ANSWER_BYTES, ResponseFormat, RouteScopes};
use tokensmith_aws::environment::{
    BadVariable, FEED_INTERVAL, FEED_INTERVALS, ISSUER, LOG, REVISION, TABLE, Variables, parsed,
    revision, table_name,
};
use tokensmith_issuer::Level;
use tokensmith_issuer::names::Audience;
use tokensmith_verifier::{FeedSettings, StalePolicy};

/// The environment of the authorizer. The authorizer opens no private key, so it names no custody.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizerEnvironment {
    /// The authorizer's configuration.
    pub(crate) config: AuthorizerConfig,
    /// The name of the table.
    pub(crate) table: String,
    /// Whether it takes API keys.
    pub(crate) takes_api_keys: bool,
    /// Whether it counts the requests to a resource that has a limit.
    pub(crate) limits: bool,
    /// What this version was deployed as.
    pub(crate) revision: Option<String>,
}

impl AuthorizerEnvironment {
    /// Parses the variables that `value_of` finds. An empty one counts as absent.
    ///
    /// # Errors
    /// The first variable that is missing or malformed.
    pub(crate) fn parse(value_of: impl Fn(&str) -> Option<String>) -> Result<Self, BadVariable> {
        let variables = Variables::new(value_of);
        let mut stale = StalePolicy::default();
        if let Some(then) = variables.optional(FEED_STALE, parsed)? {
            stale.then = then;
        }
        let interval = variables.duration(FEED_INTERVAL, FEED_INTERVALS)?;
        let response = variables.optional(RESPONSE, response_format)?;
        let routes = variables.optional(ROUTE_SCOPES, parsed)?;
        if let Some(routes) = &routes {
            check_size(routes, response)?;
        }
        let config = AuthorizerConfig {
            issuer: variables.required(ISSUER, parsed)?,
            audience: variables.required(AUDIENCE, one_audience)?,
            routes,
            response: response.unwrap_or_default(),
            feed_interval: interval.unwrap_or_else(|| FeedSettings::default().interval),
            stale,
            public_url: variables.optional(PUBLIC_URL, parsed)?,
            log_level: variables.optional(LOG, parsed)?.unwrap_or(Level::Info),
        };
        Ok(Self {
            config,
            table: variables.required(TABLE, table_name)?,
            takes_api_keys: variables.optional(API_KEYS, on_or_off)?.unwrap_or(false),
            limits: variables.optional(LIMITS, on_or_off)?.unwrap_or(false),
            revision: variables.optional(REVISION, revision)?,
        })
    }
}

/// A REST API is answered with a policy, whatever the response format of HTTP APIs is: only who says
/// that it is `simple` may have more routes than a policy can name.
fn check_size(routes: &RouteScopes, response: Option<ResponseFormat>) -> Result<(), BadVariable> {
    let bytes = routes.max_answer_bytes();
    match response {
        Some(ResponseFormat::Simple) => Ok(()),
        _ if bytes <= MAX_ANSWER_BYTES => Ok(()),
        _ => Err(BadVariable {
            name: ROUTE_SCOPES,
            problem: format!(
                "makes policies of up to {bytes} bytes, and API Gateway takes {MAX_ANSWER_BYTES}: \
                 list fewer routes, or methods in place of ANY; if only an HTTP API with simple \
                 responses asks, set {RESPONSE} to `simple`"
            ),
        }),
    }
}

/// An authorizer stands before one resource.
fn one_audience(text: &str) -> Result<Audience, String> {
    let audience: Audience = parsed(text)?;
    match audience.is_list() {
        true => Err("is a list: an authorizer has one audience".to_owned()),
        false => Ok(audience),
    }
}

fn response_format(name: &str) -> Result<ResponseFormat, String> {
    match name {
        "simple" => Ok(ResponseFormat::Simple),
        "policy" => Ok(ResponseFormat::Policy),
        _ => Err("is neither `simple` nor `policy`".to_owned()),
    }
}

fn on_or_off(name: &str) -> Result<bool, String> {
    match name {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("is neither `on` nor `off`".to_owned()),
    }
}

const AUDIENCE: &str = "TOKENSMITH_AUDIENCE";
const ROUTE_SCOPES: &str = "TOKENSMITH_ROUTE_SCOPES";
const RESPONSE: &str = "TOKENSMITH_AUTHORIZER_RESPONSE";
const API_KEYS: &str = "TOKENSMITH_API_KEYS";
const LIMITS: &str = "TOKENSMITH_LIMITS";
const PUBLIC_URL: &str = "TOKENSMITH_PUBLIC_URL";
const FEED_STALE: &str = "TOKENSMITH_FEED_STALE";
