//! Who acts with a token for somebody else (RFC 8693 §4.1), and what such a token was exchanged for.

use serde::{Deserialize, Serialize};

use crate::KeyId;

/// Who acts for the subject of a token, and for whom they act in turn (RFC 8693 §4.1).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Actor {
    /// The actor: a client, or the subject of another token.
    pub sub: String,
    /// Who acted before. RFC 8693 §4.1: access is decided by the current actor alone, this is for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Self>>,
}

impl Actor {
    /// The actors, the current one first.
    pub fn chain(&self) -> impl Iterator<Item = &str> {
        let actors = std::iter::successors(Some(self), |actor| actor.act.as_deref());
        actors.map(|actor| actor.sub.as_str())
    }
}

/// One of the things that a token was exchanged for. A verifier that does not know a member does not know what else ends the
/// token, so it refuses the token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Parent {
    /// An access token of the same issuer.
    Token {
        /// Its unique id.
        jti: String,
        /// The client that it was issued to.
        client_id: String,
        /// The grant that it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant_id: Option<String>,
        /// The key that signed it, unless that has signed this token as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kid: Option<KeyId>,
    },
    /// An API key.
    ApiKey {
        /// Its public id.
        key: String,
    },
}

impl Parent {
    /// The public id of an API key, if it is one.
    pub fn api_key_id(&self) -> Option<&str> {
        match self {
            Self::ApiKey { key } => Some(key),
            Self::Token { .. } => None,
        }
    }

    /// The same, where a token that `key` has signed has this parent and says nothing of its key.
    #[must_use]
    pub fn signed_by(mut self, key: &KeyId) -> Self {
        if let Self::Token { kid, .. } = &mut self {
            kid.get_or_insert_with(|| key.clone());
        }
        self
    }

    /// The same, as a token that `key` signs has it.
    #[must_use]
    pub fn in_token_of(mut self, key: &KeyId) -> Self {
        if let Self::Token { kid, .. } = &mut self {
            kid.take_if(|own| own == key);
        }
        self
    }

    /// The key that signed it, if that is another than the key of the token that has this parent.
    pub fn key_id(&self) -> Option<&KeyId> {
        match self {
            Self::Token { kid, .. } => kid.as_ref(),
            Self::ApiKey { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(parent: Value) -> Option<Parent> {
        serde_json::from_value(parent).ok()
    }

    #[test]
    fn rfc8693_4_1_actors_are_listed_from_the_current_one() {
        let act = json!({ "sub": "agent", "act": { "sub": "api", "act": { "sub": "app" } } });
        let actor: Actor = serde_json::from_value(act.clone()).expect("actors");
        assert_eq!(actor.chain().collect::<Vec<_>>(), ["agent", "api", "app"]);
        assert_eq!(json!(actor), act);
    }

    #[test]
    fn a_parent_that_is_not_known_is_no_parent() {
        for good in [
            json!({ "key": "k" }),
            json!({ "jti": "j", "client_id": "c" }),
            json!({ "jti": "j", "client_id": "c", "grant_id": "g" }),
            json!({ "jti": "j", "client_id": "c", "grant_id": "g", "kid": "s" }),
        ] {
            let parent = parse(good.clone()).expect("a parent");
            assert_eq!(json!(parent), good);
        }
        for unknown in [
            json!({ "rule": "r" }),
            json!({ "key": "k", "rule": "r" }),
            json!({ "key": "k", "jti": "j", "client_id": "c" }),
            json!({ "jti": "j", "client_id": "c", "session": "s" }),
            json!({ "jti": "j" }),
            json!({}),
        ] {
            assert_eq!(parse(unknown.clone()), None, "{unknown}");
        }
    }
}
