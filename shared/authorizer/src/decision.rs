use tokensmith_issuer::limit::Standing;
use tokensmith_issuer::store::StoreError;
use tokensmith_verifier::{Refusal, SourceUnavailable, VerifiedClaims};

/// The decision on a request.
#[derive(Debug)]
pub(crate) enum Decision {
    Allowed(VerifiedClaims),
    /// The token is valid, but not allowed on this route.
    Forbidden(VerifiedClaims, Forbidden),
    /// It would be allowed, and the limit of the resource is used up.
    Limited(VerifiedClaims, Standing),
    Unverified(Refusal),
    /// It is unknown whether the token is valid.
    Unavailable(SourceUnavailable),
    /// The token is valid, and it is unknown whether the limit of the resource is used up.
    Uncounted(VerifiedClaims, StoreError),
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
