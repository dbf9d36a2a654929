//! People who are not let in, and forms that did not come from a page of ours.

use strum::IntoStaticStr;

/// Why a person does not get on. The variant's name is the `reason` in the log.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum SignInDenied {
    /// Nobody has this name.
    #[error("the name or the password is wrong")]
    UnknownUser,
    /// It is not their password.
    #[error("the name or the password is wrong")]
    WrongPassword,
    /// It is too short, too long or too easy to guess for a new password.
    #[error("the new password is not good enough")]
    UnacceptablePassword,
    /// No device shows this code.
    #[error("no device shows this code")]
    UnknownUserCode,
    /// An operator has disabled the user.
    #[error("the name or the password is wrong")]
    UserDisabled,
    /// There were too many attempts.
    #[error("there were too many attempts: try again in {0} seconds")]
    TooManyAttempts(u64),
    /// The form is not one that this browser was given (RFC 9700 §4.7.1).
    #[error("the form does not belong to this browser")]
    ForeignForm,
    /// The form is older than ten minutes.
    #[error("the form has expired")]
    ExpiredForm,
    /// Another site has sent the form.
    #[error("the form was sent by another site")]
    CrossSite,
    /// Nobody has signed in.
    #[error("nobody has signed in")]
    NotSignedIn,
    /// A request was approved twice, and its code was redeemed.
    #[error("the request was answered before")]
    AnsweredBefore,
}

impl SignInDenied {
    /// Whether an operator should look at it: somebody goes on guessing. A wrong password alone is everyday life.
    pub const fn is_security_event(&self) -> bool {
        matches!(self, Self::TooManyAttempts(_))
    }
}
