//! Limits: how many requests something may make in each window of time.
//!
//! A permit is leased from a counter in the table before it is spent, so that all functions together never spend more than the
//! limit in a window. What a function has leased and does not spend is stranded. `lease.rs` is the arithmetic of it, and pure; [`Limits`] is what
//! a process holds, and asks the table; [`RequestLimits`] is that for the requests to an API.
//!
//! A window begins at a multiple of its length since 1970, by the clock of whoever spends. Its beginning is in the key of the counter, so
//! that clocks which differ never make one window larger: for as long as they differ, two windows are spent from at once.

mod lease;
mod limits;
mod requests;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokensmith_verifier::{Timestamp, canonical_resource};

pub use limits::{Limits, Taken};
pub use requests::RequestLimits;

use crate::credential::ApiKeyId;
use crate::names::{Audience, ClientId};

/// So many requests in each window, as `100/1m`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit {
    permits: u64,
    /// In seconds.
    window: u64,
}

impl Limit {
    /// How many requests a window takes.
    pub const fn permits(self) -> u64 {
        self.permits
    }

    /// The length of a window.
    pub const fn window(self) -> Duration {
        Duration::from_secs(self.window)
    }

    /// When the window that `now` is in has begun.
    const fn window_at(self, now: Timestamp) -> Timestamp {
        Timestamp::from_seconds(now.seconds() - now.seconds() % self.window)
    }
}

impl FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        let (permits, window) = text.split_once('/').ok_or(InvalidLimit::Form)?;
        let is_number = !permits.is_empty() && permits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return Err(InvalidLimit::Form);
        }
        // A number that is too long for this type is also over the limit.
        let permits = permits.parse().unwrap_or(u64::MAX);
        if !(1..=MAX_PERMITS).contains(&permits) {
            return Err(InvalidLimit::Permits);
        }
        let window = humantime::parse_duration(window).map_err(|_| InvalidLimit::Form)?;
        match window.subsec_nanos() == 0 && (MIN_WINDOW..=MAX_WINDOW).contains(&window) {
            true => Ok(Self {
                permits,
                window: window.as_secs(),
            }),
            false => Err(InvalidLimit::Window),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [('d', 24 * 60 * 60), ('h', 60 * 60), ('m', 60), ('s', 1)];
        let mut units = units.into_iter();
        let (unit, seconds) = units
            .find(|(_, seconds)| self.window.is_multiple_of(*seconds))
            .unwrap_or(('s', 1));
        write!(f, "{}/{}{unit}", self.permits, self.window / seconds)
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Why a text is no limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidLimit {
    /// It is not a number, a slash and a time.
    #[error("a limit is a number of requests and a time, such as 100/1m")]
    Form,
    /// Nothing would be allowed, or nothing limited.
    #[error("a limit allows 1 to {MAX_PERMITS} requests")]
    Permits,
    /// Clocks differ by more than a shorter window, and nobody waits for the end of a longer one.
    #[error("the time of a limit is from 1s to 1d, in whole seconds")]
    Window,
}

/// What a limit is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LimitedKind {
    /// A client's requests for tokens.
    Client,
    /// What is done with an API key: its exchanges, and its requests to an API.
    ApiKey,
    /// The requests to a registered resource.
    Resource,
}

impl LimitedKind {
    /// Its name in counters, log lines and as the policy of `RateLimit` headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ApiKey => "key",
            Self::Resource => "resource",
        }
    }
}

/// Whom or what a limit is about.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Limited {
    kind: LimitedKind,
    id: String,
}

impl Limited {
    /// A client.
    pub fn client(id: &ClientId) -> Self {
        let (kind, id) = (LimitedKind::Client, id.to_string());
        Self { kind, id }
    }

    /// An API key.
    pub fn api_key(id: &ApiKeyId) -> Self {
        let (kind, id) = (LimitedKind::ApiKey, id.to_string());
        Self { kind, id }
    }

    /// The resource that `uri` names, in whichever of its spellings.
    pub fn resource(uri: &Audience) -> Self {
        let kind = LimitedKind::Resource;
        let id = canonical_resource(uri.as_str());
        Self { kind, id }
    }

    /// What it is.
    pub const fn kind(&self) -> LimitedKind {
        self.kind
    }

    /// The name of the counter of one window. No id has a `#`, so that no two have one name.
    fn counter(&self, limit: Limit, window: Timestamp) -> String {
        let (kind, id, length) = (self.kind.as_str(), &self.id, limit.window);
        format!("{kind}#{id}#{length}#{}", window.seconds())
    }
}

/// How a limited one stands: what the `RateLimit` headers say (draft-ietf-httpapi-ratelimit-headers-11).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Standing {
    /// What the limit is about.
    pub kind: LimitedKind,
    /// The limit.
    pub limit: Limit,
    /// The permits that are left in this window, as far as this process knows: those that it has leased, and those that
    /// nobody had leased when it last asked.
    pub remaining: u64,
    /// The seconds until the next window begins; never 0.
    pub resets_in: u64,
}

/// More than any window takes: one process that leases 100 permits at a time answers fewer requests in a day.
const MAX_PERMITS: u64 = 1_000_000_000;
const MIN_WINDOW: Duration = Duration::from_secs(1);
const MAX_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_printed_as_it_is_written() {
        for (text, printed) in [
            ("100/1m", "100/1m"),
            ("1/1s", "1/1s"),
            ("5/90s", "5/90s"),
            ("5/60s", "5/1m"),
            ("5/1h30m", "5/90m"),
            ("1000000000/24h", "1000000000/1d"),
        ] {
            let limit: Limit = text.parse().expect(text);
            assert_eq!(limit.to_string(), printed);
            assert_eq!(printed.parse(), Ok(limit));
            let json = serde_json::to_string(&limit).expect("JSON");
            assert_eq!(json, format!("\"{printed}\""));
            assert_eq!(
                serde_json::from_str::<Limit>(&json).expect("a limit"),
                limit
            );
        }
    }

    #[test]
    fn what_is_no_limit_is_refused_with_its_reason() {
        use InvalidLimit::{Form, Permits, Window};
        for (text, reason) in [
            ("", Form),
            ("100", Form),
            ("/1m", Form),
            ("+1/1m", Form),
            ("-1/1m", Form),
            ("1e3/1m", Form),
            ("1 /1m", Form),
            ("100/", Form),
            ("100/m", Form),
            ("100/1", Form),
            ("0/1m", Permits),
            ("1000000001/1m", Permits),
            ("99999999999999999999999/1m", Permits),
            ("1/0s", Window),
            ("1/1500ms", Window),
            ("1/999ms", Window),
            ("1/86401s", Window),
            ("1/1M", Window),
        ] {
            assert_eq!(text.parse::<Limit>(), Err(reason), "{text}");
        }
    }

    #[test]
    fn two_spellings_of_a_resource_have_one_counter() {
        let limit: Limit = "5/1m".parse().expect("a limit");
        let name = |uri: &str| {
            let limited = Limited::resource(&uri.parse().expect("a URI"));
            limited.counter(limit, limit.window_at(Timestamp::from_seconds(121)))
        };
        assert_eq!(
            name("https://api.example"),
            "resource#https://api.example#60#120"
        );
        assert_eq!(name("https://api.example"), name("https://api.example/"));
    }
}
