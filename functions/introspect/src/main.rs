//! `POST /oauth2/introspect` (RFC 7662) and `/oauth2/userinfo` (OpenID Connect Core 1.0 §5.3): what a token says, and of whom.

use std::process::ExitCode;

use tokensmith_issuer::endpoint::{introspect, userinfo};

fn main() -> ExitCode {
    tokensmith_aws::serve([introspect(), userinfo()])
}
