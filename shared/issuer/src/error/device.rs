//! What a device is told that polls for its grant (RFC 8628 §3.5).

use strum::IntoStaticStr;

use super::ErrorCode;

/// Why a device gets no tokens yet, or none at all. The variant's name is the `reason` in the log.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum DeviceDenied {
    /// Nobody has answered yet.
    #[error("nobody has answered yet: ask again after the interval")]
    AuthorizationPending,
    /// Nobody has answered yet, and the device asks too often.
    #[error("nobody has answered yet: ask less often")]
    SlowDown,
    /// A person has refused.
    #[error("the request was refused")]
    RefusedByPerson,
    /// Nobody has answered in time.
    #[error("the device code has expired")]
    ExpiredDeviceCode,
}

impl DeviceDenied {
    /// The OAuth error code that a caller sees.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::AuthorizationPending => ErrorCode::AuthorizationPending,
            Self::SlowDown => ErrorCode::SlowDown,
            Self::RefusedByPerson => ErrorCode::AccessDenied,
            Self::ExpiredDeviceCode => ErrorCode::ExpiredToken,
        }
    }

    /// Whether the device will ask again, as it should.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::AuthorizationPending | Self::SlowDown)
    }
}
