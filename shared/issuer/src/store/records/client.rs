use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tokensmith_verifier::Algorithm;

use super::{Allowance, GrantType, Profile, Resource, StoredJwks};
use crate::config::MAX_ACCESS_TTL;
use crate::credential::SecretHash;
use crate::fetched::DocumentUrl;
use crate::limit::Limit;
use crate::names::{Audience, ClientId, RedirectUri, Scopes, add_audience};
use crate::store::{Key, Record};
use crate::token::StaticClaims;
use tokensmith_verifier::Timestamp;

/// A registered client (RFC 6749 §2, RFC 7591 §2).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Client {
    /// Its id; also the subject of its own tokens.
    pub id: ClientId,
    /// How it authenticates; `None` allows both Basic and form.
    pub authentication: Option<AuthenticationMethod>,
    /// The hashes of its live secrets, newest first.
    pub secrets: Vec<LiveSecret>,
    /// The public keys of its assertions.
    #[serde(default)]
    pub jwks: Option<StoredJwks>,
    /// Where they are published, if the record does not have them.
    #[serde(default)]
    pub jwks_uri: Option<DocumentUrl>,
    /// What its assertions may name as their audience.
    #[serde(default)]
    pub assertion_audience: AssertionAudience,
    /// The grant types that it may use.
    pub grant_types: Vec<GrantType>,
    /// The scopes that it may ask for.
    pub scopes: Scopes,
    /// The scopes of a token when it asks for none.
    pub default_scopes: Scopes,
    /// The audiences that its tokens may have; the first is the default.
    pub audiences: Vec<Audience>,
    /// The lifetime of its access tokens in seconds; `None` is the issuer's.
    pub access_ttl: Option<u64>,
    /// The algorithm of its access tokens; `None` is the issuer's first.
    pub algorithm: Option<Algorithm>,
    /// How long a grant is valid without being used, in seconds.
    pub refresh_ttl: u64,
    /// How long a grant is valid in all, in seconds.
    pub grant_ttl: u64,
    /// How long an old refresh token is still accepted after it was refreshed; `None` is the
    /// default for the way the client authenticates.
    pub refresh_grace: Option<RefreshGrace>,
    /// Whether every refresh returns a new refresh token.
    pub refresh_rotation: bool,
    /// Whether it is refused until it is enabled again.
    pub disabled: bool,
    /// When it was deleted. Readers treat the record as absent; it stays so that the client's
    /// tokens are refused until they have expired.
    pub deleted_at: Option<Timestamp>,
    /// Grants made and tokens issued at or before this time are invalid.
    pub not_before: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The registered resources that its tokens may be for besides its audiences, and the scopes that it holds for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Allowance>,
    /// What the tokens say that it gets for itself, besides what every token says.
    #[serde(default, skip_serializing_if = "StaticClaims::is_empty")]
    pub claims: StaticClaims,
    /// How many tokens it may ask for; `None` is as many as it likes.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// Where people are sent back to, once they have signed in (RFC 6749 §3.1.2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<RedirectUri>,
    /// Where people are sent back to, once they have signed out (OpenID Connect RP-Initiated Logout 1.0 §3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Whether it belongs to who runs the issuer: people are not asked whether it may.
    #[serde(default)]
    pub first_party: bool,
    /// When it must send a code challenge.
    #[serde(default)]
    pub pkce: Pkce,
    /// The security profile that it keeps to.
    #[serde(default)]
    pub profile: Option<Profile>,
}

/// When a client must send a code challenge (RFC 7636).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// Always (OAuth 2.1 §4.1.1).
    #[default]
    Required,
    /// Unless its OpenID request has a `nonce`, which does the same for a confidential client (RFC 9700 §2.1.1).
    Optional,
}

impl FromStr for Pkce {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "required" => Ok(Self::Required),
            "optional" => Ok(Self::Optional),
            _ => Err("use required or optional".to_owned()),
        }
    }
}

impl Client {
    /// The key of the client called `id`.
    pub fn key_of(id: &ClientId) -> Key<Self> {
        Key::single(Self::PREFIX, id.as_str())
    }

    /// Whether it is a public client (RFC 6749 §2.1): it has no secret, and identifies itself by
    /// its id alone.
    pub fn is_public(&self) -> bool {
        self.authentication == Some(AuthenticationMethod::None)
    }

    /// Whether it can be used: it was neither disabled nor deleted.
    pub fn is_usable(&self) -> bool {
        !self.disabled && self.deleted_at.is_none()
    }

    /// Whether it proves itself with secrets, and not with keys or not at all.
    pub fn uses_secrets(&self) -> bool {
        self.authentication
            .is_none_or(AuthenticationMethod::is_of_a_secret)
    }

