//! Called on a schedule: makes the keys that are due, and ends those that are over.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokensmith_aws::rotate_keys()
}
