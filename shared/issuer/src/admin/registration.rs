//! The metadata of a client (RFC 7591 §2), and what of it is allowed.

use std::time::Duration;

use serde_json::{Map, Value};
use tokensmith_verifier::{Algorithm, Timestamp};

use super::lifetimes::{AccessTtl, GrantTtl};
use super::secrets::only_secret;
use crate::credential::ClientSecret;
use crate::fetched::DocumentUrl;
use crate::limit::Limit;
use crate::names::{Audience, ClientId, InvalidName, IssuerUrl, Scope, Scopes, add_audience};
use crate::store::records::GrantType;
use crate::store::records::{
    Allowance, AssertionAudience, AuthenticationMethod, Client, Pkce, RefreshGrace, StoredJwks,
};
use crate::token::{InvalidClaims, StaticClaims};

/// The metadata that a client shall have. `None`, or an empty list, leaves a value as it is.
#[derive(Clone, Debug, Default)]
pub struct ClientChanges {
    /// The grant types that it may use.
    pub grant_types: Vec<GrantType>,
    /// The scopes that it may ask for.
    pub scopes: Vec<Scope>,
    /// The scopes of a token when it asks for none.
    pub default_scopes: Vec<Scope>,
    /// The audiences that its tokens may have; the first is the default.
    pub audiences: Vec<Audience>,
    /// Its only authentication method; [`AuthenticationMethod::None`] makes it a public client.
    pub authentication: Option<AuthenticationMethod>,
    /// The public keys of its assertions.
    pub jwks: Option<StoredJwks>,
    /// Where they are published, instead.
    pub jwks_uri: Option<DocumentUrl>,
    /// What its assertions may name as their audience.
    pub assertion_audience: Option<AssertionAudience>,
    /// The lifetime of its access tokens.
    pub access_ttl: Option<AccessTtl>,
    /// How long a grant is valid without being used.
    pub refresh_ttl: Option<GrantTtl>,
    /// How long a grant is valid in all.
    pub grant_ttl: Option<GrantTtl>,
    /// How long an old refresh token is still accepted after it was refreshed.
    pub refresh_grace: Option<RefreshGrace>,
    /// Whether every refresh returns a new refresh token.
    pub refresh_rotation: Option<bool>,
    /// The algorithm of its access tokens.
    pub algorithm: Option<Algorithm>,
    /// Scopes that it may ask for besides those that it has.
    pub added_scopes: Vec<Scope>,
    /// Scopes that it may no longer ask for.
    pub removed_scopes: Vec<Scope>,
    /// The scopes that it shall hold for each of these registered resources, and no others for them.
    pub allowed: Vec<Allowance>,
    /// Resources for which it holds no scopes any more.
    pub removed_allowed: Vec<Audience>,
    /// Claims of its own tokens, besides those that it has or with another value.
    pub claims: Map<String, Value>,
    /// The names of claims that its own tokens have no longer.
    pub removed_claims: Vec<String>,
    /// How many tokens it may ask for.
    pub limit: Option<Limit>,
    /// What is set back to the default before anything else is changed.
    pub unset: Vec<Setting>,
}

/// A setting of a client that has a default.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Setting {
    /// No scopes.
    Scopes,
    /// No default scopes.
    DefaultScopes,
    /// The registered resources that it holds scopes for; if there is none, the issuer.
    Audiences,
    /// Every method that a client with a secret can authenticate with.
    Authentication,
    /// No keys.
    Jwks,
    /// The issuer alone.
    AssertionAudience,
    /// The issuer's lifetime of access tokens.
    AccessTtl,
    /// 30 days.
    RefreshTtl,
    /// 365 days.
    GrantTtl,
    /// Until the successor is used, or 60 s for a public client.
    RefreshGrace,
    /// Every refresh returns a new refresh token.
    RefreshRotation,
    /// The issuer's first algorithm.
    Algorithm,
    /// `client_credentials`, for a public client `refresh_token`, and for one by federation `jwt-bearer` too.
    GrantTypes,
    /// No scopes for registered resources.
    Allowed,
    /// No static claims.
    Claims,
    /// No limit.
    Limit,
}

