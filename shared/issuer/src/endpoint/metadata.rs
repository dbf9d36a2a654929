//! The public documents: JWKS and metadata. They list only what this issuer supports.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use serde::Serialize;
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::{Algorithm, paths};

use super::answer::{JSON, json_error, public_document};
use super::{ALWAYS, Answer, Endpoint, Mount};
use crate::Issuer;
use crate::error::Error;
use crate::keys::Custody;
use crate::store::records::AuthenticationMethod;
use crate::store::records::GrantType;

/// RFC 7517 §5.
pub static JWKS: Endpoint = Endpoint {
    name: "jwks",
    path: paths::JWKS,
    methods: METHODS,
    has_cors: true,
    is_on: ALWAYS,
    warm_up: |issuer| Box::pin(issuer.load_published_keys()),
    check: |issuer| Box::pin(issuer.load_published_keys()),
    serve: |call| Box::pin(call.issuer.jwks(call.request.headers())),
    refuse: json_error,
};

/// [`JWKS`], which needs no private key.
pub const fn jwks<C: Custody>() -> Mount<C> {
    Mount::keyless(&JWKS)
}

/// RFC 8414 §3.
pub static AUTHORIZATION_SERVER_METADATA: Endpoint = Endpoint {
    name: "authorization_server_metadata",
    path: paths::AUTHORIZATION_SERVER_METADATA,
    ..METADATA
};

/// [`AUTHORIZATION_SERVER_METADATA`], which needs no key.
pub const fn authorization_server_metadata<C: Custody>() -> Mount<C> {
    Mount::keyless(&AUTHORIZATION_SERVER_METADATA)
}

/// OpenID Connect Discovery 1.0 §4: the same document with what its §3 requires besides, so that
/// resource servers that know only this path find the keys.
pub static OPENID_CONFIGURATION: Endpoint = Endpoint {
    name: "openid_configuration",
    path: paths::OPENID_CONFIGURATION,
    serve: |call| {
        Box::pin(async move {
            Ok(Answer::public(
                call.issuer.openid_metadata(call.request.headers()),
            ))
        })
    },
    ..METADATA
};

/// [`OPENID_CONFIGURATION`], which needs no key.
pub const fn openid_configuration<C: Custody>() -> Mount<C> {
    Mount::keyless(&OPENID_CONFIGURATION)
}

/// What both metadata endpoints have in common.
const METADATA: Endpoint = Endpoint {
    name: "",
    path: "",
    methods: METHODS,
    has_cors: true,
    is_on: ALWAYS,
    warm_up: |_| Box::pin(async { Ok(()) }),
    check: |_| Box::pin(async { Ok(()) }),
    serve: |call| {
        Box::pin(async move { Ok(Answer::public(call.issuer.metadata(call.request.headers()))) })
    },
    refuse: json_error,
};

const METHODS: &str = "GET, HEAD, OPTIONS";

impl Issuer {
    async fn jwks(&self, headers: &HeaderMap) -> Result<Answer, Error> {
        let keys = self.keys.within(PUBLISHED_WITHIN, self.clock.now()).await?;
        let document = public_document(keys.jwks(), JSON, CACHED_FOR, headers);
        Ok(Answer::public(document))
    }

    /// RFC 8414 §3.2.
    fn metadata(&self, headers: &HeaderMap) -> Response<Bytes> {
        let json = serde_json::to_vec(&self.metadata_members()).unwrap_or_default();
        public_document(json.into(), JSON, CACHED_FOR, headers)
    }

    /// OpenID Connect Discovery 1.0 §4.2.
    fn openid_metadata(&self, headers: &HeaderMap) -> Response<Bytes> {
        let algorithms = self.config.algorithms.iter();
        let document = OpenIdMetadata {
            metadata: self.metadata_members(),
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: algorithms.copied().collect(),
        };
        let json = serde_json::to_vec(&document).unwrap_or_default();
        public_document(json.into(), JSON, CACHED_FOR, headers)
    }

    fn metadata_members(&self) -> Metadata<'_> {
        let issuer = &self.config.issuer;
        Metadata {
            issuer: issuer.as_str(),
            token_endpoint: issuer.join(paths::TOKEN),
            device_authorization_endpoint: issuer.join(paths::DEVICE_AUTHORIZATION),
            revocation_endpoint: issuer.join(paths::REVOKE),
            introspection_endpoint: issuer.join(paths::INTROSPECT),
            jwks_uri: issuer.join(paths::JWKS),
            response_types_supported: [],
            grant_types_supported: GrantType::ALL.map(GrantType::as_str),
            token_endpoint_auth_methods_supported: all_methods(),
            revocation_endpoint_auth_methods_supported: all_methods(),
            introspection_endpoint_auth_methods_supported: [
                AuthenticationMethod::ClientSecretBasic.as_str(),
                AuthenticationMethod::ClientSecretPost.as_str(),
                AuthenticationMethod::PrivateKeyJwt.as_str(),
            ],
            token_endpoint_auth_signing_alg_values_supported: SignatureAlgorithm::NAMES,
            revocation_endpoint_auth_signing_alg_values_supported: SignatureAlgorithm::NAMES,
            introspection_endpoint_auth_signing_alg_values_supported: SignatureAlgorithm::NAMES,
        }
    }
}

/// RFC 8414 §2.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    token_endpoint: String,
    /// RFC 8628 §4.
    device_authorization_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    jwks_uri: String,
    /// Required by RFC 8414, and empty while there is no authorization endpoint.
    response_types_supported: [&'a str; 0],
    grant_types_supported: [&'a str; GrantType::ALL.len()],
    token_endpoint_auth_methods_supported: [&'a str; AuthenticationMethod::REGISTERED.len()],
    revocation_endpoint_auth_methods_supported: [&'a str; AuthenticationMethod::REGISTERED.len()],
    introspection_endpoint_auth_methods_supported: [&'a str; 3],
    token_endpoint_auth_signing_alg_values_supported: AssertionAlgorithms,
    revocation_endpoint_auth_signing_alg_values_supported: AssertionAlgorithms,
    introspection_endpoint_auth_signing_alg_values_supported: AssertionAlgorithms,
}

/// The algorithms of `private_key_jwt`.
type AssertionAlgorithms = [&'static str; SignatureAlgorithm::NAMES.len()];

/// OpenID Connect Discovery 1.0 §3. Some resource servers accept no document without these members,
/// although they verify access tokens alone.
#[derive(Serialize)]
struct OpenIdMetadata<'a> {
    #[serde(flatten)]
    metadata: Metadata<'a>,
    /// A subject has the same `sub` for every client.
    subject_types_supported: [&'a str; 1],
    /// The algorithms that this issuer signs with.
    id_token_signing_alg_values_supported: Vec<Algorithm>,
}

fn all_methods() -> [&'static str; AuthenticationMethod::REGISTERED.len()] {
    AuthenticationMethod::REGISTERED.map(AuthenticationMethod::as_str)
}

/// In seconds.
const CACHED_FOR: u64 = 300;

/// How soon a new key is published. When a key is withdrawn, verifiers learn that from the revocation
/// feed, which the new key has signed, so they ask for the new key at once.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(1);
