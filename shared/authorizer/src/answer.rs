use crate::policy::PolicyDocument;
use crate::principal::Principal;
use serde::Serialize;
use serde_json::{Map, Value};
use tokensmith_issuer::limit::Standing;

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

/// What an integration is told of a verified token, or of an API key: the same of both. The context of a policy holds text, numbers and booleans, and
/// nothing that is nested.
#[derive(Debug, Serialize)]
pub struct TokenContext {
    sub: String,
    client_id: String,
    /// Space-separated.
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<String>,
    /// The public id of the API key, or of the one that the token was exchanged for.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// Who acts for the subject, and who has acted before: RFC 8693 §4.1, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<String>,
    /// The static claims of the client. None of their names is one of the above, or one that API Gateway uses.
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl TokenContext {
    /// What says that a limit is used up, in place of the static claims, so that no claim can say it.
    pub(crate) fn of_limited(principal: &Principal, standing: &Standing) -> Self {
        let mut context = Self::from(principal);
        context.others = [
            ("limited".to_owned(), true.into()),
            ("retry_after".to_owned(), standing.resets_in.into()),
        ]
        .into_iter()
        .collect();
        context
    }
}

impl From<&Principal> for TokenContext {
    fn from(principal: &Principal) -> Self {
        let flattened = |(name, value): (&str, &Value)| (name.to_owned(), flat(value));
        Self {
            sub: principal.subject().to_owned(),
            client_id: principal.client_id().to_owned(),
            scope: principal.scope(),
            grant_id: principal.grant_id().map(str::to_owned),
            key_id: principal.key_id().map(str::to_owned),
            act: principal
                .actor()
                .map(|actor| serde_json::json!(actor).to_string()),
            others: match principal {
                Principal::Token(claims) => claims.others().map(flattened).collect(),
                Principal::ApiKey(holder) => {
                    let claims = holder.client.claims.as_map().iter();
                    claims
                        .map(|(name, value)| flattened((name, value)))
                        .collect()
                }
            },
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
