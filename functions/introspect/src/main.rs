//! `POST /oauth2/introspect` (RFC 7662).

use std::process::ExitCode;

use tokensmith_issuer::Endpoint;

fn main() -> ExitCode {
    tokensmith_aws::serve(&[Endpoint::Introspect])
}
