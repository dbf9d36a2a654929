//! What metadata a client may have.

use crate::names::{InvalidName, Scopes};
use crate::store::records::{
    AssertionAudience, AuthenticationMethod, Client, GrantType, Pkce, Profile,
};
use crate::token::InvalidClaims;

pub(super) fn check(client: &Client) -> Result<(), RegistrationError> {
    let held = client.allowed.iter().flat_map(|held| held.scopes.iter());
    let scopes: Scopes = client.scopes.iter().chain(held).cloned().collect();
    if !scopes.contains_all(&client.default_scopes) {
        return Err(RegistrationError::DefaultScopeNotAllowed);
    }
    if client.is_public() {
        if client.grant_types.contains(&GrantType::ClientCredentials) {
            return Err(RegistrationError::PublicClientCredentials);
        }
        if client.grant_types.contains(&GrantType::TokenExchange) {
            return Err(RegistrationError::PublicTokenExchange);
        }
        if !client.refresh_rotation {
            return Err(RegistrationError::PublicWithoutRotation);
        }
    } else if client.uses_secrets() && client.secrets.is_empty() {
        return Err(RegistrationError::NoSecret);
    }
    check_what_people_see(client)?;
    if let Some(profile) = client.profile {
        check_profile(client, profile)?;
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

fn check_what_people_see(client: &Client) -> Result<(), RegistrationError> {
    let uses_codes = client.grant_types.contains(&GrantType::AuthorizationCode);
    if uses_codes && client.redirect_uris.is_empty() {
        return Err(RegistrationError::NoRedirectUri);
    }
    if client.is_public() && client.pkce == Pkce::Optional {
        return Err(RegistrationError::PublicWithoutPkce);
    }
    if client.name.as_deref().is_some_and(|name| !is_name(name)) {
        return Err(RegistrationError::Name);
    }
    let uris = client.redirect_uris.iter();
    let uris = uris.chain(&client.post_logout_redirect_uris);
    match uris.map(|uri| uri.as_str().len()).sum::<usize>() > MAX_REDIRECT_BYTES {
        true => Err(RegistrationError::TooManyRedirectUris),
        false => Ok(()),
    }
}

/// FAPI 2.0 Security Profile §5.3.2.1, §5.4.1.
fn check_profile(client: &Client, profile: Profile) -> Result<(), RegistrationError> {
    if client.authentication != Some(AuthenticationMethod::PrivateKeyJwt) {
        return Err(RegistrationError::ProfileWithoutKeys);
    }
    let names_issuer = client.assertion_audience == AssertionAudience::Issuer;
    if !names_issuer || client.pkce != Pkce::Required {
        return Err(RegistrationError::ProfileWithExceptions);
    }
    match client.algorithm {
        Some(algorithm) if profile.allows(algorithm.into()) => Ok(()),
        _ => Err(RegistrationError::ProfileAlgorithm),
    }
}

/// Pages show it in one line.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_CHARACTERS).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control)
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
    /// Whoever exchanges a token that was sent to them has to prove who they are.
    #[error("a public client has nothing to prove itself with: no token-exchange")]
    PublicTokenExchange,
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
    /// RFC 6749 §3.1.2.2: a code is sent to nobody but a registered address.
    #[error("authorization_code needs an address that people are sent back to: --redirect-uri")]
    NoRedirectUri,
    /// RFC 9700 §2.1.1: nothing else protects the code of a client that cannot prove who it is.
    #[error("a public client must send a code challenge: --pkce required (RFC 9700 section 2.1.1)")]
    PublicWithoutPkce,
    /// Pages show the name.
    #[error(
        "the name of a client is 1 to {MAX_NAME_CHARACTERS} printable characters, with no space at either end"
    )]
    Name,
    /// Each request of the client reads its record.
    #[error("all redirect URIs take at most {MAX_REDIRECT_BYTES} bytes together")]
    TooManyRedirectUris,
    /// A client of a profile proves itself with keys.
    #[error(
        "the profile fapi2 is for clients that sign: --auth private_key_jwt with --jwks or --jwks-uri"
    )]
    ProfileWithoutKeys,
    /// What a profile forbids.
    #[error(
        "the profile fapi2 allows neither --assertion-audience token-endpoint nor --pkce optional"
    )]
    ProfileWithExceptions,
    /// An algorithm that the profile forbids, or the issuer's first, whatever that is.
    #[error("the profile fapi2 needs tokens that are signed with PS256, ES256 or EdDSA: --alg")]
    ProfileAlgorithm,
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

const MAX_ALLOWED_BYTES: usize = 16 * 1024;

/// Keeps every token within `MAX_TOKEN_BYTES`, the length that verifiers accept.
const MAX_CLAIM_BYTES: usize = 2048;

const MAX_REDIRECT_BYTES: usize = 16 * 1024;

const MAX_NAME_CHARACTERS: usize = 128;
