//! API Gateway asks it before a request goes on: lets good access tokens through.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokensmith_aws::authorizer::authorize()
}
