//! `tokensmith token`

use clap::Args as ClapArgs;
use secrecy::ExposeSecret;
use serde_json::json;
use tokensmith_issuer::grant::AskedAccess;
use tokensmith_issuer::names::{Audience, ClientId, Scope};

use crate::data::Data;
use crate::one_value::{one_audience, one_scope};
use crate::{Failure, print_text};

/// Print an access token that a client would get with client_credentials, to try something in a shell
///
/// No secret is needed: whoever has the data can issue what they like. The token is as good as any other, so it
/// says what the client may do, and is refused when the client is revoked.
///
/// `curl -H "Authorization: Bearer $(tokensmith token --client billing)" https://api.example/`
#[derive(ClapArgs)]
pub struct Args {
    /// The client; it must have the grant type client_credentials
    #[arg(long, value_name = "ID")]
    client: ClientId,
    /// A scope of the token; must be one of the client's; may be repeated [default: the client's default
    /// scopes]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = one_scope)]
    scopes: Vec<Scope>,
    /// The resource that the token is for (`aud`); must be one of the client's; may be repeated [default: the
    /// client's first]
    #[arg(long = "audience", value_name = "URI", value_parser = one_audience)]
    audiences: Vec<Audience>,
    #[command(flatten)]
    data: Data,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let data = args.data.open().await?;
    let asked = AskedAccess {
        scopes: (!args.scopes.is_empty()).then(|| args.scopes.into_iter().collect()),
        resources: args.audiences,
    };
    let token = data
        .admin()
        .issue_token(data.signer(), &args.client, asked)
        .await?
        .outcome;
    match args.data.field() {
        None => print_text(&format!("{}\n", token.expose_secret())),
        Some(_) => data.print(&json!({
            "access_token": token.expose_secret(),
            "expires_in": token.expires_in,
            "scope": token.scopes.to_string(),
        })),
    }
}
