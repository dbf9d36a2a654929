//! `POST /oauth2/token`: every grant. Also takes reports of leaked API keys, if the operator has turned that on.

use std::process::ExitCode;

use tokensmith_issuer::endpoint::{secret_scanning, token};

fn main() -> ExitCode {
    tokensmith_aws::serve([token(), secret_scanning()])
}