impl Setting {
    /// Every one.
    pub const ALL: [Self; 16] = [
        Self::Scopes,
        Self::DefaultScopes,
        Self::Audiences,
        Self::Authentication,
        Self::Jwks,
        Self::AssertionAudience,
        Self::AccessTtl,
        Self::RefreshTtl,
        Self::GrantTtl,
        Self::RefreshGrace,
        Self::RefreshRotation,
        Self::Algorithm,
        Self::GrantTypes,
        Self::Allowed,
        Self::Claims,
        Self::Limit,
    ];
}

impl ClientChanges {
    /// A new client with this metadata. By default it may use `client_credentials`, or as a public
    /// client `refresh_token`, and the audience of its tokens is the issuer itself. It has
    /// `secret`, if it uses secrets.
    pub(super) fn new_client(
        &self,
        id: ClientId,
        issuer: &IssuerUrl,
        secret: &ClientSecret,
        now: Timestamp,
    ) -> Result<Client, RegistrationError> {
        let mut client = Client {
            id,
            authentication: None,
            secrets: only_secret(secret, now),
            jwks: None,
            jwks_uri: None,
            assertion_audience: AssertionAudience::default(),
            grant_types: default_grant_types(self.authentication),
            scopes: Scopes::default(),
            default_scopes: Scopes::default(),
            audiences: Vec::new(),
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
            allowed: Vec::new(),
            claims: StaticClaims::default(),
            limit: None,
            name: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            first_party: false,
            pkce: Pkce::default(),
        };
        self.apply(&mut client, issuer)?;
        Ok(client)
    }

    /// Makes these changes.
    pub(super) fn apply(
        &self,
        client: &mut Client,
        issuer: &IssuerUrl,
    ) -> Result<(), RegistrationError> {
        for setting in &self.unset {
            self.unset(client, *setting);
        }
        if !self.grant_types.is_empty() {
            client.grant_types.clone_from(&self.grant_types);
        }
        if !self.scopes.is_empty() {
            client.scopes = self.scopes.iter().cloned().collect();
        }
        if !self.added_scopes.is_empty() || !self.removed_scopes.is_empty() {
            self.change_scopes(client)?;
        }
        if !self.default_scopes.is_empty() {
            client.default_scopes = self.default_scopes.iter().cloned().collect();
        }
        if !self.audiences.is_empty() {
            client.audiences.clear();
            for audience in &self.audiences {
                add_audience(&mut client.audiences, audience);
            }
        }
        self.change_allowed(client)?;
        self.change_claims(client)?;
        if client.targets().is_empty() {
            client.audiences = vec![issuer.as_str().parse()?];
        }
        client.authentication = self.authentication.or(client.authentication);
        if self.jwks.is_some() || self.jwks_uri.is_some() {
            client.jwks.clone_from(&self.jwks);
            client.jwks_uri.clone_from(&self.jwks_uri);
        }
        client.assertion_audience = self.assertion_audience.unwrap_or(client.assertion_audience);
        if !client.uses_secrets() {
            client.secrets.clear();
        }
        let seconds = |ttl: Option<GrantTtl>| ttl.map(GrantTtl::seconds);
        client.refresh_ttl = seconds(self.refresh_ttl).unwrap_or(client.refresh_ttl);
        client.grant_ttl = seconds(self.grant_ttl).unwrap_or(client.grant_ttl);
        client.refresh_grace = self.refresh_grace.or(client.refresh_grace);
        client.refresh_rotation = self.refresh_rotation.unwrap_or(client.refresh_rotation);
        let access_ttl = self.access_ttl.map(AccessTtl::seconds);
        client.access_ttl = access_ttl.or(client.access_ttl);
        client.algorithm = self.algorithm.or(client.algorithm);
        client.limit = self.limit.or(client.limit);
        check(client)
    }

