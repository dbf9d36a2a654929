use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{Actor, KeyId, Parent, is_same_resource};

/// The claims of an access token (RFC 9068 §2.2), as minted and as verified.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessTokenClaims {
    /// The issuer URL.
    pub iss: String,
    /// The subject: a user, or the client itself (RFC 9068 §2.2).
    pub sub: String,
    /// The resources that it is meant for (RFC 8707).
    pub aud: Audiences,
    /// When it expires: not accepted at or after this time, in seconds since 1970.
    pub exp: u64,
    /// Not accepted before this time, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// When it was issued: the start of the oldest read that it rests on, in seconds since 1970.
    pub iat: u64,
    /// Its unique id.
    pub jti: String,
    /// The client it was issued to (RFC 8693 §4.3).
    pub client_id: String,
    /// Space-separated scopes (RFC 8693 §4.2); absent when none was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The grant it comes from; absent for `client_credentials`, which has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// Who acts for the subject (RFC 8693 §4.1); absent where the subject acts itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// The key that it is bound to, if it is (RFC 7800 §3.1).
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub cnf: Option<Confirmation>,
    /// What it was exchanged for (RFC 8693): it ends with each of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    /// Every other claim. The length of a token bounds them.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A claim that is there: `null` says nothing that could be checked.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Confirmation>, D::Error> {
    Confirmation::deserialize(value).map(Some)
}

/// What whoever sends a token has to prove. A verifier that does not know a member cannot check it, so it refuses the token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The RFC 7638 thumbprint of the key that DPoP proofs are made with (RFC 9449 §6.1).
    pub jkt: KeyId,
}

/// The `aud` claim: a single string or an array of them (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Audiences {
    /// One audience, written as a string, because some libraries accept nothing else.
    One(String),
    /// Several audiences, written as an array.
    Many(Vec<String>),
}

impl Audiences {
    /// The audiences as a slice.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// Whether `audience` is one of them, as [`is_same_resource`] compares.
    pub fn contains(&self, audience: &str) -> bool {
        self.as_slice()
            .iter()
            .any(|one| is_same_resource(one, audience))
    }
}

impl From<Vec<String>> for Audiences {
    fn from(mut audiences: Vec<String>) -> Self {
        match audiences.len() {
            1 => Self::One(audiences.remove(0)),
            _ => Self::Many(audiences),
        }
    }
}
