//! Assertions that are not accepted.

use strum::IntoStaticStr;
use tokensmith_verifier::Rejection;
use tokensmith_verifier::jose::InvalidKeySet;

/// Why an assertion (RFC 7521, RFC 7523) is not accepted. The variant's name is the `reason` in the log; the
/// caller is told that it failed, and no more.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq)]
#[strum(serialize_all = "snake_case")]
pub enum AssertionDenied {
    /// Longer than any assertion that is read.
    AssertionTooLong,
    /// Not a JWS in compact form, or its payload has not the claims of RFC 7523 §3.
    MalformedAssertion,
    /// Its header has a key of its own, or an extension that is not supported.
    UnsupportedAssertionHeader,
    /// `typ` says that it is something else.
    WrongAssertionType,
    /// The client has no key of this name, or several that fit.
    UnknownAssertionKey,
    /// The client's keys cannot be used.
    UnusableAssertionKeys,
    /// `alg` is not one of its key's.
    WrongAssertionAlgorithm,
    /// The signature does not verify.
    BadAssertionSignature,
    /// `iss` and `sub` are not both the client id.
    WrongAssertionIssuer,
    /// `aud` is not this issuer.
    WrongAssertionAudience,
    /// `exp` has passed, or it was issued too long ago.
    AssertionExpired,
    /// `iat` or `nbf` lies ahead.
    AssertionNotYetValid,
    /// `exp` lies too far ahead.
    AssertionLivesTooLong,
    /// No source has this issuer.
    UnknownAssertionIssuer,
    /// The source is known, and no rule is about this token.
    NoFederationRule,
    /// Rules for several clients are about this token, and the request names none.
    SeveralFederationRules,
    /// It has no `jti`, by which its single use could be noted, or one that is too long.
    AssertionWithoutId,
}

impl From<Rejection> for AssertionDenied {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::TooLong => Self::AssertionTooLong,
            Rejection::UnsupportedHeader => Self::UnsupportedAssertionHeader,
            Rejection::WrongType => Self::WrongAssertionType,
            Rejection::UnknownKey => Self::UnknownAssertionKey,
            Rejection::WrongAlgorithm => Self::WrongAssertionAlgorithm,
            Rejection::BadSignature => Self::BadAssertionSignature,
            _ => Self::MalformedAssertion,
        }
    }
}

impl From<InvalidKeySet> for AssertionDenied {
    fn from(_: InvalidKeySet) -> Self {
        Self::UnusableAssertionKeys
    }
}
