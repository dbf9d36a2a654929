//! `GET /oauth2/revocations`: the signed feed for verifiers that cannot read the table.

use std::process::ExitCode;

use tokensmith_issuer::endpoint::revocations;

fn main() -> ExitCode {
    tokensmith_aws::serve([revocations()])
}