    fn unset(&self, client: &mut Client, setting: Setting) {
        match setting {
            Setting::Scopes => client.scopes = Scopes::default(),
            Setting::DefaultScopes => client.default_scopes = Scopes::default(),
            Setting::Audiences => client.audiences.clear(),
            // A client without secrets stays one: it has nothing to prove itself with otherwise.
            Setting::Authentication if !client.uses_secrets() => {}
            Setting::Authentication => client.authentication = None,
            Setting::Jwks => (client.jwks, client.jwks_uri) = (None, None),
            Setting::AssertionAudience => client.assertion_audience = AssertionAudience::default(),
            Setting::AccessTtl => client.access_ttl = None,
            Setting::RefreshTtl => client.refresh_ttl = DEFAULT_REFRESH_TTL.as_secs(),
            Setting::GrantTtl => client.grant_ttl = DEFAULT_GRANT_TTL.as_secs(),
            Setting::RefreshGrace => client.refresh_grace = None,
            Setting::RefreshRotation => client.refresh_rotation = true,
            Setting::Algorithm => client.algorithm = None,
            Setting::GrantTypes => {
                client.grant_types =
                    default_grant_types(self.authentication.or(client.authentication));
            }
            Setting::Allowed => client.allowed.clear(),
            Setting::Claims => client.claims = StaticClaims::default(),
            Setting::Limit => client.limit = None,
        }
    }

    fn change_allowed(&self, client: &mut Client) -> Result<(), RegistrationError> {
        for removed in &self.removed_allowed {
            let before = client.allowed.len();
            client
                .allowed
                .retain(|held| !held.resource.is_same_as(removed));
            if client.allowed.len() == before {
                return Err(RegistrationError::ResourceNotThere);
            }
        }
        for held in &self.allowed {
            let mut known = client.allowed.iter_mut();
            match known.find(|known| known.resource.is_same_as(&held.resource)) {
                Some(known) => known.clone_from(held),
                None => client.allowed.push(held.clone()),
            }
        }
        Ok(())
    }

    fn change_scopes(&self, client: &mut Client) -> Result<(), RegistrationError> {
        let all = client.scopes.iter().chain(&self.added_scopes);
        let removed = |scope: &&Scope| self.removed_scopes.contains(scope);
        let unknown = self
            .removed_scopes
            .iter()
            .find(|one| !client.scopes.iter().any(|has| has == *one));
        if unknown.is_some() {
            return Err(RegistrationError::ScopeNotThere);
        }
        client.scopes = all.filter(|scope| !removed(scope)).cloned().collect();
        let default = client.default_scopes.iter().filter(|scope| !removed(scope));
        client.default_scopes = default.cloned().collect();
        Ok(())
    }

    fn change_claims(&self, client: &mut Client) -> Result<(), RegistrationError> {
        let mut claims = client.claims.as_map().clone();
        for removed in &self.removed_claims {
            if claims.remove(removed).is_none() {
                return Err(RegistrationError::ClaimNotThere(removed.clone()));
            }
        }
        claims.extend(self.claims.clone());
        client.claims = StaticClaims::new(claims)?;
        Ok(())
    }
}

fn default_grant_types(authentication: Option<AuthenticationMethod>) -> Vec<GrantType> {
    match authentication {
        Some(AuthenticationMethod::None) => vec![GrantType::RefreshToken],
        Some(AuthenticationMethod::Federation) => {
            vec![GrantType::ClientCredentials, GrantType::JwtBearer]
        }
        _ => vec![GrantType::ClientCredentials],
    }
}

