//! What a client and an operator see of an issuer, the same on every host: against `tokensmith serve`, or
//! the issuer at `ISSUER_URL`. `tests/run` runs this list against functions and in process as well.

mod api_keys;
mod bad_requests;
mod client_credentials;
mod command;
mod dpop;
mod exchange;
mod fapi2;
mod federation;
mod grants;
mod limits;
mod metadata;
mod people;
mod private_key_jwt;
mod resources;
mod revocations;
mod revoke_and_introspect_requests;
mod static_claims;
mod tokens;
mod userinfo;
mod wire;
