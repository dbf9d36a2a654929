//! Access tokens that are presented to the issuer itself, and not accepted.

use strum::IntoStaticStr;
use tokensmith_verifier::{InvalidRequest, Refusal, Rejection};

use super::{Error, ErrorCode, Unavailable};

/// Why an access token opens nothing here (RFC 6750 §3.1). The variant's name is the `reason` in the log, where it
/// has none of its own.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum BearerDenied {
    /// The request brings none.
    #[error("an access token is required")]
    NoToken,
    /// The `Authorization` header cannot be read.
    #[error(transparent)]
    InvalidRequest(InvalidRequest),
    /// RFC 6750 §2: more than one way to send a token in one request.
    #[error("send the access token in one way only")]
    SeveralTokens,
    /// It is no live access token of this issuer.
    #[error(transparent)]
    Rejected(Rejection),
    /// It speaks for a client, and no person gave it.
    #[error("the token speaks for no person")]
    NotOfAPerson,
    /// The person is not known.
    #[error("the token's person cannot sign in")]
    UnknownUser,
    /// The person was disabled.
    #[error("the token's person cannot sign in")]
    UserDisabled,
    /// It lacks the scope `openid` (OpenID Connect Core 1.0 §5.3).
    #[error("the token lacks the scope openid")]
    NoOpenidScope,
}

impl BearerDenied {
    /// The OAuth error code that a caller sees.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::InvalidRequest(_) | Self::SeveralTokens => ErrorCode::InvalidRequest,
            Self::NoOpenidScope => ErrorCode::InsufficientScope,
            Self::NoToken
            | Self::Rejected(_)
            | Self::NotOfAPerson
            | Self::UnknownUser
            | Self::UserDisabled => ErrorCode::InvalidToken,
        }
    }

    /// Its name in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest(reason) => reason.name(),
            Self::Rejected(reason) => reason.name(),
            reason => reason.into(),
        }
    }

    /// Whether an operator should look into it.
    pub(super) const fn is_security_event(self) -> bool {
        matches!(self, Self::Rejected(Rejection::KeyWithdrawn))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoToken => BearerDenied::NoToken.into(),
            Refusal::InvalidRequest(reason) => BearerDenied::InvalidRequest(reason).into(),
            Refusal::Rejected(reason) => BearerDenied::Rejected(reason).into(),
            Refusal::InvalidProof(reason) => reason.into(),
            Refusal::InsufficientScope(_) => BearerDenied::NoOpenidScope.into(),
            Refusal::Unavailable(source) => Unavailable::Key(source.to_string()).into(),
        }
    }
}