    /// What its tokens may be for: its audiences, then the registered resources that it holds scopes for. The
    /// first is the default.
    pub fn targets(&self) -> Vec<Audience> {
        let mut targets = self.audiences.clone();
        for allowance in &self.allowed {
            add_audience(&mut targets, &allowance.resource);
        }
        targets
    }

    /// The scopes that its tokens may have: for a registered resource, those that the resource defines and the client
    /// holds for it; for an audience without a record, the client's own.
    pub fn scopes_for(&self, resource: Option<&Resource>) -> Scopes {
        let Some(resource) = resource else {
            return self.scopes.clone();
        };
        let mut allowed = self.allowed.iter();
        let held = allowed.find(|held| held.resource.is_same_as(&resource.uri));
        let held = held.map(|held| held.scopes.intersection(&resource.scopes()));
        held.unwrap_or_default()
    }

    /// How long an old refresh token is still accepted, which may be bound to a key. A thief of a confidential client's token
    /// needs its secret too, and a thief of a bound one the key, so only others of a public client expire by time.
    pub fn refresh_grace(&self, is_bound: bool) -> RefreshGrace {
        self.refresh_grace
            .unwrap_or_else(|| match self.is_public() && !is_bound {
                true => RefreshGrace::Seconds(60),
                false => RefreshGrace::UntilUsed,
            })
    }

    /// The prefix of every client's partition key.
    pub const PREFIX: &'static str = "CLIENT";
}

impl Record for Client {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.deleted_at
            .map(|deleted| deleted.after(2 * MAX_ACCESS_TTL))
    }

    fn listed_in(&self) -> Option<String> {
        self.deleted_at.is_none().then(|| Self::PREFIX.to_owned())
    }
}

/// How long an old refresh token is still accepted after it was refreshed, so that a client that
/// did not get the response can repeat its request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshGrace {
    /// Until the successor has been used.
    UntilUsed,
    /// For this long after the rotation, and only until the successor has been used; 0 is not at
    /// all.
    Seconds(u64),
}

impl FromStr for RefreshGrace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "until-used" => Ok(Self::UntilUsed),
            "0" => Ok(Self::Seconds(0)),
            _ => humantime::parse_duration(text)
                .map(|grace| Self::Seconds(grace.as_secs()))
                .map_err(|err| format!("use until-used, 0 or a duration such as 60s: {err}")),
        }
    }
}

/// A secret that authenticates the client until it expires.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LiveSecret {
    /// Its hash.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its overlap ends; `None` for the current secret.
    pub expires_at: Option<Timestamp>,
}

/// What a client's assertions may name as their audience (`aud`).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssertionAudience {
    /// The issuer alone, as FAPI 2.0 §5.3.2.1 requires.
    #[default]
    Issuer,
    /// The issuer, or the URL of the token endpoint, which libraries used before that.
    TokenEndpoint,
}

impl AssertionAudience {
    /// Its name in records and options.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::TokenEndpoint => "token-endpoint",
        }
    }
}

impl FromStr for AssertionAudience {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut all = [Self::Issuer, Self::TokenEndpoint].into_iter();
        let found = all.find(|audience| audience.as_str() == name);
        found.ok_or_else(|| "use issuer or token-endpoint".to_owned())
    }
}

/// How a client authenticates (RFC 7591 §2 `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// The form parameters `client_id` and `client_secret`.
    ClientSecretPost,
    /// An assertion that it has signed (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// A token of another issuer that a federation rule maps to it.
    Federation,
    /// A public client: the form parameter `client_id` alone.
    None,
}

impl AuthenticationMethod {
    /// The value in metadata and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Federation => "federation",
            Self::None => "none",
        }
    }

    /// Every method.
    pub const ALL: [Self; 5] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::Federation,
        Self::None,
    ];

    /// What metadata lists (RFC 8414 §2): a token of another issuer is sent as `private_key_jwt` is.
    pub const REGISTERED: [Self; 4] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::None,
    ];

    /// Whether the client proves itself with a secret that it shares with the issuer.
    pub const fn is_of_a_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

impl FromStr for AuthenticationMethod {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == name)
            .ok_or_else(|| {
                "use client_secret_basic, client_secret_post, private_key_jwt, federation or none"
                    .to_owned()
            })
    }
}

impl fmt::Display for AuthenticationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The current secret, and those whose overlap has not ended. Each attempt to authenticate is compared with all
/// of them, and each read of the client reads them: this bounds both.
pub const MAX_LIVE_SECRETS: usize = 50;
