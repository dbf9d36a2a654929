//! What an operator decides about the issuer as a whole.

mod brand;

use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use tokensmith_verifier::{Algorithm, FeedSettings};

use crate::fetched::DocumentUrl;
use crate::names::IssuerUrl;
use crate::store::records::Settings;

pub use brand::{Brand, BrandColour, BrandLogo, BrandName, InvalidBrand};

/// The issuer's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The issuer URL: `iss` of every token and the base of every endpoint.
    pub issuer: IssuerUrl,
    /// The ARN of the KMS key that wraps the issuer's keys. `None` where a file wraps them, or where no key
    /// is opened.
    pub wrapping_key: Option<String>,
    /// The algorithms with an active key; the first is used for clients that name none.
    pub algorithms: Vec<Algorithm>,
    /// The lifetime of an access token, unless its client has its own.
    pub access_ttl: Duration,
    /// How long client records and keys may be cached: a change takes effect within this time.
    pub cache_ttl: Duration,
    /// How often authorizers and verifiers read the revocation feed.
    pub feed_interval: Duration,
    /// How long a request may take before it is answered 503.
    pub request_timeout: Duration,
    /// Where the public keys are of who may report leaked API keys; `None` when nobody may.
    pub secret_scanning: Option<DocumentUrl>,
    /// Whether DPoP proofs must be made with a nonce of this issuer (RFC 9449 §8).
    pub dpop_nonces: bool,
    /// Whether people sign in here.
    pub sign_in: bool,
    /// What the pages look like that they see.
    pub brand: Brand,
    /// Which requests are logged: all, only security events and errors, or only errors.
    pub log_level: Level,
}

impl Config {
    /// The defaults for `issuer`.
    pub fn new(issuer: IssuerUrl) -> Self {
        Self {
            issuer,
            wrapping_key: None,
            algorithms: vec![Algorithm::RS256],
            access_ttl: Duration::from_secs(15 * 60),
            cache_ttl: Duration::from_secs(10),
            feed_interval: FeedSettings::default().interval,
            request_timeout: Duration::from_secs(5),
            secret_scanning: None,
            dpop_nonces: false,
            sign_in: false,
            brand: Brand::default(),
            log_level: Level::Info,
        }
    }

    /// What the table must say about whose it is.
    pub fn owner(&self) -> Settings {
        Settings {
            issuer: self.issuer.clone(),
            wrapping_key: self.wrapping_key.clone(),
        }
    }

    /// The algorithm for clients that name none.
    pub fn default_algorithm(&self) -> Algorithm {
        self.algorithms.first().copied().unwrap_or(Algorithm::RS256)
    }
}

/// The longest lifetime of an access token: how long a retiring key must stay published.
pub const MAX_ACCESS_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest time that client records and keys may be cached.
pub const MAX_CACHE_TTL: Duration = Duration::from_secs(5 * 60);

/// The longest lifetime of a grant: how long a superseded HMAC key must be kept.
pub const MAX_GRANT_TTL: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// How long the revocation feed names a withdrawn signing key: a verifier that cannot renew the key set
/// uses it for up to 24 h, and the last token that the key has signed lives as long.
pub const WITHDRAWN_KEY_IN_FEED: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// How far the clocks of two functions of one issuer may differ. Bounds the attack in which a token
/// escapes a revocation because its `iat` came from a faster clock.
pub const SERVER_CLOCK_SKEW: Duration = Duration::from_secs(1);

/// The level of a log line.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A request that was answered.
    Info,
    /// A security event.
    Warn,
    /// A dependency failed.
    Error,
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        match name {
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            _ => Err(UnknownLevel),
        }
    }
}

/// The name is not a level.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown level: use info, warn or error")]
pub struct UnknownLevel;
