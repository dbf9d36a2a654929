use std::str::FromStr;
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
    /// What stands before the path of an event in the URLs that callers know: the API takes tokens that are bound to a key, with
    /// proofs for these URLs (RFC 9449). `None` when it takes none.
    pub public_url: Option<PublicUrl>,
    /// Which requests are logged: those whose line has at least this level.
    pub log_level: Level,
}

/// The URL of an API, without a slash at its end: https, or http on loopback.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The URL of a request to `path`, as an event has it: API Gateway may have decoded it.
    pub(crate) fn join(&self, path: &str) -> String {
        let mut url = self.0.clone();
        for byte in path.bytes() {
            match byte {
                b'/' | b'%' => url.push(char::from(byte)),
                byte if is_plain(byte) => url.push(char::from(byte)),
                byte => url.push_str(&format!("%{byte:02X}")),
            }
        }
        url
    }
}

/// RFC 3986 §3.3 `pchar`, without escapes.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

impl FromStr for PublicUrl {
    type Err = MalformedPublicUrl;

    fn from_str(url: &str) -> Result<Self, MalformedPublicUrl> {
        let (url, ends) = match url.strip_suffix('/') {
            Some(rest) => (rest, rest.ends_with('/')),
            None => (url, false),
        };
        let rest = url.strip_prefix("https://");
        let rest = rest.or_else(|| url.strip_prefix("http://127.0.0.1:"));
        let is_url = |rest: &str| {
            let all = rest.bytes().all(|byte| byte == b'/' || is_plain(byte));
            all && !rest.is_empty() && !rest.starts_with('/') && !rest.contains('@')
        };
        match rest.is_some_and(is_url) && !ends {
            true => Ok(Self(url.to_owned())),
            false => Err(MalformedPublicUrl),
        }
    }
}

/// The text is no such URL.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the URL of an API is https://HOST, and the path that stands before its own")]
pub struct MalformedPublicUrl;

/// How an HTTP API with payload format 2.0 is answered. It must be what that API is configured for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ResponseFormat {
    /// A boolean (`EnableSimpleResponses`).
    #[default]
    Simple,
    /// An IAM policy.
    Policy,
}