fn check(client: &Client) -> Result<(), RegistrationError> {
    let held = client.allowed.iter().flat_map(|held| held.scopes.iter());
    let scopes: Scopes = client.scopes.iter().chain(held).cloned().collect();
    if !scopes.contains_all(&client.default_scopes) {
        return Err(RegistrationError::DefaultScopeNotAllowed);
    }
    if client.is_public() {
        if client.grant_types.contains(&GrantType::ClientCredentials) {
            return Err(RegistrationError::PublicClientCredentials);
        }
        if !client.refresh_rotation {
            return Err(RegistrationError::PublicWithoutRotation);
        }
    } else if client.uses_secrets() && client.secrets.is_empty() {
        return Err(RegistrationError::NoSecret);
    }
    let signs = client.authentication == Some(AuthenticationMethod::PrivateKeyJwt);
    match (signs, client.jwks.is_some() || client.jwks_uri.is_some()) {
        (true, false) => return Err(RegistrationError::NoKeys),
        (false, true) => return Err(RegistrationError::UnusedKeys),
        (true, true) | (false, false) => {}
    }
    let audiences: usize = client.audiences.iter().map(|one| one.as_str().len()).sum();
    if client.scopes.to_string().len() > MAX_CLAIM_BYTES || audiences > MAX_CLAIM_BYTES {
        return Err(RegistrationError::TooLong);
    }
    let allowed = client.allowed.iter();
    let allowed = allowed.map(|held| held.resource.as_str().len() + held.scopes.to_string().len());
    match allowed.sum::<usize>() > MAX_ALLOWED_BYTES {
        true => Err(RegistrationError::TooMuchAllowed),
        false => Ok(()),
    }
}

/// Why a client cannot have this metadata.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RegistrationError {
    /// A default scope is not one of the client's scopes.
    #[error("every --default-scope must be a --scope of the client, or in one of its --allow")]
    DefaultScopeNotAllowed,
    /// A scope that shall be removed is none of the client's.
    #[error("every --remove-scope must be a scope of the client")]
    ScopeNotThere,
    /// RFC 6749 §4.4: this grant type is for confidential clients only.
    #[error("a public client has nothing to prove itself with: no client_credentials")]
    PublicClientCredentials,
    /// RFC 9700 §2.2.2: a public client's refresh tokens must rotate.
    #[error("a public client's refresh tokens must rotate (RFC 9700 section 2.2.2)")]
    PublicWithoutRotation,
    /// A client that has no secret shall authenticate with one.
    #[error(
        "the client has no secret, so that it cannot authenticate with one: create a new client"
    )]
    NoSecret,
    /// RFC 7523 §2.2: the keys of the assertions.
    #[error("private_key_jwt needs the client's public keys: --jwks or --jwks-uri")]
    NoKeys,
    /// Keys that nothing would be verified with.
    #[error(
        "--jwks and --jwks-uri are for clients that authenticate with private_key_jwt: --auth private_key_jwt"
    )]
    UnusedKeys,
    /// Its tokens would be longer than verifiers accept.
    #[error("the scopes, and the audiences, take at most {MAX_CLAIM_BYTES} bytes together")]
    TooLong,
    /// A resource for which the client shall hold no scopes any more is none that it holds scopes for.
    #[error("every --remove-allow must be a resource that the client has an --allow for")]
    ResourceNotThere,
    /// Each request of the client reads its record.
    #[error(
        "the resources and scopes of all --allow take at most {MAX_ALLOWED_BYTES} bytes together"
    )]
    TooMuchAllowed,
    /// A claim that shall be removed is none of the client's.
    #[error("the client has no claim {0}")]
    ClaimNotThere(String),
    /// A static claim is not allowed.
    #[error(transparent)]
    Claims(#[from] InvalidClaims),
    /// The issuer URL is the audience if none is named, and this one cannot be an audience.
    #[error(transparent)]
    Audience(#[from] InvalidName),
}

const DEFAULT_REFRESH_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DEFAULT_GRANT_TTL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const MAX_ALLOWED_BYTES: usize = 16 * 1024;

/// Keeps every token within `MAX_TOKEN_BYTES`, the length that verifiers accept.
const MAX_CLAIM_BYTES: usize = 2048;
