//! `POST /oauth2/token`: every grant.

use std::process::ExitCode;

use tokensmith_issuer::endpoint::token;

fn main() -> ExitCode {
    tokensmith_aws::serve([token()])
}
