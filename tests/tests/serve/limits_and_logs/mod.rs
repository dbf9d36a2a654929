//! What hostile and unlucky peers cannot do to the local host, and what the log says of it all.

mod limits;
mod logs;
mod secrecy;

use tokensmith_tests::HttpRequest;

fn form(body: impl AsRef<[u8]>) -> HttpRequest {
    HttpRequest::post(TOKEN, body.as_ref())
}

const TOKEN: &str = "/oauth2/token";
const JWKS: &str = "/.well-known/jwks.json";
const GRANT: &str = "grant_type=client_credentials";
