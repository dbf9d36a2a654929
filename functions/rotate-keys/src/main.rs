//! Called on a schedule: makes the keys that are due, and deletes those that are retired.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokensmith_aws::rotate_keys()
}
