//! The paths below the issuer URL, and what may be sent to them.

use http::Method;
use serde::Serialize;

/// What a path leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// RFC 6749 §3.2, every grant.
    Token,
    /// The token endpoint restricted to refresh tokens, for teams that want it isolated.
    Refresh,
    /// RFC 7009.
    Revoke,
    /// RFC 7662.
    Introspect,
    /// The revocation feed, for verifiers that cannot read the table.
    Revocations,
    /// RFC 7517 §5.
    Jwks,
    /// RFC 8414 §3.
    AuthorizationServerMetadata,
    /// OpenID Connect Discovery 1.0 §4.
    OpenidConfiguration,
}

impl Endpoint {
    /// The endpoint at `path`.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|endpoint| endpoint.path() == path)
    }

    /// Its path below the issuer URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Token => "/oauth2/token",
            Self::Refresh => "/oauth2/refresh",
            Self::Revoke => "/oauth2/revoke",
            Self::Introspect => "/oauth2/introspect",
            Self::Revocations => "/oauth2/revocations",
            Self::Jwks => "/.well-known/jwks.json",
            Self::AuthorizationServerMetadata => "/.well-known/oauth-authorization-server",
            Self::OpenidConfiguration => "/.well-known/openid-configuration",
        }
    }

    /// The methods it answers, as the `Allow` header lists them.
    pub(crate) const fn allowed_methods(self) -> &'static str {
        match self {
            Self::Token | Self::Refresh | Self::Revoke => "POST, OPTIONS",
            // For servers only: no browser has a secret to introspect with.
            Self::Introspect => "POST",
            Self::Revocations
            | Self::Jwks
            | Self::AuthorizationServerMetadata
            | Self::OpenidConfiguration => "GET, HEAD, OPTIONS",
        }
    }

    /// Whether browsers may call it.
    pub(crate) fn has_cors(self) -> bool {
        self != Self::Introspect
    }

    /// Whether it signs anything.
    pub(crate) fn signs(self) -> bool {
        matches!(self, Self::Token | Self::Refresh | Self::Revocations)
    }

    /// Whether it proves refresh tokens.
    pub(crate) fn needs_hmac_keys(self) -> bool {
        matches!(
            self,
            Self::Token | Self::Refresh | Self::Revoke | Self::Introspect
        )
    }

    /// Whether it verifies access tokens, or shows what verifies them.
    pub(crate) fn needs_published_keys(self) -> bool {
        self.needs_hmac_keys() || self.signs() || self == Self::Jwks
    }

    /// Whether it answers `method`.
    pub(crate) fn allows(self, method: &Method) -> bool {
        self.allowed_methods()
            .split(", ")
            .any(|allowed| allowed == method.as_str())
    }

    const ALL: [Self; 8] = [
        Self::Token,
        Self::Refresh,
        Self::Revoke,
        Self::Introspect,
        Self::Revocations,
        Self::Jwks,
        Self::AuthorizationServerMetadata,
        Self::OpenidConfiguration,
    ];
}
