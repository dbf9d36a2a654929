//! Grants and their credentials that are not honoured.

use strum::IntoStaticStr;

use super::ErrorCode;

/// Why a refresh token is not honoured (RFC 6749 §5.2 `invalid_grant`). The variant's name is the `reason` in the log.
#[derive(Clone, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum GrantDenied {
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
}

impl GrantDenied {
    /// The OAuth error code that a caller sees.
    pub const fn code(&self) -> ErrorCode {
        match self {
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
        }
    }

    /// Whether an operator should look: a stolen refresh token, or a table that was rolled back.
    pub const fn is_security_event(&self) -> bool {
        matches!(self, Self::RefreshTokenReused | Self::GenerationAhead)
    }
}
