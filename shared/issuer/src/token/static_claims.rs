//! Claims that an operator puts into the tokens of a client.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::registered_claims::is_registered;

/// What a client's own tokens say besides what every token says: names that no registry knows, and their values.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct StaticClaims(Map<String, Value>);

impl StaticClaims {
    /// Checks claims.
    ///
    /// # Errors
    /// [`InvalidClaims`] says which rule they break.
    pub fn new(claims: Map<String, Value>) -> Result<Self, InvalidClaims> {
        for (name, value) in &claims {
            let is_name = (1..=MAX_NAME_BYTES).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_name {
                return Err(InvalidClaims::Name(name.clone()));
            }
            if is_registered(name) {
                return Err(InvalidClaims::Registered(name.clone()));
            }
            if depth_of(value) > MAX_DEPTH {
                return Err(InvalidClaims::TooDeep(name.clone()));
            }
        }
        let claims = Self(claims);
        match String::from(claims.clone()).len() > MAX_BYTES {
            true => Err(InvalidClaims::TooLong),
            false => Ok(claims),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claims by their names.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl TryFrom<String> for StaticClaims {
    type Error = String;

    fn try_from(json: String) -> Result<Self, String> {
        let claims = serde_json::from_str(&json).map_err(|err| err.to_string())?;
        // A name that was registered since must not make the client unreadable: its rule is for those who set it.
        Ok(Self(claims))
    }
}

impl From<StaticClaims> for String {
    fn from(claims: StaticClaims) -> Self {
        Value::Object(claims.0).to_string()
    }
}

fn depth_of(value: &Value) -> usize {
    let below = match value {
        Value::Array(values) => values.iter().map(depth_of).max(),
        Value::Object(members) => members.values().map(depth_of).max(),
        _ => return 0,
    };
    1 + below.unwrap_or(0)
}

/// Why a client cannot have these claims.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidClaims {
    /// It is no name that everybody can read.
    #[error(
        "{0:?} cannot name a claim: use 1 to {MAX_NAME_BYTES} printable ASCII characters without spaces"
    )]
    Name(String),
    /// Everybody knows what the name means, and would believe it.
    #[error(
        "the claim {0} means something already (IANA registers it, or tokensmith uses it): take another name"
    )]
    Registered(String),
    /// Its value is nested too deeply.
    #[error("the value of the claim {0} has more than {MAX_DEPTH} levels")]
    TooDeep(String),
    /// Together they would make the token too long.
    #[error("all claims take at most {MAX_BYTES} bytes together, as JSON")]
    TooLong,
}

/// Each token carries them, and each request carries the token.
const MAX_BYTES: usize = 1024;
const MAX_NAME_BYTES: usize = 128;
/// How deep arrays and objects may be nested. Bounds the work of a parser that recurses.
const MAX_DEPTH: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(claims: &Value) -> Result<StaticClaims, InvalidClaims> {
        StaticClaims::new(claims.as_object().expect("an object").clone())
    }

    #[test]
    fn no_claim_has_a_name_that_means_something_already() {
        for name in [
            "sub", "scope", "cnf", "act", "roles", "groups", "grant_id", "active", "username",
            "code", "nonce",
        ] {
            let refused = InvalidClaims::Registered(name.to_owned());
            assert_eq!(check(&json!({ name: 1 })), Err(refused), "{name}");
        }
        for name in ["tenant", "https://example.com/tenant", "SUB"] {
            assert!(check(&json!({ name: 1 })).is_ok(), "{name}");
        }
        for name in ["", "two words", "ü", "line\n", &"x".repeat(129)] {
            assert_eq!(
                check(&json!({ name: 1 })),
                Err(InvalidClaims::Name(name.to_owned()))
            );
        }
    }

    #[test]
    fn claims_are_bounded_in_length_and_depth() {
        let of_length = |length: usize| check(&json!({ "a": "x".repeat(length - 8) }));
        assert!(of_length(MAX_BYTES).is_ok());
        assert_eq!(of_length(MAX_BYTES + 1), Err(InvalidClaims::TooLong));
        assert!(check(&json!({ "a": [[{ "b": [] }]] })).is_ok());
        let deeper = check(&json!({ "a": [[{ "b": [[]] }]] }));
        assert_eq!(deeper, Err(InvalidClaims::TooDeep("a".to_owned())));
    }
}
