use serde::Serialize;

use crate::dpop::PROOF_ALGORITHMS;
use crate::{TokenScheme, Verifier};

/// What a resource server says of itself (RFC 9728 §2), so that clients find its issuer and scopes by a challenge alone: a
/// JSON document at a path of the resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProtectedResource {
    path: String,
    url: String,
    document: Vec<u8>,
}

/// RFC 9728 §2.
#[derive(Serialize)]
struct Document<'a> {
    resource: &'a str,
    authorization_servers: [&'a str; 1],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes_supported: &'a [&'a str],
    bearer_methods_supported: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_signing_alg_values_supported: Option<Vec<&'a str>>,
    dpop_bound_access_tokens_required: bool,
}

impl ProtectedResource {
    /// Describes the first audience of `verifier`, with the scopes that it has. `None` when that is no `https` or `http` URL
    /// without a query, so that it has no such path (RFC 9728 §3.1).
    pub fn of(verifier: &Verifier, scopes: &[&str]) -> Option<Self> {
        let resource = verifier.realm();
        let (path, url) = location_of(resource)?;
        let schemes = verifier.schemes();
        let document = Document {
            resource,
            authorization_servers: [verifier.issuer()],
            scopes_supported: scopes,
            bearer_methods_supported: ["header"],
            dpop_signing_alg_values_supported: schemes
                .contains(&TokenScheme::Dpop)
                .then(|| PROOF_ALGORITHMS.split(' ').collect()),
            dpop_bound_access_tokens_required: !schemes.contains(&TokenScheme::Bearer),
        };
        Some(Self {
            path,
            url,
            document: serde_json::to_vec(&document).ok()?,
        })
    }

    /// Where it is served, below the origin of the resource.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole URL, which challenges name as `resource_metadata` (RFC 9728 §5.1).
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The document, as JSON.
    pub fn document(&self) -> &[u8] {
        &self.document
    }
}

/// RFC 9728 §3: the well-known path stands between the host and the path of the resource.
fn location_of(resource: &str) -> Option<(String, String)> {
    let rest = resource
        .strip_prefix("https://")
        .or_else(|| resource.strip_prefix("http://"))?;
    if rest.contains(['?', '#', '@']) {
        return None;
    }
    let authority = rest.find('/').unwrap_or(rest.len());
    let (origin, path) = resource.split_at(resource.len() - rest.len() + authority);
    let path = format!("{WELL_KNOWN}{}", path.trim_end_matches('/'));
    let url = format!("{origin}{path}");
    (authority > 0).then_some((path, url))
}

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9728_3_1_the_well_known_path_stands_behind_the_host() {
        for (resource, expected) in [
            (
                "https://api.example",
                "https://api.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://api.example/",
                "https://api.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://api.example:8443/v1",
                "https://api.example:8443/.well-known/oauth-protected-resource/v1",
            ),
        ] {
            let (path, url) = location_of(resource).expect("a location");
            assert_eq!(url, expected);
            assert!(url.ends_with(&path));
        }
        for none in ["urn:api", "https://", "https://api.example/?a=b", "api"] {
            assert_eq!(location_of(none), None, "{none}");
        }
    }
}
