//! How long tokens and grants may live.

use std::str::FromStr;
use std::time::Duration;

use tokensmith_verifier::Timestamp;

use crate::config::{MAX_ACCESS_TTL, MAX_GRANT_TTL};

/// The lifetime of access tokens: 1 s to 24 h.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AccessTtl(Duration);

impl AccessTtl {
    /// In seconds.
    pub(super) const fn seconds(self) -> u64 {
        self.0.as_secs()
    }
}

impl FromStr for AccessTtl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let message = "an access token lives from 1s to 24h";
        parse_ttl(text, MAX_ACCESS_TTL, message).map(Self)
    }
}

/// How long a grant is valid, without being used or in all: 1 s to 400 days.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GrantTtl(Duration);

impl GrantTtl {
    /// In seconds.
    pub(super) const fn seconds(self) -> u64 {
        self.0.as_secs()
    }
}

impl FromStr for GrantTtl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_ttl(text, MAX_GRANT_TTL, "a grant lives from 1s to 400d").map(Self)
    }
}

/// The lifetime of an API key: 1 s to 10 years.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ApiKeyTtl(Duration);

impl ApiKeyTtl {
    /// The lifetime itself.
    pub(super) const fn duration(self) -> Duration {
        self.0
    }

    /// The lifetime of a key that was made from `start` to `end`.
    pub(super) fn between(start: Timestamp, end: Timestamp) -> Self {
        Self(end.since(start).clamp(SHORTEST_TTL, MAX_API_KEY_TTL))
    }
}

impl FromStr for ApiKeyTtl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_ttl(text, MAX_API_KEY_TTL, "an API key lives from 1s to 3650d").map(Self)
    }
}

fn parse_ttl(text: &str, longest: Duration, message: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(text).map_err(|err| err.to_string())?;
    match (SHORTEST_TTL..=longest).contains(&ttl) {
        true => Ok(ttl),
        false => Err(message.to_owned()),
    }
}

const MAX_API_KEY_TTL: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

const SHORTEST_TTL: Duration = Duration::from_secs(1);
