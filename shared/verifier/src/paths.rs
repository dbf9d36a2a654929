//! The paths below an issuer URL, in one table for the issuer, which serves them, and for
//! verifiers, which fetch some of them.

/// RFC 6749 §3.2, every grant.
pub const TOKEN: &str = "/oauth2/token";

/// The token endpoint restricted to refresh tokens, for teams that want to run them isolated.
pub const REFRESH: &str = "/oauth2/refresh";

/// RFC 8628 §3.1.
pub const DEVICE_AUTHORIZATION: &str = "/oauth2/device_authorization";

/// RFC 7009.
pub const REVOKE: &str = "/oauth2/revoke";

/// RFC 7662.
pub const INTROSPECT: &str = "/oauth2/introspect";

/// OpenID Connect Core 1.0 §5.3.
pub const USERINFO: &str = "/oauth2/userinfo";

/// The revocation feed, for verifiers that cannot read the table.
pub const REVOCATIONS: &str = "/oauth2/revocations";

/// GitHub's secret scanning partner program, where an operator has turned it on.
pub const SECRET_SCANNING: &str = "/secret-scanning";

/// RFC 7517 §5.
pub const JWKS: &str = "/.well-known/jwks.json";

/// RFC 8414 §3.
pub const AUTHORIZATION_SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// OpenID Connect Discovery 1.0 §4.
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";

/// RFC 6749 §3.1.
pub const AUTHORIZE: &str = "/oauth2/authorize";

/// RFC 9126.
pub const PUSHED_AUTHORIZATION: &str = "/oauth2/par";

/// OpenID Connect RP-Initiated Logout 1.0.
pub const LOGOUT: &str = "/oauth2/logout";

/// Where a person signs in.
pub const LOGIN: &str = "/login";

/// Where signing in through another OpenID provider begins, and where that provider sends people back to. The query names the
/// provider, so that each has a redirect URI of its own (RFC 9700 §4.4.2).
pub const UPSTREAM: &str = "/login/upstream";

/// Where a person is asked whether a client may.
pub const CONSENT: &str = "/consent";

/// Where a person sees and ends what they have given and where they have signed in.
pub const ACCOUNT: &str = "/account";

/// RFC 8628 §3.3: where a person enters the code that a device shows.
pub const DEVICE: &str = "/device";
