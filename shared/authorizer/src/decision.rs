use tokensmith_verifier::{Refusal, SourceUnavailable, VerifiedClaims};

/// The decision on a request.
#[derive(Debug)]
pub(crate) enum Decision {
    Allowed(VerifiedClaims),
    /// The token is valid, but not allowed on this route.
    Forbidden(VerifiedClaims, Forbidden),
    Unverified(Refusal),
    /// It is unknown whether the token is valid.
    Unavailable(SourceUnavailable),
}

/// Why a valid token is not enough.
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
