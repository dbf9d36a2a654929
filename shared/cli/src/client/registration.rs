//! What `client create` and `client update` say about a client, and how it is shown.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokensmith_issuer::GrantType;
use tokensmith_issuer::config::{MAX_ACCESS_TTL, MAX_GRANT_TTL};
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_verifier::Timestamp;

use tokensmith_issuer::names::{Audience, ClientId, IssuerUrl, Scope, Scopes};
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::records::{
    AuthenticationMethod, Client, RefreshGrace, SIGNING_KEYS, SigningKey,
};
use tokensmith_verifier::Algorithm;

use super::replace_secrets;
use crate::data::OpenData;
use crate::{Failure, display_time};

/// The metadata of a client (RFC 7591 §2).
#[derive(Args)]
pub struct Registration {
    /// A grant type that the client may use [default: client_credentials, for a public client
    /// refresh_token]
    #[arg(long = "grant", value_name = "GRANT", value_parser = parse_grant_type)]
    grants: Vec<GrantType>,
    /// A scope that the client may ask for
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// A scope that a token has when the client asks for none; must be one of its scopes
    #[arg(long = "default-scope", value_name = "SCOPE")]
    default_scopes: Vec<Scope>,
    /// A resource that tokens may be meant for; the first is the default [default: the issuer URL]
    #[arg(long = "audience", value_name = "URI")]
    audiences: Vec<Audience>,
    /// The only authentication method: client_secret_basic, client_secret_post, or none for a public
    /// client [default: either of the first two]
    #[arg(long = "auth", value_name = "METHOD")]
    authentication: Option<AuthenticationMethod>,
    /// The client cannot keep a secret, and gets none: an app or a device in its user's hands
    #[arg(long)]
    public: bool,
    /// The lifetime of access tokens, for example 15m; at most 24h [default: the issuer's]
    #[arg(long, value_name = "TIME", value_parser = parse_access_ttl)]
    access_ttl: Option<Duration>,
    /// How long a grant lives unused, for example 30d; at most 400d [default: 30d]
    #[arg(long, value_name = "TIME", value_parser = parse_grant_ttl)]
    refresh_ttl: Option<Duration>,
    /// How long a grant lives in any case; at most 400d [default: 365d]
    #[arg(long, value_name = "TIME", value_parser = parse_grant_ttl)]
    grant_ttl: Option<Duration>,
    /// How long a refresh token is honoured once it has a successor: until-used, a time such as
    /// 60s, or 0 for never [default: until-used, for a public client 60s]
    #[arg(long, value_name = "GRACE")]
    refresh_grace: Option<RefreshGrace>,
    /// Whether every refresh makes a new refresh token; only a client with a secret may keep its own
    /// [default: true]
    #[arg(long, value_name = "BOOL")]
    refresh_rotation: Option<bool>,
    /// The algorithm of access tokens: RS256, PS256, ES256 or EdDSA [default: the issuer's first]
    #[arg(long = "alg", value_name = "ALG")]
    algorithm: Option<Algorithm>,
}

impl Registration {
    /// A new client called `id`, with `secret` unless it is public.
    pub async fn register(
        &self,
        id: ClientId,
        data: &OpenData,
        secret: &ClientSecret,
        now: Timestamp,
    ) -> Result<Client, Failure> {
        self.check_algorithm(data.table()).await?;
        let mut client = new_client(id, data.url(), now)?;
        if self.is_public() {
            client.grant_types = vec![GrantType::RefreshToken];
        }
        replace_secrets(&mut client, secret, now);
        self.apply(&mut client)?;
        Ok(client)
    }

    fn is_public(&self) -> bool {
        self.public || self.authentication == Some(AuthenticationMethod::None)
    }

