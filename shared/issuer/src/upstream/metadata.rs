//! What an OpenID provider says of itself.

use serde::Deserialize;

use crate::fetched::{DocumentUrl, Parse, metadata_url};

/// What is read of its metadata (OpenID Connect Discovery 1.0 §3).
#[derive(Debug, Deserialize)]
pub(super) struct UpstreamMetadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: DocumentUrl,
    pub(super) token_endpoint: DocumentUrl,
    pub(super) jwks_uri: DocumentUrl,
    /// RFC 9207 §3.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
    #[serde(default = "basic")]
    token_endpoint_auth_methods_supported: Vec<String>,
}

impl UpstreamMetadata {
    /// Whether it takes a client's secret in the form alone (`client_secret_post`).
    pub(super) fn takes_secret_in_form(&self) -> bool {
        let has = |method: &str| {
            let mut methods = self.token_endpoint_auth_methods_supported.iter();
            methods.any(|one| one == method)
        };
        has("client_secret_post") && !has(BASIC)
    }
}

impl Parse for UpstreamMetadata {
    /// The issuer that it names must be the one that it was asked from (OpenID Connect Discovery 1.0 §4.3).
    fn parse(url: &DocumentUrl, body: &str) -> Result<Self, String> {
        let metadata: Self = serde_json::from_str(body).map_err(|err| err.to_string())?;
        match metadata_url(&metadata.issuer) == url.as_str() {
            true => Ok(metadata),
            false => Err("it is the metadata of another issuer".to_owned()),
        }
    }
}

/// What holds when the metadata do not say.
fn basic() -> Vec<String> {
    vec![BASIC.to_owned()]
}

const BASIC: &str = "client_secret_basic";
