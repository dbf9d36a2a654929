//! The ID token of an upstream (OpenID Connect Core 1.0 §3.1.3.7).

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokensmith_verifier::Timestamp;
use tokensmith_verifier::jose::PublicKeySet;

use crate::client::jwt::{self, numeric_date, optional_numeric_date};
use crate::error::{AssertionDenied, UpstreamDenied};
use crate::person::StandardClaim;

/// Somebody who has signed in at an upstream, which says so.
#[derive(Clone, Debug)]
pub struct UpstreamIdentity {
    /// The `sub`, which is theirs for ever there.
    pub account: String,
    /// What the upstream says about them, as far as it can be known here. Nobody here has verified it.
    pub claims: Map<String, Value>,
}

/// What an ID token must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
}

/// An ID token as it came. Nothing of it is verified.
pub(super) struct UpstreamToken {
    text: SecretString,
    claims: Claims,
    all: Map<String, Value>,
}

impl UpstreamToken {
    pub(super) fn parse(text: SecretString) -> Result<Self, UpstreamDenied> {
        let malformed = |_| AssertionDenied::MalformedAssertion;
        let parse = || {
            let jws = jwt::parse(text.expose_secret(), &TYPES)?;
            let all: Value = jws.payload()?;
            let claims = Claims::deserialize(&all).map_err(malformed)?;
            let Value::Object(all) = all else {
                return Err(AssertionDenied::MalformedAssertion);
            };
            Ok((claims, all))
        };
        let (claims, all) = parse().map_err(UpstreamDenied::IdToken)?;
        Ok(Self { text, claims, all })
    }

    /// Verifies its signature by one of `keys`.
    pub(super) fn verify(&self, keys: &PublicKeySet) -> Result<(), AssertionDenied> {
        Ok(keys.verify(&jwt::parse(self.text.expose_secret(), &TYPES)?)?)
    }

    /// Who it is about, if it was issued to this service, now and for this attempt. Its signature must have been verified.
    pub(super) fn identity(
        self,
        expected: Expected<'_>,
        now: Timestamp,
    ) -> Result<UpstreamIdentity, UpstreamDenied> {
        let claims = &self.claims;
        if claims.iss != expected.issuer {
            let wrong = AssertionDenied::WrongAssertionIssuer;
            return Err(UpstreamDenied::IdToken(wrong));
        }
        if !claims.is_for(expected.client_id) {
            let wrong = AssertionDenied::WrongAssertionAudience;
            return Err(UpstreamDenied::IdToken(wrong));
        }
        jwt::check_time(claims.exp, Some(claims.iat), claims.nbf, now)
            .map_err(UpstreamDenied::IdToken)?;
        let nonce = claims.nonce.as_deref().unwrap_or_default();
        verify_slices_are_equal(nonce.as_bytes(), expected.nonce.as_bytes())
            .map_err(|_| UpstreamDenied::WrongNonce)?;
        // OpenID Connect Core 1.0 §2.
        if claims.sub.is_empty() || claims.sub.len() > LONGEST_SUB {
            return Err(UpstreamDenied::IdToken(AssertionDenied::MalformedAssertion));
        }
        Ok(UpstreamIdentity {
            account: self.claims.sub,
            claims: copied(&self.all),
        })
    }
}

impl fmt::Debug for UpstreamToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamToken")
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    #[serde(default)]
    azp: Option<String>,
    #[serde(deserialize_with = "numeric_date")]
    exp: Timestamp,
    #[serde(deserialize_with = "numeric_date")]
    iat: Timestamp,
    #[serde(default, deserialize_with = "optional_numeric_date")]
    nbf: Option<Timestamp>,
    #[serde(default)]
    nonce: Option<String>,
}

impl Claims {
    /// OpenID Connect Core 1.0 §3.1.3.7: the client is in `aud`; of several audiences, it is the one that `azp` names.
    fn is_for(&self, client_id: &str) -> bool {
        let (is_in, is_alone) = match &self.aud {
            Value::String(one) => (one == client_id, true),
            Value::Array(list) => (list.iter().any(|one| one == client_id), list.len() == 1),
            _ => (false, true),
        };
        is_in
            && match &self.azp {
                Some(azp) => azp == client_id,
                None => is_alone,
            }
    }
}

/// What is copied of what the upstream says. What would say that something was verified is not, and neither is a name that others
/// may take for that of a user here.
fn copied(all: &Map<String, Value>) -> Map<String, Value> {
    let copied = COPIED.iter().filter_map(|name| {
        let value = all.get(*name)?;
        StandardClaim::named(name)?.check(value).ok()?;
        Some(((*name).to_owned(), value.clone()))
    });
    let claims: Map<String, Value> = copied.collect();
    match crate::person::check(&claims) {
        Ok(()) => claims,
        // They take too much room.
        Err(_) => Map::new(),
    }
}

const COPIED: [&str; 9] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "email",
    "picture",
    "zoneinfo",
    "locale",
];

/// OpenID Connect Core 1.0 §2.
const LONGEST_SUB: usize = 255;

const TYPES: [&str; 1] = ["JWT"];