    /// Changes what is named here.
    pub fn apply(&self, client: &mut Client) -> Result<(), Failure> {
        if !self.grants.is_empty() {
            client.grant_types.clone_from(&self.grants);
        }
        if !self.scopes.is_empty() {
            client.scopes = self.scopes.iter().cloned().collect();
        }
        if !self.default_scopes.is_empty() {
            client.default_scopes = self.default_scopes.iter().cloned().collect();
        }
        if !self.audiences.is_empty() {
            client.audiences.clone_from(&self.audiences);
        }
        client.authentication = self.authentication.or(client.authentication);
        if self.is_public() {
            if self
                .authentication
                .is_some_and(|method| method != AuthenticationMethod::None)
            {
                return Err(Failure::new(
                    "a public client has no secret: its --auth is none",
                ));
            }
            client.authentication = Some(AuthenticationMethod::None);
            client.secrets.clear();
        }
        let seconds = |ttl: Option<Duration>| ttl.map(|ttl| ttl.as_secs());
        client.refresh_ttl = seconds(self.refresh_ttl).unwrap_or(client.refresh_ttl);
        client.grant_ttl = seconds(self.grant_ttl).unwrap_or(client.grant_ttl);
        client.refresh_grace = self.refresh_grace.or(client.refresh_grace);
        client.refresh_rotation = self.refresh_rotation.unwrap_or(client.refresh_rotation);
        client.access_ttl = self
            .access_ttl
            .map(|ttl| ttl.as_secs())
            .or(client.access_ttl);
        client.algorithm = self.algorithm.or(client.algorithm);
        check(client)
    }

    /// An algorithm is of use only if a key signs with it.
    pub async fn check_algorithm(&self, table: &Table) -> Result<(), Failure> {
        let Some(algorithm) = self.algorithm else {
            return Ok(());
        };
        let keys = table.query_all::<SigningKey>(SIGNING_KEYS).await?;
        match keys.iter().any(|key| key.jwk.alg == algorithm) {
            true => Ok(()),
            false => Err(Failure::new(format!(
                "there is no {algorithm} key: `tokensmith serve --alg {algorithm}` makes one"
            ))),
        }
    }
}

/// A client that may use `client_credentials` for the issuer itself, and has no secret yet.
pub fn new_client(id: ClientId, issuer: &IssuerUrl, now: Timestamp) -> Result<Client, Failure> {
    Ok(Client {
        id,
        authentication: None,
        secrets: Vec::new(),
        grant_types: vec![GrantType::ClientCredentials],
        scopes: Scopes::default(),
        default_scopes: Scopes::default(),
        audiences: vec![issuer.as_str().parse()?],
        access_ttl: None,
        algorithm: None,
        refresh_ttl: DEFAULT_REFRESH_TTL.as_secs(),
        grant_ttl: DEFAULT_GRANT_TTL.as_secs(),
        refresh_grace: None,
        refresh_rotation: true,
        disabled: false,
        deleted_at: None,
        not_before: None,
        created_at: now,
    })
}

fn check(client: &Client) -> Result<(), Failure> {
    if !client.scopes.contains_all(&client.default_scopes) {
        let message = "every --default-scope must be a --scope of the client";
        return Err(Failure::new(message));
    }
    if client.is_public() {
        if client.grant_types.contains(&GrantType::ClientCredentials) {
            let message = "a public client has nothing to prove itself with: no client_credentials";
            return Err(Failure::new(message));
        }
        if !client.refresh_rotation {
            let message = "a public client's refresh tokens must rotate (RFC 9700 section 2.2.2)";
            return Err(Failure::new(message));
        }
    } else if client.secrets.is_empty() {
        return Err(Failure::new(
            "a public client cannot become confidential: create a new one",
        ));
    }
    let audiences: usize = client.audiences.iter().map(|one| one.as_str().len()).sum();
    if client.scopes.to_string().len() > MAX_CLAIM_BYTES || audiences > MAX_CLAIM_BYTES {
        return Err(Failure::new(format!(
            "the scopes, and the audiences, take at most {MAX_CLAIM_BYTES} bytes together"
        )));
    }
    Ok(())
}

fn parse_grant_type(name: &str) -> Result<GrantType, String> {
    name.parse().map_err(|()| {
        let known = GrantType::ALL.map(GrantType::as_str).join(", ");
        format!("the grant types are: {known}")
    })
}

fn parse_access_ttl(text: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(text).map_err(|err| err.to_string())?;
    match (MIN_ACCESS_TTL..=MAX_ACCESS_TTL).contains(&ttl) {
        true => Ok(ttl),
        false => Err("an access token lives from 1s to 24h".to_owned()),
    }
}

fn parse_grant_ttl(text: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(text).map_err(|err| err.to_string())?;
    match (MIN_ACCESS_TTL..=MAX_GRANT_TTL).contains(&ttl) {
        true => Ok(ttl),
        false => Err("a grant lives from 1s to 400d".to_owned()),
    }
}

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

const DEFAULT_REFRESH_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DEFAULT_GRANT_TTL: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const MIN_ACCESS_TTL: Duration = Duration::from_secs(1);

/// Keeps every token below the length that verifiers accept.
const MAX_CLAIM_BYTES: usize = 2048;
