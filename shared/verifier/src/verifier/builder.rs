use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{RefusalHook, Revocations, Verifier};
use crate::dpop::SeenProofs;
use crate::fetch::{Fetch, FetchError};
use crate::published_keys::{KeyLimits, KeysLocation, PublishedKeys};
use crate::revocation::{FeedAccess, RevocationFeed};
use crate::url::{is_origin, is_protected};
use crate::{Clock, FeedSettings, Refusal, RevocationSource, TokenScheme};

/// The configuration of a [`Verifier`]. It needs an issuer and an audience, and without the crate's
/// feature `fetch` also a [`Fetch`].
#[derive(Debug)]
pub struct VerifierBuilder {
    issuer: String,
    audiences: Vec<String>,
    location: Option<KeysLocation>,
    fetch: Option<Arc<dyn Fetch>>,
    clock: Clock,
    limits: KeyLimits,
    fetch_time_limit: Duration,
    revocations: RevocationsFrom,
    schemes: &'static [TokenScheme],
    on_refusal: Option<RefusalHook>,
}

#[derive(Debug)]
enum RevocationsFrom {
    Nowhere,
    Feed(FeedSettings),
    Source(Arc<dyn RevocationSource>),
}

impl VerifierBuilder {
    pub(super) fn new(issuer: String) -> Self {
        Self {
            issuer,
            audiences: Vec::new(),
            location: None,
            fetch: None,
            clock: Clock::default(),
            limits: KeyLimits {
                cooldown: 30,
                max_age: 24 * 60 * 60,
            },
            fetch_time_limit: Duration::from_secs(2),
            revocations: RevocationsFrom::Nowhere,
            schemes: &[TokenScheme::Bearer],
            on_refusal: None,
        }
    }

    /// Accepts tokens for this resource (RFC 8707): required, and may be repeated. Tokens may spell it
    /// with or without the slash of an empty path ([`is_same_resource`](crate::is_same_resource)).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// The URL of the keys, if it is not `{issuer}/.well-known/jwks.json`.
    pub fn jwks_url(mut self, url: impl Into<String>) -> Self {
        self.location = Some(KeysLocation::Url(url.into()));
        self
    }

    /// Finds the keys through the issuer's metadata (RFC 8414): one more fetch at each renewal.
    pub fn discover_jwks(mut self) -> Self {
        self.location = Some(KeysLocation::MetadataOf {
            issuer: self.issuer.clone(),
        });
        self
    }

    /// Fetches with this client instead of that of the feature `fetch`.
    pub fn fetch(mut self, fetch: Arc<dyn Fetch>) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// The longest that one fetch may take; 2 s by default.
    pub fn fetch_time_limit(mut self, limit: Duration) -> Self {
        self.fetch_time_limit = limit;
        self
    }

    /// The least time between two fetches that tokens with unknown keys cause, and between two
    /// attempts to renew keys; 30 s by default, in whole seconds.
    pub fn key_cooldown(mut self, cooldown: Duration) -> Self {
        self.limits.cooldown = cooldown.as_secs();
        self
    }

    /// How long the last keys are used while the issuer does not answer; 24 h by default, in whole
    /// seconds. A key that the issuer withdraws meanwhile is accepted for that long.
    pub fn key_max_age(mut self, max_age: Duration) -> Self {
        self.limits.max_age = max_age.as_secs();
        self
    }

    /// The clock, which tests set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Follows the issuer's revocation feed. Without it, or another source, a revoked token is
    /// accepted until it expires.
    pub fn revocation_feed(mut self, settings: FeedSettings) -> Self {
        self.revocations = RevocationsFrom::Feed(settings);
        self
    }

    /// Uses this source of revocations instead of the feed.
    pub fn revocations(mut self, source: Arc<dyn RevocationSource>) -> Self {
        self.revocations = RevocationsFrom::Source(source);
        self
    }

    /// Accepts tokens that are bound to a key as well, when they are sent with a DPoP proof (RFC 9449 §7):
    /// [`Verifier::authorize_request`]. Each process remembers the proofs that it has accepted, for two minutes.
    pub fn dpop(mut self) -> Self {
        self.schemes = &[TokenScheme::Dpop, TokenScheme::Bearer];
        self
    }

