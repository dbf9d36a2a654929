//! `GET /.well-known/*`: the key set and the metadata, which everybody may cache.

use std::process::ExitCode;

use tokensmith_issuer::Endpoint;

fn main() -> ExitCode {
    tokensmith_aws::serve(&[
        Endpoint::Jwks,
        Endpoint::AuthorizationServerMetadata,
        Endpoint::OpenidConfiguration,
    ])
}
