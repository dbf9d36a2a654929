//! Grants and their credentials that are not accepted.

use strum::IntoStaticStr;

use super::{ClientDenied, ErrorCode};

/// Why a grant is not accepted (RFC 6749 §5.2 `invalid_grant`). The variant's name is the
/// `reason` in the log.
#[derive(Clone, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum GrantDenied {
    /// The refresh token's form, checksum or kind is wrong.
    #[error("the refresh token is not valid")]
    MalformedRefreshToken,
    /// The refresh token was not made by this issuer.
    #[error("the refresh token is not valid")]
    ForgedRefreshToken,
    /// The HMAC key that made the refresh token was withdrawn, and so were all refresh tokens that
    /// it made.
    #[error("the refresh token is not valid")]
    WithdrawnKey,
    /// No key has the version that the refresh token names, so this issuer did not make it.
    #[error("the refresh token is not valid")]
    UnknownKeyVersion,
    /// The grant does not exist: it ended long ago, or never existed.
    #[error("the refresh token is not valid")]
    UnknownGrant,
    /// The grant was given to another client.
    #[error("the refresh token is not valid")]
    GrantOfAnotherClient,
    /// The grant was revoked.
    #[error("the refresh token is not valid")]
    GrantRevoked,
    /// The grant has expired, or was unused for too long.
    #[error("the refresh token is not valid")]
    GrantExpired,
    /// All grants of its client up to some time were revoked, and this is one of them.
    #[error("the refresh token is not valid")]
    ClientRevoked,
    /// All grants of its subject up to some time were revoked, and this is one of them.
    #[error("the refresh token is not valid")]
    SubjectRevoked,
    /// A refresh token whose successor has been used, or whose grace is over: a thief may have it.
    /// The grant is revoked.
    #[error("the refresh token is not valid")]
    RefreshTokenReused,
    /// A generation that the grant has not reached: the table was restored from a backup.
    #[error("the refresh token is not valid")]
    GenerationAhead,
    /// A code that was redeemed before: a thief may have it. The grant is revoked.
    #[error("the code is not valid")]
    CodeReused,
    /// A device code that was redeemed more than a minute ago, or whose refresh token has been used: a thief may have it. The grant is
    /// revoked.
    #[error("the device code is not valid")]
    DeviceCodeReused,
    /// The `redirect_uri` is not the one of the authorization request (RFC 6749 §4.1.3).
    #[error("redirect_uri is not the one of the authorization request")]
    WrongRedirectUri,
    /// There is no `code_verifier`, or not the one whose challenge the authorization request had (RFC 7636 §4.6).
    #[error("code_verifier does not match the code_challenge of the authorization request")]
    WrongVerifier,
    /// There is a `code_verifier`, and the authorization request had no challenge (RFC 9700 §4.8.2).
    #[error("the authorization request had no code_challenge")]
    UnexpectedVerifier,
    /// The same, of a grant that was presented as a code.
    #[error("{}", match **.0 {
        Self::WrongRedirectUri | Self::WrongVerifier | Self::UnexpectedVerifier => .0.to_string(),
        _ => "the code is not valid".to_owned(),
    })]
    Code(Box<Self>),
    /// An assertion that is the grant speaks for nobody, or for a client that may not use it.
    #[error("the assertion is not accepted")]
    Assertion(ClientDenied),
    /// A token that is to be exchanged is none that can be, or belongs to a client that may not use it.
    #[error("the subject_token is not accepted")]
    SubjectToken(ClientDenied),
}

impl GrantDenied {
    /// The OAuth error code that a caller sees.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::MalformedRefreshToken
            | Self::ForgedRefreshToken
            | Self::WithdrawnKey
            | Self::UnknownKeyVersion
            | Self::UnknownGrant
            | Self::GrantOfAnotherClient
            | Self::GrantRevoked
            | Self::GrantExpired
            | Self::ClientRevoked
            | Self::SubjectRevoked
            | Self::RefreshTokenReused
            | Self::GenerationAhead
            | Self::CodeReused
            | Self::DeviceCodeReused
            | Self::WrongRedirectUri
            | Self::WrongVerifier
            | Self::UnexpectedVerifier
            | Self::Code(_)
            | Self::Assertion(_) => ErrorCode::InvalidGrant,
            // RFC 8693 §2.2.2.
            Self::SubjectToken(_) => ErrorCode::InvalidRequest,
        }
    }

    /// Whether an operator should look into it: a stolen refresh token, a table that was rolled back, or a
    /// token by a key that was withdrawn.
    pub const fn is_security_event(&self) -> bool {
        match self {
            Self::Code(reason) => reason.is_security_event(),
            _ => matches!(
                self,
                Self::RefreshTokenReused
                    | Self::CodeReused
                    | Self::DeviceCodeReused
                    | Self::GenerationAhead
                    | Self::WithdrawnKey
            ),
        }
    }
}
