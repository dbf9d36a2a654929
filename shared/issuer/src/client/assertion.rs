//! A JWT that a client has signed to authenticate itself (RFC 7523 §2.2, `private_key_jwt`).
//!
//! It is parsed twice: from the request, to find the client that it names, and when it is verified. What was
//! read from it before is trusted for nothing else.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokensmith_verifier::jose::{PublicKeySet, UnverifiedJws};
use tokensmith_verifier::{Rejection, Timestamp};

use super::Claim;
use super::jwt::{self, LEEWAY, numeric_date, optional_numeric_date};
use crate::error::AssertionDenied;
use crate::names::ClientId;
use crate::store::records::Profile;

/// An assertion as it was presented. Nothing of it is verified.
#[derive(Debug)]
pub struct UnverifiedAssertion {
    text: SecretString,
    client_id: ClientId,
    single_use: Claim,
}

impl UnverifiedAssertion {
    /// Finds the client that the assertion names.
    ///
    /// # Errors
    /// [`AssertionDenied`] for what no client could have signed, before any I/O.
    pub fn parse(text: &str) -> Result<Self, AssertionDenied> {
        let claims = Claims::of(&jwt::parse(text, &TYPES)?)?;
        let client_id: ClientId = match claims.iss == claims.sub {
            true => claims.sub.parse().ok(),
            false => None,
        }
        .ok_or(AssertionDenied::WrongAssertionIssuer)?;
        let id = claims.id()?;
        let single_use = Claim::new(
            format!("client_assertion {client_id} {id}"),
            claims.holds_until().after(2 * LEEWAY),
        );
        Ok(Self {
            text: text.to_owned().into(),
            client_id,
            single_use,
        })
    }

    /// The client that it names.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// What has to be claimed when it is accepted, so that it is accepted once.
    pub fn single_use(&self) -> Claim {
        self.single_use.clone()
    }

    /// Whether it is signed as `profile` wants it, once its signature was verified.
    pub fn keeps(&self, profile: Profile) -> bool {
        let jws = jwt::parse(self.text.expose_secret(), &TYPES).ok();
        let algorithm = jws.and_then(|jws| jws.header.alg.parse().ok());
        algorithm.is_some_and(|algorithm| profile.allows(algorithm))
    }

    /// Whether `keys` have the key that it names.
    pub fn names_one_of(&self, keys: &PublicKeySet) -> bool {
        let jws = jwt::parse(self.text.expose_secret(), &TYPES);
        jws.is_ok_and(|jws| keys.key_of(&jws).is_some())
    }

    /// Verifies it: the signature by one of `keys`, and the claims.
    ///
    /// # Errors
    /// The first [`AssertionDenied`] that applies.
    pub fn verify(
        &self,
        keys: &PublicKeySet,
        audiences: &[&str],
        now: Timestamp,
    ) -> Result<(), AssertionDenied> {
        let jws = jwt::parse(self.text.expose_secret(), &TYPES)?;
        keys.verify(&jws)?;
        Claims::of(&jws)?.check(audiences, now)
    }
}

/// The claims of an assertion (RFC 7523 §3).
#[derive(Deserialize)]
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
    jti: Option<String>,
}

impl Claims {
    fn of(jws: &UnverifiedJws<'_>) -> Result<Self, AssertionDenied> {
        let claims: Result<Self, Rejection> = jws.payload();
        Ok(claims?)
    }

    fn id(&self) -> Result<&str, AssertionDenied> {
        let id = self.jti.as_deref();
        let usable = id.filter(|id| (1..=LONGEST_ID).contains(&id.len()));
        usable.ok_or(AssertionDenied::AssertionWithoutId)
    }

    /// Until when it is accepted: many libraries let it live for an hour, which is longer than anybody needs.
    fn holds_until(&self) -> Timestamp {
        match self.iat {
            Some(iat) => self.exp.min(iat.after(LIFETIME)),
            None => self.exp,
        }
    }

    fn check(&self, audiences: &[&str], now: Timestamp) -> Result<(), AssertionDenied> {
        // One string: a list could name several issuers, of which each could use the assertion at the others.
        let aud = self.aud.as_str();
        if !aud.is_some_and(|aud| audiences.contains(&aud)) {
            return Err(AssertionDenied::WrongAssertionAudience);
        }
        jwt::check_time(self.holds_until(), self.iat, self.nbf, now)?;
        let longest = match self.iat {
            Some(_) => LONGEST_EXPIRY,
            None => LIFETIME,
        };
        match self.exp > now.after(longest + LEEWAY) {
            true => Err(AssertionDenied::AssertionLivesTooLong),
            false => Ok(()),
        }
    }
}

/// The general type, and that of client assertions.
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// How long an assertion is accepted after it was issued.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// How far `exp` may lie ahead if `iat` says when it was issued.
const LONGEST_EXPIRY: Duration = Duration::from_secs(60 * 60);

/// The longest `jti`, in bytes.
const LONGEST_ID: usize = 256;
