//! The public documents: JWKS and metadata. They name only what works.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;

use super::JSON;
use crate::Issuer;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::grant::GrantType;
use crate::store::records::AuthenticationMethod;

impl Issuer {
    /// RFC 7517 §5.
    pub(super) async fn jwks(&self, headers: &HeaderMap) -> Result<Response<Bytes>, Error> {
        let keys = self.keys.at(self.clock.now()).await?;
        Ok(public_document(keys.jwks(), headers))
    }

    /// RFC 8414 §3.2; OpenID Connect Discovery 1.0 §4.2 finds the same document, so that resource
    /// servers which know only that path find the keys.
    pub(super) fn metadata(&self, headers: &HeaderMap) -> Response<Bytes> {
        let issuer = &self.config.issuer;
        let document = Metadata {
            issuer: issuer.as_str(),
            token_endpoint: issuer.join(Endpoint::Token.path()),
            revocation_endpoint: issuer.join(Endpoint::Revoke.path()),
            introspection_endpoint: issuer.join(Endpoint::Introspect.path()),
            jwks_uri: issuer.join(Endpoint::Jwks.path()),
            response_types_supported: [],
            grant_types_supported: GrantType::ALL.map(GrantType::as_str),
            token_endpoint_auth_methods_supported: all_methods(),
            revocation_endpoint_auth_methods_supported: all_methods(),
            introspection_endpoint_auth_methods_supported: [
                AuthenticationMethod::ClientSecretBasic.as_str(),
                AuthenticationMethod::ClientSecretPost.as_str(),
            ],
        };
        let json = serde_json::to_vec(&document).unwrap_or_default();
        public_document(json.into(), headers)
    }
}

/// RFC 8414 §2.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    token_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    jwks_uri: String,
    /// Required, and empty until there is an authorization endpoint.
    response_types_supported: [&'a str; 0],
    grant_types_supported: [&'a str; GrantType::ALL.len()],
    token_endpoint_auth_methods_supported: [&'a str; AuthenticationMethod::ALL.len()],
    revocation_endpoint_auth_methods_supported: [&'a str; AuthenticationMethod::ALL.len()],
    introspection_endpoint_auth_methods_supported: [&'a str; 2],
}

fn all_methods() -> [&'static str; AuthenticationMethod::ALL.len()] {
    AuthenticationMethod::ALL.map(AuthenticationMethod::as_str)
}

/// A JSON document that everybody may cache, or 304 for who has it already (RFC 9110 §13.1.2).
fn public_document(json: Bytes, headers: &HeaderMap) -> Response<Bytes> {
    let hash = digest::digest(&digest::SHA256, &json);
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
    let known = if_none_match(headers, &etag);
    let mut response = Response::new(if known { Bytes::new() } else { json });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    }
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    // base64url between quotes is always a header value.
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

fn if_none_match(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter();
    tags.filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag)
}
