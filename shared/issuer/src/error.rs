//! Errors: rich reasons for the operator's log, dull codes for the caller.
//!
//! [`Denied`] is the caller's mistake; [`Unavailable`] is a dependency's failure. One exhaustive
//! match turns a reason into the OAuth error code, and one turns the code into the HTTP status.

use http::StatusCode;
use serde::Serialize;

use crate::store::StoreError;
use tokensmith_verifier::Timestamp;

/// Why a request gets no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's mistake.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A dependency's failure.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for Error {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}

/// What is wrong with a request. The variant's name is the `reason` in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    /// RFC 6749 §3.2: the method is not the endpoint's.
    #[error("this endpoint does not support the method")]
    MethodNotAllowed,
    /// The body is longer than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    #[error("the body is over 64 KiB")]
    BodyTooLarge,
    /// RFC 6749 §4.4.2: the body must be a form.
    #[error("Content-Type must be application/x-www-form-urlencoded in UTF-8")]
    WrongContentType,
    /// Broken percent-encoding, a NUL or bytes that are not UTF-8.
    #[error("the body is not a well-formed UTF-8 form")]
    MalformedForm,
    /// More parameters than any request needs.
    #[error("the body has too many parameters")]
    TooManyParameters,
    /// RFC 6749 §3.2: parameters must not be included more than once.
    #[error("a parameter is repeated")]
    RepeatedParameter,
    /// OAuth 2.1 §3.2: request parameters belong in the body, where they are not logged.
    #[error("request parameters must not be in the URL")]
    ParameterInQuery,
    /// `grant_type` is missing.
    #[error("grant_type is required")]
    MissingGrantType,
    /// `grant_type` is not one that this endpoint serves.
    #[error("this grant_type is not supported here")]
    UnsupportedGrantType,
    /// RFC 6749 §2.3: more than one way of client authentication in one request.
    #[error("use one client authentication method only")]
    SeveralAuthenticationMethods,
    /// The body names another client than the Authorization header.
    #[error("client_id is not the authenticated client")]
    ClientIdMismatch,
    /// No client authentication at all.
    #[error("client authentication is required")]
    NoClientAuthentication,
    /// An Authorization header or an assertion that is not understood.
    #[error("client authentication failed")]
    UnsupportedAuthentication,
    /// Basic credentials that cannot be decoded.
    #[error("client authentication failed")]
    MalformedBasicCredentials,
    /// The client id cannot exist.
    #[error("client authentication failed")]
    MalformedClientId,
    /// The secret's form or checksum is wrong.
    #[error("client authentication failed")]
    MalformedClientSecret,
    /// No such client.
    #[error("client authentication failed")]
    UnknownClient,
    /// None of the client's live secrets.
    #[error("client authentication failed")]
    WrongClientSecret,
    /// The client has secrets and showed none, or is public and showed one.
    #[error("client authentication failed")]
    WrongAuthenticationMethod,
    /// The client is disabled.
    #[error("client authentication failed")]
    ClientDisabled,
    /// The client may not use this grant type.
    #[error("the client may not use this grant_type")]
    GrantTypeNotAllowed,
    /// `refresh_token` is missing.
    #[error("refresh_token is required")]
    MissingRefreshToken,
    /// `token` is missing (RFC 7009 §2.1, RFC 7662 §2.1).
    #[error("token is required")]
    MissingToken,
    /// The refresh token's form, checksum or kind is wrong.
    #[error("the refresh token is not valid")]
    MalformedRefreshToken,
    /// The refresh token was not made by this issuer.
    #[error("the refresh token is not valid")]
    ForgedRefreshToken,
    /// The key that made the refresh token was withdrawn, and all that it made with it.
    #[error("the refresh token is not valid")]
    WithdrawnKey,
    /// The grant is not there: it ended long ago, or never was.
    #[error("the refresh token is not valid")]
    UnknownGrant,
    /// The grant was given to another client.
    #[error("the refresh token is not valid")]
    GrantOfAnotherClient,
    /// The grant was revoked.
    #[error("the refresh token is not valid")]
    GrantRevoked,
    /// The grant has expired, or was not used for too long.
    #[error("the refresh token is not valid")]
    GrantExpired,
    /// Everything that its client was granted until some moment was revoked.
    #[error("the refresh token is not valid")]
    ClientRevoked,
    /// Everything that its subject granted until some moment was revoked.
    #[error("the refresh token is not valid")]
    SubjectRevoked,
    /// A refresh token whose successor has been used, or whose grace is over: somebody else may
    /// have it. The grant is revoked.
    #[error("the refresh token is not valid")]
    RefreshTokenReused,
    /// A generation that the grant has not reached: the table was restored from a backup.
    #[error("the refresh token is not valid")]
    GenerationAhead,
    /// Introspection is for clients that authenticate (RFC 7662 §2.1).
    #[error("client authentication is required")]
    PublicCaller,
    /// `scope` is not a list of scope tokens.
    #[error("scope is malformed")]
    MalformedScope,
    /// A scope beyond what client and grant allow.
    #[error("a requested scope is not allowed")]
    ScopeNotAllowed,
    /// RFC 8707 §2: a resource that is no absolute URI, or not one of the client's audiences.
    #[error("a requested resource is not allowed")]
    ResourceNotAllowed,
    /// `since` is no moment.
    #[error("since must be a number of seconds since 1970")]
    MalformedCursor,
    /// The token would be longer than its key can sign, or than verifiers accept.
    #[error("the token would be too long: ask for fewer scopes or resources")]
    TokenTooLong,
}

