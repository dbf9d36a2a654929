//! How sources and rules are shown.

use serde::Serialize;
use serde_json::Value;
use tokensmith_issuer::federation::{Condition, ForeignIssuer, Pattern};
use tokensmith_issuer::fetched::DocumentUrl;
use tokensmith_issuer::names::{ClientId, FederationName};
use tokensmith_issuer::store::records::{FederationRule, FederationSource, SourceKeys};

use crate::display_time;
use crate::list::Listed;

/// A source as it is shown.
#[derive(Serialize)]
pub struct DisplayedSource<'a> {
    source: &'a FederationName,
    // `issuer` is this service's own in every answer.
    source_issuer: &'a ForeignIssuer,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a DocumentUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a DocumentUrl>,
    created_at: String,
}

impl<'a> DisplayedSource<'a> {
    pub fn new(source: &'a FederationSource) -> Self {
        let (jwks, jwks_uri, metadata) = match &source.keys {
            SourceKeys::Jwks(jwks) => (Some(jwks.to_json()), None, None),
            SourceKeys::JwksUri(url) => (None, Some(url), None),
            SourceKeys::Discovery(url) => (None, None, Some(url)),
        };
        Self {
            source: &source.name,
            source_issuer: &source.issuer,
            jwks,
            jwks_uri,
            metadata,
            created_at: display_time(source.created_at),
        }
    }
}

impl Listed for DisplayedSource<'_> {
    const COLUMNS: &'static [&'static str] = &["SOURCE", "ISSUER", "KEYS", "CREATED"];

    fn cells(&self) -> Vec<String> {
        let here = self.jwks.as_ref().and_then(|jwks| jwks["keys"].as_array());
        let published = self.jwks_uri.or(self.metadata);
        let keys = match (here, published) {
            (Some(keys), _) => format!("{} here", keys.len()),
            (None, Some(url)) => url.to_string(),
            (None, None) => String::new(),
        };
        vec![
            self.source.to_string(),
            self.source_issuer.to_string(),
            keys,
            self.created_at.clone(),
        ]
    }
}

/// A rule as it is shown.
#[derive(Serialize)]
pub struct DisplayedRule<'a> {
    rule: &'a FederationName,
    source: &'a FederationName,
    client_id: &'a ClientId,
    audience: &'a str,
    subject: Option<&'a Pattern>,
    claims: Vec<String>,
    created_at: String,
}

impl<'a> DisplayedRule<'a> {
    pub fn new(rule: &'a FederationRule) -> Self {
        Self {
            rule: &rule.name,
            source: &rule.source,
            client_id: &rule.client_id,
            audience: &rule.audience,
            subject: rule.subject.as_ref(),
            claims: rule.conditions.iter().map(Condition::to_string).collect(),
            created_at: display_time(rule.created_at),
        }
    }
}

impl Listed for DisplayedRule<'_> {
    const COLUMNS: &'static [&'static str] =
        &["RULE", "SOURCE", "CLIENT", "AUDIENCE", "SUBJECT", "CLAIMS"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.rule.to_string(),
            self.source.to_string(),
            self.client_id.to_string(),
            self.audience.to_owned(),
            self.subject.map(ToString::to_string).unwrap_or_default(),
            self.claims.join(" "),
        ]
    }
}
