//! The metadata of a client (RFC 7591 §2): rules.rs has what of it is allowed.

mod lists;
mod rules;

use std::time::Duration;

use serde_json::{Map, Value};
use tokensmith_verifier::{Algorithm, Timestamp};

use super::lifetimes::{AccessTtl, GrantTtl};
use super::secrets::only_secret;
use crate::credential::ClientSecret;
use crate::fetched::DocumentUrl;
use crate::limit::Limit;
use crate::names::{Audience, ClientId, IssuerUrl, RedirectUri, Scope, Scopes, add_audience};
use crate::store::records::GrantType;
use crate::store::records::{
    Allowance, AssertionAudience, AuthenticationMethod, Client, Pkce, Profile, RefreshGrace,
    StoredJwks,
};
use crate::token::StaticClaims;
pub use rules::RegistrationError;

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
    /// What people call it.
    pub name: Option<String>,
    /// Where people are sent back to, once they have signed in.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where people are sent back to, once they have signed out.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Whether people are not asked whether it may.
    pub first_party: Option<bool>,
    /// When it must send a code challenge.
    pub pkce: Option<Pkce>,
    /// The security profile that it keeps to.
    pub profile: Option<Profile>,
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
    /// With redirect URIs `authorization_code` and `refresh_token`; otherwise `client_credentials`, for a public client
    /// `refresh_token`, and for one by federation `jwt-bearer` too.
    GrantTypes,
    /// No scopes for registered resources.
    Allowed,
    /// No static claims.
    Claims,
    /// No limit.
    Limit,
    /// No name but its id.
    Name,
    /// No redirect URIs.
    RedirectUris,
    /// Nowhere to go after signing out.
    PostLogoutRedirectUris,
    /// People are asked whether it may.
    FirstParty,
    /// A code challenge is always needed.
    Pkce,
    /// No security profile.
    Profile,
}

impl Setting {
    /// Every one.
    pub const ALL: [Self; 22] = [
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
        Self::Name,
        Self::RedirectUris,
        Self::PostLogoutRedirectUris,
        Self::FirstParty,
        Self::Pkce,
        Self::Profile,
    ];
}

impl ClientChanges {
    /// A new client with this metadata. By default it may use `client_credentials`, or as a public
    /// client `refresh_token`, or with redirect URIs what people need, and the audience of its tokens is the issuer
    /// itself. It has `secret`, if it uses secrets.
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
            grant_types: default_grant_types(self.authentication, !self.redirect_uris.is_empty()),
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
            profile: None,
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
        client.profile = self.profile.or(client.profile);
        self.change_what_people_see(client);
        rules::check(client)
    }

    fn change_what_people_see(&self, client: &mut Client) {
        if self.name.is_some() {
            client.name.clone_from(&self.name);
        }
        if !self.redirect_uris.is_empty() {
            client.redirect_uris = distinct(&self.redirect_uris);
        }
        if !self.post_logout_redirect_uris.is_empty() {
            client.post_logout_redirect_uris = distinct(&self.post_logout_redirect_uris);
        }
        client.first_party = self.first_party.unwrap_or(client.first_party);
        client.pkce = self.pkce.unwrap_or(client.pkce);
    }

    /// Whether the client has redirect URIs after these changes.
    fn leaves_redirect_uris(&self, client: &Client) -> bool {
        let keeps = !self.unset.contains(&Setting::RedirectUris);
        !self.redirect_uris.is_empty() || (keeps && !client.redirect_uris.is_empty())
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
                let authentication = self.authentication.or(client.authentication);
                client.grant_types =
                    default_grant_types(authentication, self.leaves_redirect_uris(client));
            }
            Setting::Allowed => client.allowed.clear(),
            Setting::Claims => client.claims = StaticClaims::default(),
            Setting::Limit => client.limit = None,
            Setting::Name => client.name = None,
            Setting::RedirectUris => client.redirect_uris.clear(),
            Setting::PostLogoutRedirectUris => client.post_logout_redirect_uris.clear(),
            Setting::FirstParty => client.first_party = false,
            Setting::Pkce => client.pkce = Pkce::default(),
            Setting::Profile => client.profile = None,
        }
    }
}

/// A client that people are sent back to is there for them.
fn default_grant_types(
    authentication: Option<AuthenticationMethod>,
    has_redirect_uris: bool,
) -> Vec<GrantType> {
    if has_redirect_uris {
        return vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
    }
    match authentication {
        Some(AuthenticationMethod::None) => vec![GrantType::RefreshToken],
        Some(AuthenticationMethod::Federation) => {
            vec![GrantType::ClientCredentials, GrantType::JwtBearer]
        }
        _ => vec![GrantType::ClientCredentials],
    }
}

fn distinct(uris: &[RedirectUri]) -> Vec<RedirectUri> {
    let mut distinct = Vec::with_capacity(uris.len());
    for uri in uris {
        if !distinct.contains(uri) {
            distinct.push(uri.clone());
        }
    }
    distinct
}

const DEFAULT_REFRESH_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DEFAULT_GRANT_TTL: Duration = Duration::from_secs(365 * 24 * 60 * 60);
