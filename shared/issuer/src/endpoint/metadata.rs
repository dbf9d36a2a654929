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
use crate::authorization::ResponseMode;
use crate::error::Error;
use crate::keys::Custody;
use crate::names::{ABOUT_PEOPLE, IssuerUrl};
use crate::person::STANDARD_CLAIMS;
use crate::store::records::AuthenticationMethod;
use crate::store::records::GrantType;
use crate::token::PASSWORD_OR_MORE;

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
        let document = OpenIdDocument {
            metadata: self.metadata_members(),
            openid: self.openid_members(),
        };
        let json = serde_json::to_vec(&document).unwrap_or_default();
        public_document(json.into(), JSON, CACHED_FOR, headers)
    }

    fn metadata_members(&self) -> Metadata<'_> {
        let issuer = &self.config.issuer;
        let signs_in = self.config.sign_in;
        Metadata {
            issuer: issuer.as_str(),
            token_endpoint: issuer.join(paths::TOKEN),
            revocation_endpoint: issuer.join(paths::REVOKE),
            introspection_endpoint: issuer.join(paths::INTROSPECT),
            jwks_uri: issuer.join(paths::JWKS),
            revocations_endpoint: issuer.join(paths::REVOCATIONS),
            scopes_supported: ABOUT_PEOPLE,
            response_types_supported: if signs_in { &["code"] } else { &[] },
            grant_types_supported: self.grant_types(),
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
            dpop_signing_alg_values_supported: SignatureAlgorithm::NAMES,
            refresh_token_expiration_types_supported: ["authorization", "token_timeout"],
            people: signs_in.then(|| PeopleMetadata::of(issuer)),
        }
    }

    /// Those by which somebody can get a token: without people nobody gets a code.
    fn grant_types(&self) -> Vec<&'static str> {
        let of_people = [GrantType::AuthorizationCode, GrantType::DeviceCode];
        let all = GrantType::ALL.into_iter();
        let served = all.filter(|one| self.config.sign_in || !of_people.contains(one));
        served.map(GrantType::as_str).collect()
    }

    fn openid_members(&self) -> OpenIdMetadata<'_> {
        let standard = STANDARD_CLAIMS.iter().map(|claim| claim.name);
        OpenIdMetadata {
            userinfo_endpoint: self.config.issuer.join(paths::USERINFO),
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: self.config.algorithms.clone(),
            claims_supported: ID_TOKEN_CLAIMS.into_iter().chain(standard).collect(),
        }
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
    /// An extension of our own, registered nowhere (RFC 8414 §2 allows others): the revocation feed, so that a verifier that
    /// knows `docs/feed.md` finds it by the issuer URL alone.
    revocations_endpoint: String,
    /// Those that mean the same at every issuer. Which others there are is for each client to know.
    scopes_supported: [&'a str; ABOUT_PEOPLE.len()],
    /// Required by RFC 8414, and empty where there is no authorization endpoint.
    response_types_supported: &'a [&'a str],
    grant_types_supported: Vec<&'a str>,
    token_endpoint_auth_methods_supported: [&'a str; AuthenticationMethod::REGISTERED.len()],
    revocation_endpoint_auth_methods_supported: [&'a str; AuthenticationMethod::REGISTERED.len()],
    introspection_endpoint_auth_methods_supported: [&'a str; 3],
    token_endpoint_auth_signing_alg_values_supported: AssertionAlgorithms,
    revocation_endpoint_auth_signing_alg_values_supported: AssertionAlgorithms,
    introspection_endpoint_auth_signing_alg_values_supported: AssertionAlgorithms,
    /// RFC 9449 §5.1.
    dpop_signing_alg_values_supported: AssertionAlgorithms,
    /// draft-ietf-oauth-refresh-token-expiration-03.
    refresh_token_expiration_types_supported: [&'a str; 2],
    #[serde(flatten)]
    people: Option<PeopleMetadata<'a>>,
}

/// What an issuer says at which people sign in.
#[derive(Serialize)]
struct PeopleMetadata<'a> {
    authorization_endpoint: String,
    /// RFC 9126 §5.
    pushed_authorization_request_endpoint: String,
    /// RFC 8628 §4.
    device_authorization_endpoint: String,
    /// OpenID Connect RP-Initiated Logout 1.0 §2.1.
    end_session_endpoint: String,
    response_modes_supported: [&'a str; ResponseMode::NAMES.len()],
    /// RFC 7636 §4.2: `plain` protects from nobody who reads the request.
    code_challenge_methods_supported: [&'a str; 1],
    /// RFC 9207 §3.
    authorization_response_iss_parameter_supported: bool,
    /// OpenID Connect Prompt Create 1.0 §4.1.
    prompt_values_supported: [&'a str; 4],
    acr_values_supported: [&'a str; 1],
    ui_locales_supported: [&'a str; 2],
    claims_parameter_supported: bool,
    /// At the authorization endpoint. Pushed requests may be signed, by what comes next.
    request_parameter_supported: bool,
    /// RFC 9101 §10.5.
    request_object_signing_alg_values_supported: AssertionAlgorithms,
    /// Other than for requests that were pushed. It is `true` where it is not said.
    request_uri_parameter_supported: bool,
}

impl PeopleMetadata<'_> {
    fn of(issuer: &IssuerUrl) -> Self {
        Self {
            authorization_endpoint: issuer.join(paths::AUTHORIZE),
            pushed_authorization_request_endpoint: issuer.join(paths::PUSHED_AUTHORIZATION),
            device_authorization_endpoint: issuer.join(paths::DEVICE_AUTHORIZATION),
            end_session_endpoint: issuer.join(paths::LOGOUT),
            response_modes_supported: ResponseMode::NAMES,
            code_challenge_methods_supported: ["S256"],
            authorization_response_iss_parameter_supported: true,
            prompt_values_supported: ["none", "login", "consent", "select_account"],
            acr_values_supported: [PASSWORD_OR_MORE],
            ui_locales_supported: ["en", "de"],
            claims_parameter_supported: false,
            request_parameter_supported: false,
            request_object_signing_alg_values_supported: SignatureAlgorithm::NAMES,
            request_uri_parameter_supported: false,
        }
    }
}

/// The algorithms of what clients sign.
type AssertionAlgorithms = [&'static str; SignatureAlgorithm::NAMES.len()];

/// The document of OpenID Connect: all of the other one, and more.
#[derive(Serialize)]
struct OpenIdDocument<'a> {
    #[serde(flatten)]
    metadata: Metadata<'a>,
    #[serde(flatten)]
    openid: OpenIdMetadata<'a>,
}

/// OpenID Connect Discovery 1.0 §3. Some resource servers accept no document without these members,
/// although they verify access tokens alone.
#[derive(Serialize)]
struct OpenIdMetadata<'a> {
    userinfo_endpoint: String,
    /// A subject has the same `sub` for every client.
    subject_types_supported: [&'a str; 1],
    /// The algorithms that this issuer signs with.
    id_token_signing_alg_values_supported: Vec<Algorithm>,
    /// What ID tokens and userinfo may say.
    claims_supported: Vec<&'a str>,
}

fn all_methods() -> [&'static str; AuthenticationMethod::REGISTERED.len()] {
    AuthenticationMethod::REGISTERED.map(AuthenticationMethod::as_str)
}

/// What every ID token can say (OpenID Connect Core 1.0 §2): a client learns the rest from userinfo.
const ID_TOKEN_CLAIMS: [&str; 8] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr"];

/// In seconds.
const CACHED_FOR: u64 = 300;

/// How soon a new key is published. When a key is withdrawn, verifiers learn that from the revocation
/// feed, which the new key has signed, so they ask for the new key at once.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(1);
