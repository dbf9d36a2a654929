//! `POST /oauth2/revoke` (RFC 7009).

use std::process::ExitCode;

use tokensmith_issuer::endpoint::revoke;

fn main() -> ExitCode {
    tokensmith_aws::serve([revoke()])
}
