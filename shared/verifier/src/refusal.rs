use crate::bearer::InvalidRequest;
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
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The answer for a protection space called `realm` (RFC 9110 §11.5), such as
    /// [`crate::Verifier::realm`]. It must not contain quotes or backslashes.
    pub fn challenge(&self, realm: &str) -> Challenge {
        let (status, error, scope) = match self {
            // RFC 6750 §3.1: a caller that sent no token gets no error code.
            Self::NoToken => (401, None, None),
            Self::InvalidRequest(_) => (400, Some("invalid_request"), None),
            Self::Rejected(_) => (401, Some("invalid_token"), None),
            Self::InsufficientScope(required) => {
                (403, Some("insufficient_scope"), Some(required.sufficient()))
            }
            Self::Unavailable(_) => {
                return Challenge {
                    status: 503,
                    www_authenticate: None,
                    retry_after: Some(1),
                };
            }
        };
        let mut value = format!(r#"Bearer realm="{realm}""#);
        if let Some(error) = error {
            let description = self.description();
            value.push_str(&format!(
                r#", error="{error}", error_description="{description}""#
            ));
        }
        if let Some(scope) = scope {
            value.push_str(&format!(r#", scope="{scope}""#));
        }
        Challenge {
            status,
            www_authenticate: Some(value),
            retry_after: None,
        }
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
