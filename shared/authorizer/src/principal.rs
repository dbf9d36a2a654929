//! Who calls: whoever has a valid token, or an API key.

use std::sync::Arc;

use tokensmith_issuer::names::Scopes;
use tokensmith_issuer::store::records::{ApiKey, Client};
use tokensmith_verifier::{Actor, RequiredScopes, VerifiedClaims};

/// The caller of an API.
#[derive(Clone, Debug)]
pub(crate) enum Principal {
    /// Whoever has this token.
    Token(Box<VerifiedClaims>),
    /// Whoever has this API key.
    ApiKey(Arc<KeyHolder>),
}

/// A client that has an API key.
#[derive(Debug)]
pub(crate) struct KeyHolder {
    /// The key.
    pub(crate) key: ApiKey,
    /// Its client.
    pub(crate) client: Arc<Client>,
    /// What it opens.
    pub(crate) scopes: Scopes,
}

impl Principal {
    /// The subject of the token; the client that has the key.
    pub(crate) fn subject(&self) -> &str {
        match self {
            Self::Token(claims) => claims.subject(),
            Self::ApiKey(holder) => holder.key.client_id.as_str(),
        }
    }

    /// The client.
    pub(crate) fn client_id(&self) -> &str {
        match self {
            Self::Token(claims) => claims.client_id(),
            Self::ApiKey(holder) => holder.key.client_id.as_str(),
        }
    }

    /// The scopes, space-separated.
    pub(crate) fn scope(&self) -> String {
        match self {
            Self::Token(claims) => claims.scopes().collect::<Vec<_>>().join(" "),
            Self::ApiKey(holder) => holder.scopes.to_string(),
        }
    }

    /// The grant that the token comes from.
    pub(crate) fn grant_id(&self) -> Option<&str> {
        match self {
            Self::Token(claims) => claims.grant_id(),
            Self::ApiKey(_) => None,
        }
    }

    /// Who acts for the subject (RFC 8693 §4.1).
    pub(crate) fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Token(claims) => claims.actor(),
            Self::ApiKey(_) => None,
        }
    }

    /// The public id of the key, or of the one that the token was exchanged for.
    pub(crate) fn key_id(&self) -> Option<&str> {
        match self {
            Self::Token(claims) => claims.api_key_id(),
            Self::ApiKey(holder) => Some(holder.key.id.as_str()),
        }
    }

    /// Whether the scopes meet `required`.
    pub(crate) fn meets(&self, required: &RequiredScopes) -> bool {
        match self {
            Self::Token(claims) => claims.require(required).is_ok(),
            Self::ApiKey(holder) => {
                let has = |scope: &str| holder.scopes.iter().any(|one| one.as_str() == scope);
                required.are_met_by(has)
            }
        }
    }
}
