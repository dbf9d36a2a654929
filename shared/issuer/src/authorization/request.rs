use tokensmith_verifier::{KeyId, Timestamp};

use super::parameters::Parameters;
use super::redirect::{Redirect, ResponseMode};
use crate::Issuer;
use crate::client::Target;
use crate::error::{AuthorizationDenied, Error, Unavailable};
use crate::grant::AskedAccess;
use crate::names::{Audience, ClientId, OPENID, RedirectUri, Scopes};
use crate::store::Stored;
use crate::store::records::{Client, GrantType, Pkce, Resource};
use crate::token::wanted_access;

/// A request that its client may make: somebody can be asked.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The client's record.
    pub client: Client,
    /// Where the answer goes.
    pub redirect: Redirect,
    /// The `redirect_uri` that the request names; `None` when it relies on the only registered one.
    pub named_redirect_uri: Option<String>,
    /// What it asks for.
    pub access: WantedAccess,
    /// The S256 challenge (RFC 7636).
    pub challenge: Option<String>,
    /// The key that the code is to be bound to (`dpop_jkt`, RFC 9449 §10).
    pub bound_to: Option<KeyId>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// What has to be asked, whatever is known already.
    pub prompt: Vec<Prompt>,
    /// How old a sign-in may be, in seconds.
    pub max_age: Option<u64>,
    /// Who the client thinks is there.
    pub login_hint: Option<String>,
    /// An ID token of who the client knows is there.
    pub id_token_hint: Option<String>,
    /// The languages that the person reads.
    pub ui_locales: Option<String>,
}

/// What a client wants to be given.
#[derive(Clone, Debug)]
pub struct WantedAccess {
    /// The scopes.
    pub scopes: Scopes,
    /// What they are for.
    pub audiences: Vec<Audience>,
    /// What is registered about that.
    pub resource: Option<Resource>,
}

/// What has to be asked (OpenID Connect Core 1.0 §3.1.2.1 `prompt`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// Nothing may be asked.
    None,
    /// Who is there.
    Login,
    /// Whether the client may.
    Consent,
    /// Who of several is there.
    SelectAccount,
}

/// Why a request is not answered as it wants.
#[derive(Debug)]
pub enum Refused {
    /// The client and where to go are not known to be good: only the person can be told.
    Page(NotRedirected),
    /// The client is told, at its redirect URI.
    Redirect(Box<Redirect>, AuthorizationDenied),
    /// A dependency failed.
    Unavailable(Unavailable),
}

impl From<Unavailable> for Refused {
    fn from(err: Unavailable) -> Self {
        Self::Unavailable(err)
    }
}

/// Why nobody is sent anywhere. The variant's name is the `reason` in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, strum::IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum NotRedirected {
    /// There is no `client_id`, or it is none.
    #[error("client_id is missing or malformed")]
    NoClientNamed,
    /// There is no such client, or it was disabled or deleted.
    #[error("no client has this client_id")]
    UnknownClient,
    /// `redirect_uri` is missing, and which is meant is not clear.
    #[error("redirect_uri is required")]
    NoRedirectUri,
    /// RFC 9700 §2.1: it is not one that the client is registered with.
    #[error("redirect_uri is not registered for this client")]
    UnknownRedirectUri,
    /// OpenID Connect RP-Initiated Logout 1.0 §3: it is not one that the client is registered with.
    #[error("post_logout_redirect_uri is not registered for this client")]
    UnknownPostLogoutRedirectUri,
    /// OpenID Connect RP-Initiated Logout 1.0 §2: the client is not the one that the ID token was made for.
    #[error("client_id is not the client of id_token_hint")]
    ClientOfAnotherIdToken,
}

