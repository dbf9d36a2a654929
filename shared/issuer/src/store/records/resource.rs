use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tokensmith_verifier::{Algorithm, Timestamp, canonical_resource};

use crate::limit::Limit;
use crate::names::{Audience, ClientId, Scope, Scopes};
use crate::store::{Key, Record};

/// A registered resource: an audience about which the issuer knows more than its URI.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Resource {
    /// Its URI, which tokens for it carry as `aud`.
    pub uri: Audience,
    /// What people call it.
    pub name: Option<String>,
    /// The scopes that tokens for it may have.
    pub scopes: Vec<DefinedScope>,
    /// The longest lifetime of tokens for it, in seconds.
    pub access_ttl: Option<u64>,
    /// The algorithm of tokens for it; `None` is the client's.
    pub algorithm: Option<Algorithm>,
    /// The clients that may introspect and exchange tokens of others for it.
    pub owners: Vec<ClientId>,
    /// What tokens for other resources may be exchanged for tokens for this one.
    #[serde(default)]
    pub exchanges: Vec<ExchangeRule>,
    /// How many requests its authorizers let through; `None` is all.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// Whether tokens for it may be, or must be, bound to a key. `None`: its verifiers check no proofs, so that no token is.
    #[serde(default)]
    pub dpop: Option<Dpop>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// What the verifiers of a resource do with DPoP proofs (RFC 9449).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dpop {
    /// They accept tokens that are bound to a key, and others.
    Optional,
    /// They accept no others.
    Required,
}

impl FromStr for Dpop {
    type Err = UnknownDpop;

    fn from_str(name: &str) -> Result<Self, UnknownDpop> {
        match name {
            "optional" => Ok(Self::Optional),
            "required" => Ok(Self::Required),
            _ => Err(UnknownDpop),
        }
    }
}

/// The name is neither.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("say optional or required")]
pub struct UnknownDpop;

impl Resource {
    /// The key of the resource that `uri` names, in whichever of its spellings.
    pub fn key_of(uri: &Audience) -> Key<Self> {
        Key::single(Self::PREFIX, &canonical_resource(uri.as_str()))
    }

    /// The names of its scopes.
    pub fn scopes(&self) -> Scopes {
        self.scopes.iter().map(|scope| scope.name.clone()).collect()
    }

    /// The scopes that a token for this resource may have when it is exchanged for one with the scopes `held` for `from`.
    pub fn scopes_for_exchange(&self, from: &Audience, held: &Scopes) -> Scopes {
        let rules = self.exchanges.iter();
        let open = rules.filter(|rule| rule.from.is_same_as(from) && held.has(rule.scope.as_str()));
        let scopes: Scopes = open.map(|rule| rule.becomes.clone()).collect();
        scopes.intersection(&self.scopes())
    }

    /// The prefix of every resource's partition key.
    pub const PREFIX: &'static str = "RESOURCE";
}

impl Record for Resource {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.uri)
    }

    fn listed_in(&self) -> Option<String> {
        Some(Self::PREFIX.to_owned())
    }
}

/// A scope as a resource defines it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DefinedScope {
    /// Its name.
    pub name: Scope,
    /// What it permits, in words for the people who give it.
    pub description: String,
}

/// The word of a resource that a token for another one, with one scope, may be exchanged for a token with a scope of its own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ExchangeRule {
    /// The other resource.
    pub from: Audience,
    /// The scope there.
    pub scope: Scope,
    /// The scope here.
    pub becomes: Scope,
}

impl fmt::Display for ExchangeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}={}", self.from, self.scope, self.becomes)
    }
}

/// The scopes that a client holds for one registered resource.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Allowance {
    /// The resource.
    pub resource: Audience,
    /// The scopes, which mean nothing for any other resource.
    pub scopes: Scopes,
}
