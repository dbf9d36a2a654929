//! The file of `client apply`: what clients there shall be.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use tokensmith_issuer::admin::{ClientChanges, Setting};
use tokensmith_issuer::fetched::Reach;
use tokensmith_issuer::names::{ClientId, InvalidName, RedirectUri};
use tokensmith_issuer::store::records::{
    Allowance, AuthenticationMethod, RefreshGrace, StoredJwks,
};

use super::registration::parse_grant_type;
use crate::Failure;
use crate::input::read_text;
use crate::one_value::{one_audience, one_scope};

/// A client as the file describes it.
#[derive(Debug)]
pub struct Wanted {
    pub id: ClientId,
    /// Everything that the file says, and the default of everything else.
    pub metadata: ClientChanges,
    pub disabled: bool,
}

impl Wanted {
    /// Whether it proves itself with secrets.
    pub fn uses_secrets(&self) -> bool {
        let method = self.metadata.authentication;
        method.is_none_or(AuthenticationMethod::is_of_a_secret)
    }
}

/// Reads the clients of a YAML or JSON file; `-` is standard input.
///
/// # Errors
/// What is wrong in it, and with which client.
pub fn read(path: &Path) -> Result<Vec<Wanted>, Failure> {
    let name = path.display();
    let text = read_text(path)?;
    let wrong = |reason: &dyn Display| Failure::new(format!("{name}: {reason}"));
    let (Document::Object { clients } | Document::List(clients)) =
        serde_saphyr::from_str(&text).map_err(|err| wrong(&err))?;
    let mut known = BTreeSet::new();
    let mut wanted = Vec::with_capacity(clients.len());
    for (number, described) in clients.into_iter().enumerate() {
        let id = described.client_id.clone();
        let wrong = |reason: String| wrong(&format!("client {} ({id}): {reason}", number + 1));
        let one = described.wanted().map_err(wrong)?;
        if !known.insert(one.id.clone()) {
            return Err(wrong("it is there twice".to_owned()));
        }
        wanted.push(one);
    }
    Ok(wanted)
}

/// `{"clients": […]}`, or the list that `client list` prints.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Object { clients: Vec<Described> },
    List(Vec<Described>),
}

/// The members that `client show` prints.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    client_id: String,
    #[serde(default)]
    grant_types: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    default_scopes: Vec<String>,
    #[serde(default)]
    audiences: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    jwks: Option<Value>,
    jwks_uri: Option<String>,
    #[serde(default)]
    allowed: Vec<Held>,
    #[serde(default)]
    claims: Map<String, Value>,
    assertion_audience: Option<String>,
    access_ttl_seconds: Option<u64>,
    alg: Option<String>,
    refresh_ttl_seconds: Option<u64>,
    grant_ttl_seconds: Option<u64>,
    refresh_grace: Option<Grace>,
    refresh_rotation: Option<bool>,
    limit: Option<String>,
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    first_party: Option<bool>,
    pkce: Option<String>,
    profile: Option<String>,
    #[serde(default)]
    disabled: bool,
    /// What nobody can choose is left out of account, so that a list can be applied again.
    #[serde(default, rename = "secrets")]
    _secrets: Option<IgnoredAny>,
    #[serde(default, rename = "not_before")]
    _not_before: Option<IgnoredAny>,
    #[serde(default, rename = "created_at")]
    _created_at: Option<IgnoredAny>,
}

/// Scopes that are held for a registered resource.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    resource: String,
    #[serde(default)]
    scopes: Vec<String>,
}

impl Held {
    fn allowance(&self) -> Result<Allowance, String> {
        let resource = one_audience(&self.resource);
        let scopes = all(&self.scopes, one_scope)?;
        Ok(Allowance {
            resource: resource.map_err(|err| format!("{}: {err}", self.resource))?,
            scopes: scopes.into_iter().collect(),
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Grace {
    Shown(RefreshGrace),
    Text(String),
}

impl Described {
    fn wanted(self) -> Result<Wanted, String> {
        let seconds = |seconds: Option<u64>| seconds.map(|seconds| format!("{seconds}s"));
        let metadata = ClientChanges {
            grant_types: all(&self.grant_types, parse_grant_type)?,
            scopes: all(&self.scopes, one_scope)?,
            default_scopes: all(&self.default_scopes, one_scope)?,
            audiences: all(&self.audiences, one_audience)?,
            authentication: parsed::<AuthenticationMethod>(self.token_endpoint_auth_method)?,
            jwks: self.jwks.as_ref().map(StoredJwks::new).transpose()?,
            jwks_uri: match &self.jwks_uri {
                Some(url) => Some(Reach::Private.parse(url).map_err(|err| err.to_string())?),
                None => None,
            },
            assertion_audience: parsed(self.assertion_audience)?,
            access_ttl: parsed(seconds(self.access_ttl_seconds))?,
            refresh_ttl: parsed(seconds(self.refresh_ttl_seconds))?,
            grant_ttl: parsed(seconds(self.grant_ttl_seconds))?,
            refresh_grace: match self.refresh_grace {
                Some(Grace::Shown(grace)) => Some(grace),
                Some(Grace::Text(text)) => Some(text.parse()?),
                None => None,
            },
            refresh_rotation: self.refresh_rotation,
            algorithm: parsed(self.alg)?,
            allowed: self
                .allowed
                .iter()
                .map(Held::allowance)
                .collect::<Result<_, _>>()?,
            claims: self.claims,
            limit: parsed(self.limit)?,
            name: self.client_name,
            redirect_uris: all(&self.redirect_uris, redirect_uri)?,
            post_logout_redirect_uris: all(&self.post_logout_redirect_uris, redirect_uri)?,
            first_party: self.first_party,
            pkce: parsed(self.pkce)?,
            profile: parsed(self.profile)?,
            unset: Setting::ALL.to_vec(),
            ..ClientChanges::default()
        };
        Ok(Wanted {
            id: parsed(Some(self.client_id))?.ok_or("it has no client_id")?,
            metadata,
            disabled: self.disabled,
        })
    }
}

fn redirect_uri(text: &str) -> Result<RedirectUri, String> {
    text.parse().map_err(|err: InvalidName| err.to_string())
}

fn all<T>(texts: &[String], parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let parse = |text: &String| parse(text).map_err(|err| format!("{text}: {err}"));
    texts.iter().map(parse).collect()
}

fn parsed<T: FromStr<Err: Display>>(text: Option<String>) -> Result<Option<T>, String> {
    let parse = |text: String| text.parse().map_err(|err| format!("{text}: {err}"));
    text.map(parse).transpose()
}
