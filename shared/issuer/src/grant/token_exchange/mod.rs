//! RFC 8693: a token is exchanged for another one. It yields no refresh token.
//!
//! What is presented decides on the way: an API key, a token of another issuer, which is a grant as in RFC 7523, or a token
//! of this issuer, which somebody has sent to the client that exchanges it.

mod api_key;
mod delegation;

use secrecy::SecretString;
use tokensmith_verifier::ACCESS_TOKEN_TYPE as ACCESS_TOKEN;
use tokensmith_verifier::jose::UnverifiedJws;

pub use api_key::grant as grant_for_api_key;
pub use delegation::{Delegation, SignedDelegation};

use crate::endpoint::form::Form;
use crate::error::BadRequest;

/// What a request exchanges (RFC 8693 §2.1).
#[derive(Debug)]
pub enum Exchanged {
    /// An API key, which is its own authentication.
    ApiKey(SecretString),
    /// A token of another issuer, which is its own authentication.
    Foreign(SecretString),
    /// An access token of this issuer, by a client that authenticates.
    AccessToken(PresentedTokens),
}

/// The access tokens of a request. Nothing of them is verified.
#[derive(Debug)]
pub struct PresentedTokens {
    /// Whose subject the new token has.
    pub subject: SecretString,
    /// Whose subject acts; without it, the client itself does.
    pub actor: Option<SecretString>,
}

impl Exchanged {
    /// Parses what a request exchanges, for an access token and for nothing else.
    ///
    /// # Errors
    /// [`BadRequest`] for a parameter that is missing, or a type that is not supported.
    pub fn parse(form: &Form) -> Result<Self, BadRequest> {
        let token = form.value("subject_token");
        let token = token.ok_or(BadRequest::MissingSubjectToken)?;
        let kind = form.value("subject_token_type");
        let kind = kind.ok_or(BadRequest::MissingSubjectTokenType)?;
        let requested = form.value("requested_token_type");
        if requested.is_some_and(|requested| ![ACCESS_TOKEN_TYPE, JWT_TYPE].contains(&requested)) {
            return Err(BadRequest::UnsupportedRequestedTokenType);
        }
        let actor = actor_in(form)?;
        let subject = || token.to_owned().into();
        let exchanged = match kind {
            ACCESS_TOKEN_TYPE => Self::of_access_token(subject(), actor),
            JWT_TYPE if is_access_token(token) => Self::of_access_token(subject(), actor),
            _ if actor.is_some() => return Err(BadRequest::ActorNotSupported),
            JWT_TYPE | ID_TOKEN_TYPE => Self::Foreign(subject()),
            API_KEY_TYPE => Self::ApiKey(subject()),
            _ => return Err(BadRequest::UnsupportedSubjectTokenType),
        };
        Ok(exchanged)
    }

    fn of_access_token(subject: SecretString, actor: Option<SecretString>) -> Self {
        Self::AccessToken(PresentedTokens { subject, actor })
    }
}

/// The token of whoever shall act. RFC 8693 §2.1: it and its type are there together.
fn actor_in(form: &Form) -> Result<Option<SecretString>, BadRequest> {
    match (form.value("actor_token"), form.value("actor_token_type")) {
        (None, None) => Ok(None),
        (Some(token), Some(ACCESS_TOKEN_TYPE | JWT_TYPE)) => Ok(Some(token.to_owned().into())),
        (Some(_), Some(_)) => Err(BadRequest::UnsupportedActorTokenType),
        (Some(_), None) | (None, Some(_)) => Err(BadRequest::IncompleteActor),
    }
}

/// Whether a JWT says that it is an access token (RFC 9068 §2.1). Tokens that other issuers make for workloads do not.
fn is_access_token(token: &str) -> bool {
    UnverifiedJws::parse(token).is_ok_and(|jws| jws.header.has_type(ACCESS_TOKEN))
}

/// The `subject_token_type` of an API key: our own, because no RFC has one.
const API_KEY_TYPE: &str = "urn:tokensmith:params:oauth:token-type:api-key";

/// The type of what is issued (RFC 8693 §3).
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// RFC 8693 §3: any JWT.
const JWT_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";

/// RFC 8693 §3.
const ID_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:id_token";
