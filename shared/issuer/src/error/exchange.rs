//! Access tokens that are not exchanged.

use strum::IntoStaticStr;
use tokensmith_verifier::Rejection;

use super::ErrorCode;

/// Why tokens of this issuer are not exchanged (RFC 8693 §2.2.2). The variant's name is the `reason` in the log, where it
/// has none of its own. A client that may not exchange a token is told no more than that it may not.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum ExchangeDenied {
    /// The subject token is no live access token of this issuer.
    #[error("the subject_token is not accepted")]
    Subject(Rejection),
    /// It is not for one registered resource that the client owns.
    #[error("the subject_token is not accepted")]
    SubjectNotOwned,
    /// The actor token is no live access token of this issuer.
    #[error("the actor_token is not accepted")]
    Actor(Rejection),
    /// It is neither the client's own, nor for a registered resource that the client owns.
    #[error("the actor_token is not accepted")]
    ActorNotOwned,
    /// Somebody acts with the actor token for somebody else.
    #[error("the actor_token was exchanged itself: who acts must have a token of their own")]
    ActorIsDelegated,
    /// A token is bound to a key (RFC 9449 §7.2): the request proves none, or another, and the new token would be bound to none.
    #[error(
        "a token is bound to a key (cnf): prove that key, or one that the new token can be bound to"
    )]
    BoundToken,
    /// As many have acted already as may.
    #[error("the chain of actors would be too long")]
    TooManyActors,
    /// The new token would rest on more than a token may.
    #[error("the new token would rest on too many others")]
    TooManyParents,
}

impl ExchangeDenied {
    /// The OAuth error code that a caller sees.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Subject(_)
            | Self::SubjectNotOwned
            | Self::Actor(_)
            | Self::ActorNotOwned
            | Self::ActorIsDelegated
            | Self::BoundToken
            | Self::TooManyActors
            | Self::TooManyParents => ErrorCode::InvalidRequest,
        }
    }

    /// Its name in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Subject(reason) | Self::Actor(reason) => reason.name(),
            reason => reason.into(),
        }
    }

    /// Whether an operator should look into it: somebody still presents a token by a key that was withdrawn.
    pub(super) const fn is_security_event(self) -> bool {
        matches!(
            self,
            Self::Subject(Rejection::KeyWithdrawn) | Self::Actor(Rejection::KeyWithdrawn)
        )
    }
}
