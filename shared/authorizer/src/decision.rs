use tokensmith_issuer::credential::ApiKeyId;
use tokensmith_issuer::error::ApiKeyDenied;
use tokensmith_issuer::limit::Standing;
use tokensmith_verifier::Refusal;

use crate::principal::Principal;

/// The decision on a request.
#[derive(Debug)]
pub(crate) enum Decision {
    Allowed(Principal),
    /// The token or key is valid, but not allowed on this route.
    Forbidden(Principal, Forbidden),
    /// It would be allowed, and the limit of the resource or the key is used up.
    Limited(Principal, Standing),
    Unverified(Unverified),
    /// It is unknown whether the token or key is valid, or whether a limit is used up; says what failed.
    Unavailable(String),
}

/// Why it is not known who calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Unverified {
    /// It brings no token, or one that is not accepted.
    Token(Refusal),
    /// Its API key is not accepted. `key` is the id that it names, if it has the form of a key.
    ApiKey {
        reason: ApiKeyDenied,
        key: Option<ApiKeyId>,
    },
    /// It brings several credentials: which of them counts cannot be told.
    SeveralCredentials,
}

/// Why a valid token or key is not enough.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Forbidden {
    /// The route is not among those that are configured.
    RouteNotListed,
    /// It requires scopes that the token does not have.
    InsufficientScope,
}

impl Forbidden {
    /// The reason's name in the log.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RouteNotListed => "route_not_listed",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unavailable(unavailable) => Self::Unavailable(unavailable.to_string()),
            refusal => Self::Unverified(Unverified::Token(refusal)),
        }
    }
}
