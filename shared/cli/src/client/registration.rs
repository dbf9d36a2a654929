//! What `client create` and `client update` say about a client.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;
use tokensmith_issuer::GrantType;
use tokensmith_issuer::admin::{AccessTtl, ClientChanges, GrantTtl, Setting};
use tokensmith_issuer::fetched::{DocumentUrl, Reach};
use tokensmith_issuer::limit::Limit;
use tokensmith_issuer::names::{Audience, RedirectUri, Scope};
use tokensmith_issuer::store::records::{
    Allowance, AssertionAudience, AuthenticationMethod, Pkce, Profile, RefreshGrace, StoredJwks,
};
use tokensmith_verifier::Algorithm;

use crate::Failure;
use crate::input::read_text;
use crate::one_value::{named_json, one_audience, one_scope};

/// The metadata of a client (RFC 7591 §2).
#[derive(Args)]
pub struct Registration {
    /// A grant type that the client may use; may be repeated [default: client_credentials; for a
    /// public client: refresh_token; with --redirect-uri: authorization_code and refresh_token]
    #[arg(long = "grant", value_name = "GRANT", value_parser = parse_grant_type)]
    grants: Vec<GrantType>,
    /// A scope that the client may request; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", value_parser = one_scope)]
    scopes: Vec<Scope>,
    /// A scope that a token gets when the client requests none; must be one of the client's scopes; may
    /// be repeated
    #[arg(long = "default-scope", value_name = "SCOPE", value_parser = one_scope)]
    default_scopes: Vec<Scope>,
    /// A resource that the client may request tokens for (`aud`); may be repeated, and the first is used
    /// when the client requests none [default: the issuer URL]
    #[arg(long = "audience", value_name = "URI", value_parser = one_audience)]
    audiences: Vec<Audience>,
    /// The only method that the client may authenticate with: client_secret_basic, client_secret_post,
    /// private_key_jwt (assertions that it signs; needs --jwks), federation (tokens of another issuer, by
    /// `federation create`), or none for a public client
    /// [default: each of the first two]
    #[arg(long = "auth", value_name = "METHOD")]
    authentication: Option<AuthenticationMethod>,
    /// For private_key_jwt: a file with the client's public keys, as a JWK Set; `-` is standard input. Keys are
    /// replaced by giving a set with the old and the new one, and later one without the old
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// For private_key_jwt: where the client publishes its public keys, instead of --jwks
    #[arg(long, value_name = "URL", conflicts_with = "jwks")]
    jwks_uri: Option<String>,
    /// For private_key_jwt: what assertions may name as their audience: issuer (the issuer URL alone), or
    /// token-endpoint (the URL of the token endpoint as well, for older libraries) [default: issuer]
    #[arg(long, value_name = "AUDIENCE")]
    assertion_audience: Option<AssertionAudience>,
    /// Make it a public client, which has no secret because an app or a device in its user's hands
    /// cannot keep one; the same as --auth none
    #[arg(long)]
    public: bool,
    /// How long access tokens are valid, for example 15m; at most 24h [default: the issuer's setting]
    #[arg(long, value_name = "TIME")]
    access_ttl: Option<AccessTtl>,
    /// A grant ends when it was not used for this long, for example 30d; at most 400d [default: 30d]
    #[arg(long, value_name = "TIME")]
    refresh_ttl: Option<GrantTtl>,
    /// A grant ends this long after it was created, however often it is used; at most 400d
    /// [default: 365d]
    #[arg(long, value_name = "TIME")]
    grant_ttl: Option<GrantTtl>,
    /// How long a refresh token is still accepted after a new one has replaced it: until-used (until the
    /// new one is used), a time such as 60s, or 0 for not at all [default: until-used; for a public
    /// client: 60s]
    #[arg(long, value_name = "GRACE")]
    refresh_grace: Option<RefreshGrace>,
    /// Whether every refresh returns a new refresh token; always true for a public client
    /// [default: true]
    #[arg(long, value_name = "BOOL")]
    refresh_rotation: Option<bool>,
    /// The algorithm that the client's access tokens are signed with: RS256, PS256, ES256 or EdDSA
    /// [default: the issuer's first]
    #[arg(long = "alg", value_name = "ALG")]
    algorithm: Option<Algorithm>,
    /// The scopes that the client holds for a registered resource, separated by commas; it holds no others for it. May
    /// be repeated. A client without --audience gets tokens for the first of these when it requests none
    #[arg(long = "allow", value_name = "URI=SCOPE,SCOPE", value_parser = parse_allowance)]
    allowed: Vec<Allowance>,
    /// A claim of the tokens that the client gets for itself, with its value as JSON: 'plan="gold"' or seats=5. The names that
    /// IANA registers are refused, and all claims take at most 1 KiB. May be repeated; `client update` adds it to
    /// those that the client has
    #[arg(long = "claim", value_name = "NAME=JSON", value_parser = named_json)]
    claims: Vec<(String, Value)>,
    /// How many tokens the client may get, as a number and a time: 100/1m is 100 in each minute. Up to 1000000000 requests in 1s to 1d;
    /// what is over it is answered with 429 [default: no limit]
    #[arg(long, value_name = "NUMBER/TIME")]
    limit: Option<Limit>,
    /// What people call the client: up to 128 characters [default: the client id]
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Where people are sent back to, once they have signed in: https, http on localhost, 127.0.0.1 or ::1 (with any port), or
    /// an app's own scheme. Requests must name one of them exactly; may be repeated
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<RedirectUri>,
    /// Where people may be sent back to, once they have signed out; may be repeated
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<RedirectUri>,
    /// Whether the client belongs to who runs the issuer, so that people are not asked whether it may [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    first_party: Option<bool>,
    /// Whether every request for a code needs a code challenge (PKCE): required, or optional (for a client that can prove who it is, if
    /// its OpenID request has a nonce) [default: required]
    #[arg(long, value_name = "WHEN")]
    pkce: Option<Pkce>,
    /// A security profile that the client keeps to. fapi2: assertions, DPoP proofs and tokens are signed with PS256, ES256 or EdDSA, every
    /// token is bound to a key, and requests for codes are pushed; needs --auth private_key_jwt and --alg [default: none]
    #[arg(long, value_name = "PROFILE")]
    profile: Option<Profile>,
}

