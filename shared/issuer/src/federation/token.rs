//! A JWT of another issuer.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokensmith_verifier::Timestamp;
use tokensmith_verifier::jose::PublicKeySet;
use url::Url;

use super::{Condition, Pattern};
use crate::client::jwt::{self, numeric_date, optional_numeric_date};
use crate::error::AssertionDenied;
use crate::fetched::{DocumentUrl, Reach, metadata_url};
use crate::names::InvalidName;

/// The `iss` of another issuer: an https URL (on loopback also http), compared as a string.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ForeignIssuer(String);

impl ForeignIssuer {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its metadata are (OpenID Connect Discovery 1.0 §4).
    ///
    /// # Errors
    /// [`InvalidName`] when that is not within `reach`.
    pub fn metadata(&self, reach: Reach) -> Result<DocumentUrl, InvalidName> {
        reach.parse(&metadata_url(&self.0))
    }

    /// A name for it: its host, and the end of its path.
    pub fn short_name(&self) -> String {
        let mut parts = self.0.split('/').filter(|part| !part.is_empty());
        let host = parts.nth(1).unwrap_or_default();
        let name = match parts.next_back() {
            Some(last) => format!("{host}-{last}"),
            None => host.to_owned(),
        };
        let usable = |one: char| match one.is_ascii_alphanumeric() || "-._~".contains(one) {
            true => one,
            false => '-',
        };
        name.chars().take(LONGEST_NAME).map(usable).collect()
    }
}

impl FromStr for ForeignIssuer {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = InvalidName(
            "the issuer of a source is https://HOST[:PORT][/PATH] without query or fragment",
        );
        let url = Url::parse(text).map_err(|_| invalid)?;
        let is_plain = url.query().is_none() && text == text.trim();
        match is_plain && Reach::Private.parse(text).is_ok() {
            true => Ok(Self(text.to_owned())),
            false => Err(invalid),
        }
    }
}

impl fmt::Display for ForeignIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token of another issuer as it was presented. Nothing of it is verified.
#[derive(Debug)]
pub struct ForeignToken {
    text: SecretString,
    claims: Claims,
    all: Value,
}

impl ForeignToken {
    /// Parses a token that may be of another issuer.
    ///
    /// # Errors
    /// [`AssertionDenied`] for what no issuer could have signed, before any I/O.
    pub fn parse(text: &str) -> Result<Self, AssertionDenied> {
        let jws = jwt::parse(text, &TYPES)?;
        let all: Value = jws.payload()?;
        let claims = Claims::deserialize(&all).map_err(|_| AssertionDenied::MalformedAssertion)?;
        Ok(Self {
            text: text.to_owned().into(),
            claims,
            all,
        })
    }

    /// Whether its issuer is a URL, which no client of ours is called.
    pub fn names_an_url(&self) -> bool {
        self.claims.iss.starts_with("https://") || self.claims.iss.starts_with("http://")
    }

    /// The issuer that it names.
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// Whether it is for this audience alone.
    pub(super) fn is_for(&self, audience: &str) -> bool {
        match &self.claims.aud {
            Value::String(one) => one == audience,
            // Kubernetes always prints a list.
            Value::Array(list) => list.len() == 1 && list[0] == audience,
            _ => false,
        }
    }

    /// Whether its subject and its other claims are as a rule says.
    pub(super) fn has(&self, subject: Option<&Pattern>, conditions: &[Condition]) -> bool {
        subject.is_none_or(|pattern| pattern.matches(&self.claims.sub))
            && conditions
                .iter()
                .all(|condition| condition.holds(&self.all))
    }

    /// Verifies its signature by one of `keys`.
    ///
    /// # Errors
    /// Why it does not verify.
    pub(super) fn verify(&self, keys: &PublicKeySet) -> Result<(), AssertionDenied> {
        Ok(keys.verify(&jwt::parse(self.text.expose_secret(), &TYPES)?)?)
    }

    /// Judges when it is valid. It may be used again and again until then: its platform hands it out again.
    ///
    /// # Errors
    /// [`AssertionDenied`] before and after that.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), AssertionDenied> {
        let Claims { exp, iat, nbf, .. } = self.claims;
        jwt::check_time(exp, iat, nbf, now)
    }

    /// When it expires.
    pub(super) fn expires_at(&self) -> Timestamp {
        self.claims.exp
    }
}

/// The claims that every token needs (RFC 7523 §3).
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    #[serde(deserialize_with = "numeric_date")]
    exp: Timestamp,
    #[serde(default, deserialize_with = "optional_numeric_date")]
    iat: Option<Timestamp>,
    #[serde(default, deserialize_with = "optional_numeric_date")]
    nbf: Option<Timestamp>,
}

const LONGEST_NAME: usize = 128;

/// A platform's token says no more than that it is a JWT.
const TYPES: [&str; 1] = ["JWT"];
