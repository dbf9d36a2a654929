//! How a client is shown.

use serde::Serialize;
use tokensmith_issuer::GrantType;
use tokensmith_issuer::names::{Audience, ClientId, Scopes};
use tokensmith_issuer::store::records::{AuthenticationMethod, Client, RefreshGrace};
use tokensmith_verifier::Algorithm;

use crate::display_time;

/// A client as it is shown: without the hashes of its secrets.
#[derive(Serialize)]
pub struct DisplayedClient<'a> {
    client_id: &'a ClientId,
    grant_types: &'a [GrantType],
    scopes: &'a Scopes,
    default_scopes: &'a Scopes,
    audiences: &'a [Audience],
    token_endpoint_auth_method: Option<AuthenticationMethod>,
    access_ttl_seconds: Option<u64>,
    alg: Option<Algorithm>,
    refresh_ttl_seconds: u64,
    grant_ttl_seconds: u64,
    refresh_grace: RefreshGrace,
    refresh_rotation: bool,
    disabled: bool,
    not_before: Option<String>,
    created_at: String,
    secrets: Vec<DisplayedSecret>,
}

#[derive(Serialize)]
struct DisplayedSecret {
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
            access_ttl_seconds: client.access_ttl,
            alg: client.algorithm,
            refresh_ttl_seconds: client.refresh_ttl,
            grant_ttl_seconds: client.grant_ttl,
            refresh_grace: client.refresh_grace(),
            refresh_rotation: client.refresh_rotation,
            disabled: client.disabled,
            not_before: client.not_before.map(display_time),
            created_at: display_time(client.created_at),
            secrets: client
                .secrets
                .iter()
                .map(|secret| DisplayedSecret {
                    created_at: display_time(secret.created_at),
                    expires_at: secret.expires_at.map(display_time),
                })
                .collect(),
        }
    }
}
