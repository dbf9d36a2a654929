//! Signing people in: the authorization endpoint, what clients ask for ahead of it, and every page.

use std::process::ExitCode;

use tokensmith_issuer::endpoint::{device_authorization, pushed_authorization};
use tokensmith_people::{account, authorize, consent, device, login, logout, upstream};

fn main() -> ExitCode {
    tokensmith_aws::serve([
        authorize(),
        pushed_authorization(),
        device_authorization(),
        login(),
        upstream(),
        consent(),
        device(),
        account(),
        logout(),
    ])
}