impl Issuer {
    /// Makes sense of the parameters of an authorization request. One read of the client, and of its resource unless that is
    /// cached; nothing is written.
    ///
    /// # Errors
    /// [`Refused`] says who is told what.
    pub async fn authorization_request(
        &self,
        parameters: &Parameters,
    ) -> Result<AuthorizationRequest, Refused> {
        let now = self.clock().now();
        let page = Refused::Page;
        let id = parameters.value("client_id").map(str::parse::<ClientId>);
        let Some(Ok(id)) = id else {
            return Err(page(NotRedirected::NoClientNamed));
        };
        let found = self.table().get(&Client::key_of(&id)).await;
        let found: Option<Stored<Client>> = found.map_err(Unavailable::from)?;
        let usable = found.filter(|client| client.is_usable());
        let client = usable.map(|stored| stored.record);
        let client = client.ok_or_else(|| page(NotRedirected::UnknownClient))?;
        let redirect = redirect_of(&client, parameters).map_err(page)?;
        let refuse = |reason| Refused::Redirect(Box::new(redirect.clone()), reason);
        check_form(&client, parameters).map_err(refuse)?;
        let access = self.wanted(&client, parameters, now).await;
        let access = access.map_err(|error| match error {
            Error::Unavailable(err) => Refused::Unavailable(err),
            Error::Denied(denied) => refuse(AuthorizationDenied::Access(Box::new(denied))),
        })?;
        let challenge = challenge_of(&client, parameters, &access.scopes).map_err(refuse)?;
        let bound_to = thumbprint_of(parameters).map_err(refuse)?;
        let prompt = prompt_of(parameters).map_err(refuse)?;
        let max_age = parameters.value("max_age").map(str::parse);
        let max_age = max_age.transpose();
        let max_age = max_age.map_err(|_| refuse(AuthorizationDenied::MalformedMaxAge))?;
        let text = |name| parameters.value(name).map(str::to_owned);
        Ok(AuthorizationRequest {
            client,
            named_redirect_uri: text("redirect_uri"),
            redirect,
            access,
            challenge,
            bound_to,
            nonce: text("nonce"),
            prompt,
            max_age,
            login_hint: text("login_hint"),
            id_token_hint: text("id_token_hint"),
            ui_locales: text("ui_locales"),
        })
    }

    /// The registered resource among these audiences, if one is.
    ///
    /// # Errors
    /// [`Unavailable`] when it must be read and cannot be.
    pub async fn resource_among(
        &self,
        audiences: &[Audience],
    ) -> Result<Option<Resource>, Unavailable> {
        let now = self.clock().now();
        let found = self.clients.resources(audiences.to_vec(), now).await?;
        Ok(audiences.iter().find_map(|one| found.of(one)).cloned())
    }

    async fn wanted(
        &self,
        client: &Client,
        parameters: &Parameters,
        now: Timestamp,
    ) -> Result<WantedAccess, Error> {
        let (scope, audience) = (parameters.value("scope"), parameters.value("audience"));
        let asked = AskedAccess::of(scope, parameters.values("resource"), audience)?;
        let target = Target::Wanted {
            asked: asked.resources,
            granted: None,
        };
        let audiences = target.audiences(client)?;
        let found = self.clients.resources(audiences.clone(), now).await?;
        let (scopes, resource) = wanted_access(client, &audiences, &found, asked.scopes)?;
        Ok(WantedAccess {
            scopes,
            audiences,
            resource: resource.cloned(),
        })
    }
}

/// Where the answer goes: nowhere that the client is not registered with.
fn redirect_of(client: &Client, parameters: &Parameters) -> Result<Redirect, NotRedirected> {
    let registered = &client.redirect_uris;
    let uri = match parameters.value("redirect_uri") {
        Some(named) => {
            let mut allowing = registered.iter().filter(|one| one.allows(named));
            allowing.next().ok_or(NotRedirected::UnknownRedirectUri)?;
            named.to_owned()
        }
        // OpenID Connect Core 1.0 §3.1.2.1 always wants it.
        None => {
            let is_openid = scope_names(parameters).any(|scope| scope == OPENID);
            match registered.as_slice() {
                [only] if !is_openid => RedirectUri::to_string(only),
                _ => return Err(NotRedirected::NoRedirectUri),
            }
        }
    };
    let mode = match parameters.value("response_mode") {
        Some("form_post") => ResponseMode::FormPost,
        _ => ResponseMode::Query,
    };
    Ok(Redirect {
        uri,
        mode,
        state: parameters.value("state").map(str::to_owned),
    })
}