impl Denied {
    /// The OAuth error code that a caller sees.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::MethodNotAllowed
            | Self::BodyTooLarge
            | Self::WrongContentType
            | Self::MalformedForm
            | Self::TooManyParameters
            | Self::RepeatedParameter
            | Self::ParameterInQuery
            | Self::MissingGrantType
            | Self::MissingRefreshToken
            | Self::MissingToken
            | Self::SeveralAuthenticationMethods
            | Self::ClientIdMismatch
            | Self::MalformedCursor => ErrorCode::InvalidRequest,
            Self::NoClientAuthentication
            | Self::UnsupportedAuthentication
            | Self::MalformedBasicCredentials
            | Self::MalformedClientId
            | Self::MalformedClientSecret
            | Self::UnknownClient
            | Self::WrongClientSecret
            | Self::WrongAuthenticationMethod
            | Self::ClientDisabled
            | Self::PublicCaller => ErrorCode::InvalidClient,
            Self::MalformedRefreshToken
            | Self::ForgedRefreshToken
            | Self::WithdrawnKey
            | Self::UnknownGrant
            | Self::GrantOfAnotherClient
            | Self::GrantRevoked
            | Self::GrantExpired
            | Self::ClientRevoked
            | Self::SubjectRevoked
            | Self::RefreshTokenReused
            | Self::GenerationAhead => ErrorCode::InvalidGrant,
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::GrantTypeNotAllowed => ErrorCode::UnauthorizedClient,
            Self::MalformedScope | Self::ScopeNotAllowed | Self::TokenTooLong => {
                ErrorCode::InvalidScope
            }
            Self::ResourceNotAllowed => ErrorCode::InvalidTarget,
        }
    }

    /// The HTTP status of the answer.
    pub const fn status(self) -> StatusCode {
        match (self, self.code()) {
            (Self::MethodNotAllowed, _) => StatusCode::METHOD_NOT_ALLOWED,
            (_, ErrorCode::InvalidClient) => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// The `error` of an answer (RFC 6749 §5.2, RFC 8707 §2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the RFC's own name")]
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    InvalidTarget,
    TemporarilyUnavailable,
}

/// A dependency did not do its part in time. The request was not carried out, and may be retried.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signing key cannot be used: it cannot be unwrapped, or is not the published one.
    #[error("signing key unavailable: {0}")]
    Key(String),
    /// The client or subject was revoked so recently that a token issued now would count as one
    /// of those that were revoked. It passes at this moment.
    #[error("revoked a moment ago: nothing can be issued until {}", .0.seconds())]
    JustRevoked(Timestamp),
    /// The request's time is over.
    #[error("the request took too long")]
    Timeout,
}