/// What only `client update` says.
#[derive(Args)]
pub struct Difference {
    /// A scope that the client may request besides those that it has; may be repeated
    #[arg(long = "add-scope", value_name = "SCOPE", value_parser = one_scope, conflicts_with = "scopes")]
    added: Vec<Scope>,
    /// A scope that the client may no longer request; may be repeated
    #[arg(long = "remove-scope", value_name = "SCOPE", value_parser = one_scope, conflicts_with = "scopes")]
    removed: Vec<Scope>,
    /// A registered resource for which the client holds no scopes any more; may be repeated
    #[arg(long = "remove-allow", value_name = "URI", value_parser = one_audience)]
    removed_allowed: Vec<Audience>,
    /// The name of a claim that the client's tokens have no longer; may be repeated
    #[arg(long = "remove-claim", value_name = "NAME")]
    removed_claims: Vec<String>,
    /// An option that is set back to its default; may be repeated
    #[arg(long, value_name = "OPTION", value_enum)]
    unset: Vec<Unset>,
}

/// The options that have a default.
#[derive(Clone, Copy, ValueEnum)]
enum Unset {
    Scope,
    DefaultScope,
    Audience,
    Auth,
    Jwks,
    AssertionAudience,
    AccessTtl,
    RefreshTtl,
    GrantTtl,
    RefreshGrace,
    RefreshRotation,
    Alg,
    Grant,
    Allow,
    Claim,
    Limit,
    Name,
    RedirectUri,
    PostLogoutRedirectUri,
    FirstParty,
    Pkce,
    Profile,
}

impl From<Unset> for Setting {
    fn from(option: Unset) -> Self {
        match option {
            Unset::Scope => Self::Scopes,
            Unset::DefaultScope => Self::DefaultScopes,
            Unset::Audience => Self::Audiences,
            Unset::Auth => Self::Authentication,
            Unset::Jwks => Self::Jwks,
            Unset::AssertionAudience => Self::AssertionAudience,
            Unset::AccessTtl => Self::AccessTtl,
            Unset::RefreshTtl => Self::RefreshTtl,
            Unset::GrantTtl => Self::GrantTtl,
            Unset::RefreshGrace => Self::RefreshGrace,
            Unset::RefreshRotation => Self::RefreshRotation,
            Unset::Alg => Self::Algorithm,
            Unset::Grant => Self::GrantTypes,
            Unset::Allow => Self::Allowed,
            Unset::Claim => Self::Claims,
            Unset::Limit => Self::Limit,
            Unset::Name => Self::Name,
            Unset::RedirectUri => Self::RedirectUris,
            Unset::PostLogoutRedirectUri => Self::PostLogoutRedirectUris,
            Unset::FirstParty => Self::FirstParty,
            Unset::Pkce => Self::Pkce,
            Unset::Profile => Self::Profile,
        }
    }
}