fn scope_names(parameters: &Parameters) -> impl Iterator<Item = &str> {
    let scope = parameters.value("scope").unwrap_or_default();
    scope.split(' ')
}

/// What this issuer does not do, or not for this client.
fn check_form(client: &Client, parameters: &Parameters) -> Result<(), AuthorizationDenied> {
    let has = |name| parameters.value(name).is_some();
    match parameters.value("response_type") {
        Some("code") => {}
        Some(_) => return Err(AuthorizationDenied::UnsupportedResponseType),
        None => return Err(AuthorizationDenied::MissingResponseType),
    }
    if has("request") {
        return Err(AuthorizationDenied::RequestNotSupported);
    }
    if has("request_uri") {
        return Err(AuthorizationDenied::RequestUriNotSupported);
    }
    if has("registration") {
        return Err(AuthorizationDenied::RegistrationNotSupported);
    }
    let mode = parameters.value("response_mode");
    if mode.is_some_and(|mode| !ResponseMode::NAMES.contains(&mode)) {
        return Err(AuthorizationDenied::UnsupportedResponseMode);
    }
    match client.grant_types.contains(&GrantType::AuthorizationCode) {
        true => Ok(()),
        false => Err(AuthorizationDenied::GrantTypeNotAllowed),
    }
}

/// RFC 7636 §4.4.1, OAuth 2.1 §7.5: without a challenge only where a nonce does the same.
fn challenge_of(
    client: &Client,
    parameters: &Parameters,
    scopes: &Scopes,
) -> Result<Option<String>, AuthorizationDenied> {
    let method = parameters.value("code_challenge_method");
    let Some(challenge) = parameters.value("code_challenge") else {
        let by_nonce = scopes.has(OPENID) && parameters.value("nonce").is_some();
        let may_lack = client.pkce == Pkce::Optional && !client.is_public() && by_nonce;
        return match may_lack && method.is_none() {
            true => Ok(None),
            false => Err(AuthorizationDenied::MissingChallenge),
        };
    };
    if method != Some("S256") {
        return Err(AuthorizationDenied::UnsupportedChallengeMethod);
    }
    match is_sha256(challenge) {
        true => Ok(Some(challenge.to_owned())),
        false => Err(AuthorizationDenied::MalformedChallenge),
    }
}

/// RFC 9449 §10: an RFC 7638 thumbprint.
fn thumbprint_of(parameters: &Parameters) -> Result<Option<KeyId>, AuthorizationDenied> {
    match parameters.value("dpop_jkt") {
        Some(text) if !is_sha256(text) => Err(AuthorizationDenied::MalformedThumbprint),
        text => Ok(text.map(|text| text.to_owned().into())),
    }
}

fn is_sha256(text: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.len() == SHA256_CHARACTERS && text.bytes().all(is_base64url)
}

fn prompt_of(parameters: &Parameters) -> Result<Vec<Prompt>, AuthorizationDenied> {
    let names = parameters.value("prompt").unwrap_or_default();
    let names = names.split(' ').filter(|name| !name.is_empty());
    let prompts: Result<Vec<Prompt>, _> = names.map(prompt_called).collect();
    let prompts = prompts?;
    match prompts.contains(&Prompt::None) && prompts.len() > 1 {
        true => Err(AuthorizationDenied::MalformedPrompt),
        false => Ok(prompts),
    }
}

fn prompt_called(name: &str) -> Result<Prompt, AuthorizationDenied> {
    match name {
        "none" => Ok(Prompt::None),
        "login" => Ok(Prompt::Login),
        "consent" => Ok(Prompt::Consent),
        "select_account" => Ok(Prompt::SelectAccount),
        _ => Err(AuthorizationDenied::MalformedPrompt),
    }
}

/// A SHA-256 in base64url.
const SHA256_CHARACTERS: usize = 43;
