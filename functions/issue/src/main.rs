//! `POST /oauth2/token`: every grant.

use std::process::ExitCode;

use tokensmith_issuer::Endpoint;

fn main() -> ExitCode {
    tokensmith_aws::serve(&[Endpoint::Token])
}
