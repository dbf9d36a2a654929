//! `tokensmith inspect TOKEN`

use clap::Args as ClapArgs;
use serde::Serialize;
use tokensmith_issuer::clock::Clock;
use tokensmith_issuer::keys::load_signing_keys;
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::records::Client;
use tokensmith_verifier::{AccessTokenClaims, Expectations, JwkSet, VerificationKeys};

use crate::data::Data;
use crate::{Failure, print_json};

/// Decode an access token, verify it against the issuer's keys, and say whether it is live
///
/// Prints {"active": true, "claims": {…}} or {"active": false, "reason": "…"}. Claims are shown
/// only when the signature is right.
#[derive(ClapArgs)]
pub struct Args {
    /// The token; `-` reads it from standard input, which keeps it out of the process list
    token: String,
    #[command(flatten)]
    data: Data,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let token = match args.token.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())?,
        _ => args.token,
    };
    let (table, issuer) = args.data.open().await?;
    print_json(&inspect(&table, &issuer, token.trim()).await?)
}

async fn inspect(table: &Table, issuer: &IssuerUrl, token: &str) -> Result<Verdict, Failure> {
    let published = JwkSet {
        keys: load_signing_keys(table)
            .await?
            .into_iter()
            .map(|key| key.record.jwk)
            .collect(),
    };
    let claims = match VerificationKeys::new(&published)?.signed_claims(token) {
        Ok(claims) => claims,
        Err(rejection) => return Ok(Verdict::inactive(rejection.to_string(), None)),
    };
    let expected = Expectations {
        issuer: issuer.as_str(),
        audience: None,
        now: Clock::System.now().seconds(),
        leeway: 0,
    };
    if let Err(rejection) = expected.check(&claims) {
        return Ok(Verdict::inactive(rejection.to_string(), Some(claims)));
    }
    let client = match claims.client_id.parse() {
        Ok(id) => table.get(&Client::key_of(&id)).await?,
        Err(_) => None,
    };
    Ok(match client {
        None => Verdict::inactive("its client no longer exists".to_owned(), Some(claims)),
        Some(client) if client.disabled => {
            Verdict::inactive("its client is disabled".to_owned(), Some(claims))
        }
        Some(_) => Verdict {
            active: true,
            reason: None,
            claims: Some(claims),
        },
    })
}

#[derive(Serialize)]
struct Verdict {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<AccessTokenClaims>,
}

impl Verdict {
    fn inactive(reason: String, claims: Option<AccessTokenClaims>) -> Self {
        Self {
            active: false,
            reason: Some(reason),
            claims,
        }
    }
}
