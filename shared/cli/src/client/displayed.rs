//! How a client is shown.

use serde::Serialize;
use serde_json::{Map, Value};
use tokensmith_issuer::GrantType;
use tokensmith_issuer::fetched::DocumentUrl;
use tokensmith_issuer::limit::Limit;
use tokensmith_issuer::names::{Audience, ClientId, RedirectUri, Scopes};
use tokensmith_issuer::store::records::{
    Allowance, AssertionAudience, AuthenticationMethod, Client, LiveSecret, Pkce, Profile,
    RefreshGrace, StoredJwks,
};
use tokensmith_verifier::Algorithm;

use crate::display_time;
use crate::list::Listed;

/// A client as it is shown: without the hashes of its secrets.
#[derive(Serialize)]
pub struct DisplayedClient<'a> {
    client_id: &'a ClientId,
    grant_types: &'a [GrantType],
    scopes: &'a Scopes,
    default_scopes: &'a Scopes,
    audiences: &'a [Audience],
    token_endpoint_auth_method: Option<AuthenticationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a DocumentUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion_audience: Option<AssertionAudience>,
    allowed: &'a [Allowance],
    claims: &'a Map<String, Value>,
    access_ttl_seconds: Option<u64>,
    alg: Option<Algorithm>,
    refresh_ttl_seconds: u64,
    grant_ttl_seconds: u64,
    refresh_grace: RefreshGrace,
    refresh_rotation: bool,
    limit: Option<Limit>,
    client_name: Option<&'a str>,
    redirect_uris: &'a [RedirectUri],
    post_logout_redirect_uris: &'a [RedirectUri],
    first_party: bool,
    pkce: Pkce,
    profile: Option<Profile>,
    disabled: bool,
    not_before: Option<String>,
    created_at: String,
    secrets: Vec<DisplayedSecret>,
}

/// A secret as it is shown: when it was made, and when it ends.
#[derive(Serialize)]
pub struct DisplayedSecret {
    created_at: String,
    expires_at: Option<String>,
}

impl<'a> DisplayedClient<'a> {
    pub fn new(client: &'a Client) -> Self {
        Self {
            client_id: &client.id,
            grant_types: &client.grant_types,
            scopes: &client.scopes,
            default_scopes: &client.default_scopes,
            audiences: &client.audiences,
            token_endpoint_auth_method: client.authentication,
            jwks: client.jwks.as_ref().map(StoredJwks::to_json),
            jwks_uri: client.jwks_uri.as_ref(),
            assertion_audience: (client.authentication
                == Some(AuthenticationMethod::PrivateKeyJwt))
            .then_some(client.assertion_audience),
            allowed: &client.allowed,
            claims: client.claims.as_map(),
            access_ttl_seconds: client.access_ttl,
            alg: client.algorithm,
            refresh_ttl_seconds: client.refresh_ttl,
            grant_ttl_seconds: client.grant_ttl,
            refresh_grace: client.refresh_grace(false),
            refresh_rotation: client.refresh_rotation,
            limit: client.limit,
            client_name: client.name.as_deref(),
            redirect_uris: &client.redirect_uris,
            post_logout_redirect_uris: &client.post_logout_redirect_uris,
            first_party: client.first_party,
            pkce: client.pkce,
            profile: client.profile,
            disabled: client.disabled,
            not_before: client.not_before.map(display_time),
            created_at: display_time(client.created_at),
            secrets: DisplayedSecret::all(&client.secrets),
        }
    }
}

impl DisplayedSecret {
    /// All of a client's secrets.
    pub fn all(secrets: &[LiveSecret]) -> Vec<Self> {
        let shown = secrets.iter().map(|secret| Self {
            created_at: display_time(secret.created_at),
            expires_at: secret.expires_at.map(display_time),
        });
        shown.collect()
    }
}

impl Listed for DisplayedClient<'_> {
    const COLUMNS: &'static [&'static str] =
        &["CLIENT", "STATE", "GRANTS", "SCOPES", "SECRETS", "CREATED"];

    fn cells(&self) -> Vec<String> {
        let state = match self.disabled {
            true => "disabled",
            false => "enabled",
        };
        let grants: Vec<_> = self.grant_types.iter().map(|one| one.as_str()).collect();
        let secrets = match self.token_endpoint_auth_method {
            Some(AuthenticationMethod::None) => "public".to_owned(),
            Some(AuthenticationMethod::PrivateKeyJwt) => "keys".to_owned(),
            Some(AuthenticationMethod::Federation) => "federation".to_owned(),
            _ => self.secrets.len().to_string(),
        };
        vec![
            self.client_id.to_string(),
            state.to_owned(),
            grants.join(" "),
            self.scopes.to_string(),
            secrets,
            self.created_at.clone(),
        ]
    }
}
