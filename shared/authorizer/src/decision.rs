use tokensmith_verifier::{Refusal, SourceUnavailable, VerifiedClaims};

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Decision {
    Allowed(VerifiedClaims),
    /// The token is good, and not for this route.
    Forbidden(VerifiedClaims, Forbidden),
    Unverified(Refusal),
    /// Nobody can tell.
    Unavailable(SourceUnavailable),
}

/// Why a good token is not enough.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Forbidden {
    /// The route is not among those that are configured.
    RouteNotListed,
    /// It requires scopes that the token does not have.
    InsufficientScope,
}

impl Forbidden {
    /// As the log names it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RouteNotListed => "route_not_listed",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}
