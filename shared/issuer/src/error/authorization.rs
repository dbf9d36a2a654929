//! Authorization requests whose client is told why they are refused (RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6).

use strum::IntoStaticStr;

use super::{Denied, ErrorCode, RequestObjectDenied};

/// Why an authorization request is refused. The variant's name is the `reason` in the log.
#[derive(Clone, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum AuthorizationDenied {
    /// `response_type` is missing.
    #[error("response_type is required")]
    MissingResponseType,
    /// `response_type` is another one than `code`.
    #[error("response_type must be code")]
    UnsupportedResponseType,
    /// `response_mode` is one that codes are not sent by.
    #[error("response_mode must be query or form_post")]
    UnsupportedResponseMode,
    /// The client may not use the grant type `authorization_code`.
    #[error("the client may not use this grant type")]
    GrantTypeNotAllowed,
    /// `code_challenge` is missing.
    #[error("code_challenge is required")]
    MissingChallenge,
    /// `code_challenge_method` is another one than `S256`.
    #[error("code_challenge_method must be S256")]
    UnsupportedChallengeMethod,
    /// `code_challenge` is no SHA-256 in base64url.
    #[error("code_challenge must be 43 base64url characters")]
    MalformedChallenge,
    /// `dpop_jkt` is no SHA-256 in base64url (RFC 9449 §10).
    #[error("dpop_jkt must be 43 base64url characters")]
    MalformedThumbprint,
    /// `prompt` has an unknown value, or `none` beside another.
    #[error("prompt must be none, or some of login, consent and select_account")]
    MalformedPrompt,
    /// `max_age` is no number of seconds.
    #[error("max_age must be a number of seconds")]
    MalformedMaxAge,
    /// Request objects are read where they are pushed, and by clients with keys (RFC 9101).
    #[error("request is not supported")]
    RequestNotSupported,
    /// A request object is not accepted (RFC 9101 §6).
    #[error(transparent)]
    RequestObject(RequestObjectDenied),
    /// `request_uri` names no request that was pushed here (RFC 9126).
    #[error("request_uri must be one of a pushed authorization request")]
    RequestUriNotSupported,
    /// Clients are registered by an operator.
    #[error("registration is not supported")]
    RegistrationNotSupported,
    /// The client's profile allows nothing but pushed requests (FAPI 2.0 Security Profile §5.3.2.2).
    #[error("the client must push its requests")]
    NotPushed,
    /// Its scope or resource.
    #[error("{0}")]
    Access(Box<Denied>),
    /// Nobody may be asked, and nobody has signed in.
    #[error("nobody has signed in")]
    LoginRequired,
    /// Nobody may be asked, and the person has not agreed.
    #[error("the person has not agreed yet")]
    ConsentRequired,
    /// The person has said no.
    #[error("the person has refused")]
    Refused,
    /// A parameter is repeated.
    #[error("a parameter is repeated")]
    RepeatedParameter,
    /// A dependency failed.
    #[error("try again later")]
    Unavailable,
}

impl AuthorizationDenied {
    /// The OAuth error code that the client sees.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::MissingResponseType
            | Self::UnsupportedResponseMode
            | Self::MissingChallenge
            | Self::UnsupportedChallengeMethod
            | Self::MalformedChallenge
            | Self::MalformedThumbprint
            | Self::MalformedPrompt
            | Self::MalformedMaxAge
            | Self::RepeatedParameter
            | Self::NotPushed => ErrorCode::InvalidRequest,
            Self::UnsupportedResponseType => ErrorCode::UnsupportedResponseType,
            Self::GrantTypeNotAllowed => ErrorCode::UnauthorizedClient,
            Self::RequestNotSupported => ErrorCode::RequestNotSupported,
            Self::RequestObject(_) => ErrorCode::InvalidRequestObject,
            Self::RequestUriNotSupported => ErrorCode::RequestUriNotSupported,
            Self::RegistrationNotSupported => ErrorCode::RegistrationNotSupported,
            Self::Access(denied) => denied.code(),
            Self::LoginRequired => ErrorCode::LoginRequired,
            Self::ConsentRequired => ErrorCode::ConsentRequired,
            Self::Refused => ErrorCode::AccessDenied,
            Self::Unavailable => ErrorCode::TemporarilyUnavailable,
        }
    }

    /// The reason's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Access(denied) => denied.reason(),
            Self::RequestObject(reason) => reason.name(),
            _ => self.into(),
        }
    }
}
