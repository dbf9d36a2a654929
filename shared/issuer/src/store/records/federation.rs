use serde::{Deserialize, Serialize};

use super::StoredJwks;
use crate::federation::{Condition, ForeignIssuer, Pattern};
use crate::fetched::DocumentUrl;
use crate::names::{ClientId, FederationName};
use crate::store::{Key, Record};
use tokensmith_verifier::Timestamp;

/// Another issuer whose tokens are accepted, by the keys that this record names. Two records may name the same
/// issuer: clusters that somebody has set up alike call themselves alike, and have other keys.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FederationSource {
    /// Its name here.
    pub name: FederationName,
    /// The `iss` of its tokens.
    pub issuer: ForeignIssuer,
    /// Where its keys are.
    pub keys: SourceKeys,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Where the keys of a source are.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKeys {
    /// Here.
    Jwks(StoredJwks),
    /// At this URL.
    JwksUri(DocumentUrl),
    /// Where the issuer's metadata, which are at this URL, say (OpenID Connect Discovery 1.0 §4).
    Discovery(DocumentUrl),
}

impl FederationSource {
    /// The key of the source called `name`.
    pub fn key_of(name: &FederationName) -> Key<Self> {
        Key::ranged(FEDERATION, format!("{SOURCE}{name}"))
    }
}

impl Record for FederationSource {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.name)
    }

    fn is_at(sort_key: &str) -> bool {
        sort_key.starts_with(SOURCE)
    }
}

/// Which tokens of a source speak for which client.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FederationRule {
    /// Its name.
    pub name: FederationName,
    /// The source whose tokens it is about.
    pub source: FederationName,
    /// The client that they speak for.
    pub client_id: ClientId,
    /// The only audience that they may have.
    pub audience: String,
    /// What their `sub` must be.
    pub subject: Option<Pattern>,
    /// What else they must say. All conditions must hold.
    pub conditions: Vec<Condition>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl FederationRule {
    /// The key of the rule called `name`.
    pub fn key_of(name: &FederationName) -> Key<Self> {
        Key::ranged(FEDERATION, format!("{RULE}{name}"))
    }
}

impl Record for FederationRule {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.name)
    }

    fn is_at(sort_key: &str) -> bool {
        sort_key.starts_with(RULE)
    }
}

/// The partition of all sources and rules. One query reads it, so that whoever makes up an issuer causes no
/// read of their own.
pub const FEDERATION: &str = "FEDERATION";

const SOURCE: &str = "SOURCE#";
const RULE: &str = "RULE#";
