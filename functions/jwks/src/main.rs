//! `GET /.well-known/*`: the key set and the metadata, which everybody may cache.

use std::process::ExitCode;

use tokensmith_issuer::endpoint::{authorization_server_metadata, jwks, openid_configuration};

fn main() -> ExitCode {
    tokensmith_aws::serve([
        jwks(),
        authorization_server_metadata(),
        openid_configuration(),
    ])
}
