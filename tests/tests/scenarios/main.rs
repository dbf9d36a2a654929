//! Black-box scenarios over HTTP, the same for every host: they ask the issuer at `ISSUER_URL`, or
//! `tokensmith serve` where there is none. `tests/run` runs all of them against the functions too.

mod bad_requests;
mod client_credentials;
mod command;
mod grants_over_http;
mod metadata;
mod revocations_over_http;
mod revoke_and_introspect_requests;
mod tokens;
mod wire;