impl Difference {
    /// Adds it to what the other options ask for.
    pub fn with(self, changes: ClientChanges) -> ClientChanges {
        ClientChanges {
            added_scopes: self.added,
            removed_scopes: self.removed,
            removed_allowed: self.removed_allowed,
            removed_claims: self.removed_claims,
            unset: self.unset.into_iter().map(Setting::from).collect(),
            ..changes
        }
    }
}

impl Registration {
    /// The metadata that the options ask for.
    pub fn metadata(self) -> Result<ClientChanges, Failure> {
        let authentication = match (self.public, self.authentication) {
            (true, None) => Some(AuthenticationMethod::None),
            (true, Some(method)) if method != AuthenticationMethod::None => {
                return Err(Failure::new(
                    "a public client has no secret: its --auth is none",
                ));
            }
            (_, method) => method,
        };
        Ok(ClientChanges {
            grant_types: self.grants,
            scopes: self.scopes,
            default_scopes: self.default_scopes,
            audiences: self.audiences,
            authentication,
            jwks: self.jwks.as_deref().map(read_jwks).transpose()?,
            jwks_uri: self.jwks_uri.as_deref().map(document_url).transpose()?,
            assertion_audience: self.assertion_audience,
            access_ttl: self.access_ttl,
            refresh_ttl: self.refresh_ttl,
            grant_ttl: self.grant_ttl,
            refresh_grace: self.refresh_grace,
            refresh_rotation: self.refresh_rotation,
            algorithm: self.algorithm,
            allowed: merged(self.allowed),
            claims: self.claims.into_iter().collect(),
            limit: self.limit,
            name: self.name,
            redirect_uris: self.redirect_uris,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            first_party: self.first_party,
            pkce: self.pkce,
            profile: self.profile,
            ..ClientChanges::default()
        })
    }
}

/// The URL of a document that somebody publishes. `serve` may be told to fetch from this machine, functions never.
fn document_url(url: &str) -> Result<DocumentUrl, Failure> {
    Ok(Reach::Private.parse(url)?)
}

/// Reads the public keys of a client.
pub fn read_jwks(path: &Path) -> Result<StoredJwks, Failure> {
    let name = path.display();
    let wrong = |reason: &dyn Display| Failure::new(format!("{name}: {reason}"));
    let not_json = |err| wrong(&format!("it is not the JSON of a JWK Set: {err}"));
    let document = serde_json::from_str(&read_text(path)?).map_err(not_json)?;
    StoredJwks::new(&document).map_err(|reason| wrong(&reason))
}

/// One allowance for each resource: an option that is repeated for one adds its scopes.
fn merged(allowed: Vec<Allowance>) -> Vec<Allowance> {
    let mut all: Vec<Allowance> = Vec::new();
    for held in allowed {
        match all
            .iter_mut()
            .find(|known| known.resource.is_same_as(&held.resource))
        {
            Some(known) => {
                let scopes = known.scopes.iter().chain(held.scopes.iter());
                known.scopes = scopes.cloned().collect();
            }
            None => all.push(held),
        }
    }
    all
}

/// Parses `URI=SCOPE,SCOPE`: no scope has an equals sign there, but a URI may have one.
fn parse_allowance(text: &str) -> Result<Allowance, String> {
    let message = "name a resource and the scopes that are held for it: URI=SCOPE,SCOPE";
    let (uri, scopes) = text.rsplit_once('=').ok_or(message)?;
    let scopes = scopes.split(',').filter(|scope| !scope.is_empty());
    Ok(Allowance {
        resource: one_audience(uri)?,
        scopes: scopes.map(one_scope).collect::<Result<_, _>>()?,
    })
}

/// Parses the name of a grant type.
pub fn parse_grant_type(name: &str) -> Result<GrantType, String> {
    let mut all = GrantType::REGISTERED.into_iter();
    // Nobody wants to type a whole URN: its last part will do.
    let is_called = |text: &str| text == name || text.rsplit(':').next() == Some(name);
    let found = all.find(|grant_type| is_called(grant_type.as_str()));
    found.ok_or_else(|| {
        let known = GrantType::REGISTERED.map(GrantType::as_str).join(", ");
        format!("the grant types are: {known}")
    })
}
