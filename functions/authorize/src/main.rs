//! Signing people in: `/oauth2/authorize` and every page.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokensmith_aws::serve(tokensmith_people::mounts())
}
