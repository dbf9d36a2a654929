//! Requests for access that client or grant do not allow.

use strum::IntoStaticStr;

use super::ErrorCode;

/// Why a token may not have the requested access. The variant's name is the `reason` in the log.
#[derive(Clone, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum AccessDenied {
    /// `scope` is not a list of scope tokens.
    #[error("scope is malformed")]
    MalformedScope,
    /// A scope that client or grant do not allow.
    #[error("a requested scope is not allowed")]
    ScopeNotAllowed,
    /// RFC 8707 §2: a resource that is not an absolute URI, or not one of the client's audiences.
    #[error("a requested resource is not allowed")]
    ResourceNotAllowed,
    /// A registered resource, and something else besides it.
    #[error("a token for this resource can be for nothing else: ask for it alone")]
    SeveralResources,
    /// A token for one resource is to be exchanged for one for another, which has not agreed to that.
    #[error("the resource does not take what this token is exchanged for")]
    ExchangeNotAllowed,
    /// A resource whose verifiers check no proofs, or whose tokens are signed with another algorithm than the client's profile allows.
    #[error("the resource does not keep to the client's security profile")]
    ResourceBelowProfile,
    /// `audience`, another name of `resource`, says something else than `resource`.
    #[error("audience and resource must name the same resource")]
    AudienceDisagrees,
    /// The token would be longer than its key can sign, or than verifiers accept.
    #[error("the token would be too long: ask for fewer scopes or resources")]
    TokenTooLong,
}

impl AccessDenied {
    /// The OAuth error code that a caller sees.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::MalformedScope | Self::ScopeNotAllowed | Self::TokenTooLong => {
                ErrorCode::InvalidScope
            }
            Self::ResourceNotAllowed
            | Self::SeveralResources
            | Self::ExchangeNotAllowed
            | Self::ResourceBelowProfile
            | Self::AudienceDisagrees => ErrorCode::InvalidTarget,
        }
    }
}
