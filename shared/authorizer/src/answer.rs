use serde::Serialize;
use serde_json::{Map, Value};
use tokensmith_issuer::limit::Standing;
use tokensmith_verifier::VerifiedClaims;

use crate::policy::PolicyDocument;

/// An answer to API Gateway.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum AuthorizerAnswer {
    /// The simple response of HTTP APIs with payload format 2.0.
    #[serde(rename_all = "camelCase")]
    Simple {
        /// Whether API Gateway passes the request to the integration.
        is_authorized: bool,
        /// The claims that the integration gets.
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<TokenContext>,
    },
    /// A policy that API Gateway applies to the request, and to later ones if it caches the answer.
    #[serde(rename_all = "camelCase")]
    Policy {
        /// The subject of the token.
        principal_id: String,
        /// What the token is allowed.
        policy_document: PolicyDocument,
        /// The claims that the integration gets.
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<TokenContext>,
    },
}

/// The claims of a verified token that an integration gets. The context of a policy holds text, numbers and booleans, and
/// nothing that is nested.
#[derive(Debug, Serialize)]
pub struct TokenContext {
    sub: String,
    client_id: String,
    /// Space-separated.
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<String>,
    /// The static claims of the client. None of their names is one of the above, or one that API Gateway uses.
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl TokenContext {
    /// What says that the limit of the resource is used up, in place of the static claims, so that no claim can say it.
    pub(crate) fn of_limited(claims: &VerifiedClaims, standing: &Standing) -> Self {
        let mut context = Self::from(claims);
        context.others = [
            ("limited".to_owned(), true.into()),
            ("retry_after".to_owned(), standing.resets_in.into()),
        ]
        .into_iter()
        .collect();
        context
    }
}

impl From<&VerifiedClaims> for TokenContext {
    fn from(claims: &VerifiedClaims) -> Self {
        Self {
            sub: claims.subject().to_owned(),
            client_id: claims.client_id().to_owned(),
            scope: claims.scopes().collect::<Vec<_>>().join(" "),
            grant_id: claims.grant_id().map(str::to_owned),
            others: claims
                .others()
                .map(|(name, value)| (name.to_owned(), flat(value)))
                .collect(),
        }
    }
}

/// A value as a context can hold it: what is nested, or nothing at all, is its JSON as text.
fn flat(value: &Value) -> Value {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => value.clone(),
        Value::Null | Value::Array(_) | Value::Object(_) => Value::String(value.to_string()),
    }
}
