//! `POST /oauth2/introspect` (RFC 7662).

use std::process::ExitCode;

use tokensmith_issuer::endpoint::introspect;

fn main() -> ExitCode {
    tokensmith_aws::serve([introspect()])
}
