//! DPoP proofs that are not accepted (RFC 9449).

use tokensmith_verifier::dpop::DpopRejection;

use super::ErrorCode;

/// Why a request is denied for its DPoP proof, or for having none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DpopDenied {
    /// RFC 9449 §4.3.
    #[error(transparent)]
    Rejected(DpopRejection),
    /// RFC 9449 §8: the proof has no nonce of this issuer, or an old one. The answer brings one.
    #[error("the DPoP proof needs the nonce of this answer")]
    NonceNeeded,
}

impl DpopDenied {
    /// The OAuth error code that a caller sees (RFC 9449 §5, §8).
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Rejected(_) => ErrorCode::InvalidDpopProof,
            Self::NonceNeeded => ErrorCode::UseDpopNonce,
        }
    }

    /// Its name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rejected(reason) => reason.name(),
            Self::NonceNeeded => "dpop_nonce_needed",
        }
    }

    /// Whether an operator should look into it: somebody has a proof of somebody else.
    pub(super) const fn is_security_event(self) -> bool {
        matches!(self, Self::Rejected(DpopRejection::Replayed))
    }
}

impl From<DpopRejection> for DpopDenied {
    fn from(reason: DpopRejection) -> Self {
        Self::Rejected(reason)
    }
}