    /// The same, and accepts no other tokens.
    pub fn dpop_only(mut self) -> Self {
        self.schemes = &[TokenScheme::Dpop];
        self
    }

    /// Calls this with each refusal of [`Verifier::authorize`] and [`Verifier::authorize_request`], for a log or a metric. It must not
    /// block: the request waits for it.
    pub fn on_refusal(mut self, hook: impl Fn(&Refusal) + Send + Sync + 'static) -> Self {
        self.on_refusal = Some(RefusalHook(Arc::new(hook)));
        self
    }

    /// Makes the verifier, which fetches nothing yet.
    ///
    /// # Errors
    /// [`InvalidConfiguration`] names what is wrong.
    pub fn build(self) -> Result<Verifier, InvalidConfiguration> {
        let issuer = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        if !is_origin(issuer) {
            return Err(InvalidConfiguration::Issuer);
        }
        if self.audiences.is_empty() {
            return Err(InvalidConfiguration::NoAudience);
        }
        if !self.audiences.iter().all(|audience| is_audience(audience)) {
            return Err(InvalidConfiguration::Audience);
        }
        let location = match self.location {
            None => KeysLocation::Url(format!("{issuer}/.well-known/jwks.json")),
            Some(KeysLocation::Url(url)) if is_protected(&url) => KeysLocation::Url(url),
            Some(KeysLocation::Url(_)) => return Err(InvalidConfiguration::JwksUrl),
            Some(KeysLocation::MetadataOf { .. }) => KeysLocation::MetadataOf {
                issuer: issuer.to_owned(),
            },
        };
        let fetch = match self.fetch {
            Some(fetch) => fetch,
            None => default_fetch()?,
        };
        let keys = PublishedKeys::new(
            location,
            fetch.clone(),
            self.fetch_time_limit,
            self.clock.clone(),
            self.limits,
        );
        let revocations = match self.revocations {
            RevocationsFrom::Nowhere => Revocations::Unseen,
            RevocationsFrom::Source(source) => Revocations::Source(source),
            RevocationsFrom::Feed(settings) => {
                let access = FeedAccess {
                    issuer: issuer.to_owned(),
                    fetch,
                    time_limit: self.fetch_time_limit,
                    clock: self.clock.clone(),
                    keys: keys.clone(),
                };
                Revocations::Feed(RevocationFeed::new(access, settings))
            }
        };
        Ok(Verifier {
            issuer: issuer.to_owned(),
            audiences: self.audiences,
            clock: self.clock,
            keys,
            revocations,
            schemes: self.schemes,
            seen: SeenProofs::default(),
            on_refusal: self.on_refusal,
        })
    }
}

/// Whether the text can stand between quotes in a challenge.
fn is_audience(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(feature = "fetch")]
fn default_fetch() -> Result<Arc<dyn Fetch>, InvalidConfiguration> {
    let client = crate::HttpFetch::new().map_err(InvalidConfiguration::Fetch)?;
    Ok(Arc::new(client))
}

#[cfg(not(feature = "fetch"))]
fn default_fetch() -> Result<Arc<dyn Fetch>, InvalidConfiguration> {
    Err(InvalidConfiguration::NoFetch)
}

/// Why a verifier cannot be made. It prints the same text in both ways, so that a `main` that returns it says what is wrong.
#[derive(Clone, Eq, PartialEq, thiserror::Error)]
pub enum InvalidConfiguration {
    /// The issuer URL is not valid.
    #[error("an issuer URL is https://HOST[:PORT] without path or query (http only on loopback)")]
    Issuer,
    /// There is no audience. It is required, so that a token for another resource is not accepted
    /// here.
    #[error("an audience is required")]
    NoAudience,
    /// An audience is not valid.
    #[error("an audience is printable ASCII without space, quote or backslash")]
    Audience,
    /// The URL of the keys is not valid.
    #[error("the URL of the keys is neither https nor http on loopback")]
    JwksUrl,
    /// There is no [`Fetch`], and the feature `fetch` is off.
    #[error("without the feature `fetch` the verifier must be given a `Fetch`")]
    NoFetch,
    /// The HTTP client of the feature `fetch` cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Fetch(FetchError),
}

impl fmt::Debug for InvalidConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
