//! Answers of other OpenID providers that let nobody in.

use strum::IntoStaticStr;

use super::AssertionDenied;

/// Why nobody is signed in by what an upstream answers. The variant's name is the `reason` in the log.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum UpstreamDenied {
    /// There is no upstream of this name.
    #[error("there is no OpenID provider of this name")]
    UnknownUpstream,
    /// What the upstream publishes about itself names another issuer.
    #[error(
        "the metadata of the OpenID provider name another issuer than the one that is registered"
    )]
    WrongUpstreamMetadata,
    /// The upstream did not let the person in, or they did not want to.
    #[error("the OpenID provider has refused to sign anybody in")]
    RefusedByUpstream,
    /// There is neither a code nor an error in the answer.
    #[error("the answer of the OpenID provider has no code")]
    NoUpstreamCode,
    /// The request was sent to another upstream (RFC 9700 §4.4.2).
    #[error("the answer belongs to a request that was sent to another OpenID provider")]
    AnswerOfAnotherUpstream,
    /// `iss` is not the upstream's (RFC 9207 §2.4).
    #[error("the answer does not name the issuer that was asked (RFC 9207 section 2.4)")]
    AnswerOfAnotherIssuer,
    /// The upstream does not take the code, or does not know this service.
    #[error(
        "the OpenID provider has refused its code: it was used before, or this service is registered there otherwise"
    )]
    CodeRefusedByUpstream,
    /// There is no ID token in the answer.
    #[error("the answer of the token endpoint of the OpenID provider has no ID token")]
    MalformedUpstreamAnswer,
    /// The ID token is not accepted (OpenID Connect Core 1.0 §3.1.3.7).
    #[error("the ID token of the OpenID provider is not valid")]
    IdToken(AssertionDenied),
    /// The ID token belongs to another attempt.
    #[error("the ID token of the OpenID provider has another nonce")]
    WrongNonce,
    /// No user here signs in with that account.
    #[error("this account is linked to no user")]
    NotLinked,
    /// Another user here signs in with that account.
    #[error("this account is linked to another user")]
    LinkedToAnother,
    /// There would be no way to sign in any more.
    #[error("there is no other way to sign in")]
    LastWayToSignIn,
}

impl UpstreamDenied {
    /// The reason's name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::IdToken(reason) => reason.into(),
            other => other.into(),
        }
    }

    /// Whether an operator should look at it: somebody answers in the place of another.
    pub const fn is_security_event(&self) -> bool {
        match self {
            Self::AnswerOfAnotherUpstream
            | Self::AnswerOfAnotherIssuer
            | Self::IdToken(_)
            | Self::WrongNonce => true,
            Self::UnknownUpstream
            | Self::WrongUpstreamMetadata
            | Self::RefusedByUpstream
            | Self::NoUpstreamCode
            | Self::CodeRefusedByUpstream
            | Self::MalformedUpstreamAnswer
            | Self::NotLinked
            | Self::LinkedToAnother
            | Self::LastWayToSignIn => false,
        }
    }
}
