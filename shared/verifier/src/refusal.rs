use crate::bearer::{InvalidRequest, TokenScheme};
use crate::dpop::{DPOP_SCHEME, DpopRejection, PROOF_ALGORITHMS};
use crate::fetch::FetchError;
use crate::{Rejection, RequiredScopes};

/// Why a request is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It brings no bearer token.
    #[error("no bearer token was sent")]
    NoToken,
    /// Its `Authorization` header cannot be read.
    #[error(transparent)]
    InvalidRequest(#[from] InvalidRequest),
    /// Its token is not accepted.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Its DPoP proof is not accepted.
    #[error(transparent)]
    InvalidProof(#[from] DpopRejection),
    /// Its token is valid, but lacks a scope.
    #[error("the token lacks a scope: {0}")]
    InsufficientScope(RequiredScopes),
    /// Its token cannot be judged now.
    #[error(transparent)]
    Unavailable(#[from] SourceUnavailable),
}

/// A source of keys or revocations failed, so no token can be judged.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SourceUnavailable {
    /// The issuer's keys cannot be fetched.
    #[error("the issuer's keys are not available: {0}")]
    Keys(FetchError),
    /// The view of revocations is too old, and the policy is to refuse then.
    #[error("the view of revocations is stale")]
    StaleRevocations,
    /// An embedder's own source of revocations failed.
    #[error("revocations are not available: {0}")]
    Revocations(String),
}

/// The answer to a refused request: RFC 6750 §3 in plain values, for any HTTP library.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Challenge {
    /// The HTTP status.
    pub status: u16,
    /// The value of `WWW-Authenticate`.
    pub www_authenticate: Option<String>,
    /// The value of `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// Its name in a log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::InvalidRequest(reason) => reason.name(),
            Self::Rejected(reason) => reason.name(),
            Self::InvalidProof(reason) => reason.name(),
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The answer for a protection space called `realm` (RFC 9110 §11.5), such as
    /// [`crate::Verifier::realm`], that takes bearer tokens only. It must not contain quotes or backslashes.
    pub fn challenge(&self, realm: &str) -> Challenge {
        self.challenge_of(realm, &[TokenScheme::Bearer])
    }

    /// The answer for a protection space that takes tokens by these schemes: a challenge for each (RFC 9449 §7.1, §7.2).
    pub(crate) fn challenge_of(&self, realm: &str, schemes: &[TokenScheme]) -> Challenge {
        let (status, error) = match self {
            // RFC 6750 §3.1: a caller that sent no token gets no error code.
            Self::NoToken => (401, None),
            Self::InvalidRequest(_) => (400, Some("invalid_request")),
            Self::Rejected(_) => (401, Some("invalid_token")),
            Self::InvalidProof(_) => (401, Some("invalid_dpop_proof")),
            Self::InsufficientScope(_) => (403, Some("insufficient_scope")),
            Self::Unavailable(_) => {
                return Challenge {
                    status: 503,
                    www_authenticate: None,
                    retry_after: Some(1),
                };
            }
        };
        let challenges = schemes.iter().map(|scheme| self.by(*scheme, realm, error));
        let challenges: Vec<String> = challenges.collect();
        Challenge {
            status,
            www_authenticate: Some(challenges.join(", ")),
            retry_after: None,
        }
    }

    /// One challenge. A proof that is wrong is no error of those who need none.
    fn by(&self, scheme: TokenScheme, realm: &str, error: Option<&str>) -> String {
        let mut value = match scheme {
            TokenScheme::Bearer => format!(r#"Bearer realm="{realm}""#),
            TokenScheme::Dpop => format!(r#"{DPOP_SCHEME} realm="{realm}""#),
        };
        let is_of_other = scheme == TokenScheme::Bearer && matches!(self, Self::InvalidProof(_));
        if let Some(error) = error.filter(|_| !is_of_other) {
            let description = self.description();
            value.push_str(&format!(
                r#", error="{error}", error_description="{description}""#
            ));
        }
        if let Self::InsufficientScope(required) = self {
            value.push_str(&format!(r#", scope="{}""#, required.sufficient()));
        }
        if scheme == TokenScheme::Dpop {
            value.push_str(&format!(r#", algs="{PROOF_ALGORITHMS}""#));
        }
        value
    }

    /// The description that the caller gets. It has no quotes or backslashes (RFC 6750 §3).
    fn description(&self) -> String {
        match self {
            // The expression may contain quotes, and `scope` says which scopes are needed anyway.
            Self::InsufficientScope(_) => "the token lacks a scope".to_owned(),
            _ => self.to_string(),
        }
    }
}
