//! What is logged of a token that was issued. No field of it opens anything.

use serde::Serialize;
use tokensmith_verifier::{KeyId, Parent};

use super::loggable::bounded;
use crate::token::MintedToken;

/// What names an access token, and what it allows.
#[derive(Clone, Debug, Serialize)]
pub struct IssuedToken {
    kid: KeyId,
    jti: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    aud: String,
    /// The key that it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    jkt: Option<KeyId>,
}

impl IssuedToken {
    /// A client can have many scopes and audiences: long ones are cut.
    pub(crate) fn of(minted: &MintedToken) -> Self {
        Self {
            kid: minted.key_id.clone(),
            jti: minted.token_id.clone(),
            scope: bounded(&minted.scopes.to_string()),
            aud: bounded(&minted.audiences.join(" ")),
            jkt: minted.bound_to.clone(),
        }
    }
}

/// How somebody has come to act for somebody else. No name in it opens anything.
#[derive(Clone, Debug, Serialize)]
pub struct DelegationChain {
    subject: String,
    /// The current actor first.
    actors: Vec<String>,
    /// The ids of the tokens and API keys that the token rests on, and the clients that those tokens were issued to.
    parents: Vec<Parent>,
}

impl DelegationChain {
    /// The chain of a token, if somebody acts with it for somebody else.
    pub(crate) fn of(minted: &MintedToken) -> Option<Self> {
        let act = minted.act.as_ref()?;
        Some(Self {
            subject: bounded(&minted.subject),
            actors: act.chain().map(bounded).collect(),
            parents: minted.parents.clone(),
        })
    }
}

#[cfg(test)]
impl DelegationChain {
    pub(super) fn sample() -> Self {
        Self {
            subject: "alice".to_owned(),
            actors: vec!["agent".to_owned(), "api".to_owned()],
            parents: vec![Parent::ApiKey {
                key: "0123456789abcdef".to_owned(),
            }],
        }
    }
}

#[cfg(test)]
impl IssuedToken {
    pub(super) fn sample() -> Self {
        Self {
            kid: KeyId::from("k".to_owned()),
            jti: "j".to_owned(),
            scope: "s".to_owned(),
            aud: "a".to_owned(),
            jkt: Some("t".to_owned().into()),
        }
    }
}
