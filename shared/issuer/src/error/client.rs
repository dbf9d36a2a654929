//! Clients that did not authenticate, or may not do what they request.

use strum::IntoStaticStr;

use super::{ApiKeyDenied, AssertionDenied, ErrorCode};

/// Why client authentication failed (RFC 6749 §5.2 `invalid_client`), or why the client may not do
/// what it requests. The variant's name is the `reason` in the log.
#[derive(Clone, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum ClientDenied {
    /// RFC 6749 §2.3: more than one way of client authentication in one request.
    #[error("use one client authentication method only")]
    SeveralAuthenticationMethods,
    /// The body names another client than the Authorization header.
    #[error("client_id is not the authenticated client")]
    ClientIdMismatch,
    /// No client authentication at all.
    #[error("client authentication is required")]
    NoClientAuthentication,
    /// An Authorization header or an assertion of a kind that is not supported.
    #[error("client authentication failed")]
    UnsupportedAuthentication,
    /// Basic credentials that cannot be decoded.
    #[error("client authentication failed")]
    MalformedBasicCredentials,
    /// The client id has characters that no client id has.
    #[error("client authentication failed")]
    MalformedClientId,
    /// The secret's form or checksum is wrong.
    #[error("client authentication failed")]
    MalformedClientSecret,
    /// No such client.
    #[error("client authentication failed")]
    UnknownClient,
    /// The secret is none of the client's live secrets.
    #[error("client authentication failed")]
    WrongClientSecret,
    /// The client authenticated by another method than it is registered for.
    #[error("client authentication failed")]
    WrongAuthenticationMethod,
    /// The client is disabled.
    #[error("client authentication failed")]
    ClientDisabled,
    /// The assertion is not accepted.
    #[error("client authentication failed")]
    Assertion(AssertionDenied),
    /// The API key is not accepted.
    #[error("client authentication failed")]
    ApiKey(ApiKeyDenied),
    /// An assertion or a proof that was used before: a replay.
    #[error("client authentication failed")]
    CredentialsUsed,
    /// The client may not use this grant type.
    #[error("the client may not use this grant_type")]
    GrantTypeNotAllowed,
    /// Introspection is for clients that authenticate (RFC 7662 §2.1).
    #[error("client authentication is required")]
    PublicCaller,
}

impl ClientDenied {
    /// Its name in the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Assertion(reason) => reason.into(),
            Self::ApiKey(reason) => reason.into(),
            reason => reason.into(),
        }
    }

    /// Whether an operator should look into it.
    pub(super) const fn is_security_event(&self) -> bool {
        matches!(self, Self::ApiKey(reason) if reason.is_security_event())
    }

    /// The OAuth error code that a caller sees.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::SeveralAuthenticationMethods | Self::ClientIdMismatch => {
                ErrorCode::InvalidRequest
            }
            Self::GrantTypeNotAllowed => ErrorCode::UnauthorizedClient,
            Self::NoClientAuthentication
            | Self::UnsupportedAuthentication
            | Self::MalformedBasicCredentials
            | Self::MalformedClientId
            | Self::MalformedClientSecret
            | Self::UnknownClient
            | Self::WrongClientSecret
            | Self::WrongAuthenticationMethod
            | Self::ClientDisabled
            | Self::Assertion(_)
            | Self::ApiKey(_)
            | Self::CredentialsUsed
            | Self::PublicCaller => ErrorCode::InvalidClient,
        }
    }
}

impl From<ApiKeyDenied> for ClientDenied {
    fn from(reason: ApiKeyDenied) -> Self {
        Self::ApiKey(reason)
    }
}

impl From<AssertionDenied> for ClientDenied {
    fn from(reason: AssertionDenied) -> Self {
        Self::Assertion(reason)
    }
}
