//! Clients that are not authenticated, or may not do what they ask.

use strum::IntoStaticStr;

use super::ErrorCode;

/// Why a client is not authenticated (RFC 6749 §5.2 `invalid_client`), or may not do what it asks. The variant's name is the `reason` in the log.
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
    /// An assertion or a proof that was used before.
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
            | Self::CredentialsUsed
            | Self::PublicCaller => ErrorCode::InvalidClient,
        }
    }
}
