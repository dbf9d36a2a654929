//! `POST /oauth2/refresh`: the grant `refresh_token` alone, on a URL of its own.

use std::process::ExitCode;

use tokensmith_issuer::endpoint::refresh;

fn main() -> ExitCode {
    tokensmith_aws::serve([refresh()])
}
