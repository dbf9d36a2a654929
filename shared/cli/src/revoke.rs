//! `tokensmith revoke`

use clap::Args as ClapArgs;
use serde_json::json;
use tokensmith_issuer::Judged;
use tokensmith_issuer::credential::GrantId;
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::revocation::{
    RevokeOutcome, revoke_access_token, revoke_client, revoke_grant, revoke_subject,
};
use tokensmith_issuer::store::Table;
use tokensmith_verifier::Clock;

use crate::data::Data;
use crate::inspect::token_or_stdin;
use crate::{Failure, print_json};

/// Revoke a token, a grant, or everything that a client or a subject has until now
///
/// Each is one write. A client or subject is not locked out: what it gets later is good.
#[derive(ClapArgs)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    data: Data,
}

#[derive(ClapArgs)]
#[group(required = true, multiple = false)]
struct Target {
    /// An access token, or a refresh token with its whole grant; `-` reads it from standard input
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// A grant and all its tokens
    // One id in 64 begins with a hyphen.
    #[arg(long, value_name = "GRANT", allow_hyphen_values = true)]
    grant: Option<GrantId>,
    /// All grants and tokens that a client has until now
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// All grants and tokens that a subject has given until now
    #[arg(long, value_name = "SUB")]
    subject: Option<String>,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let data = args.data.open().await?;
    let (table, clock) = (data.table().clone(), Clock::System);
    let Target {
        token,
        grant,
        client,
        subject,
    } = args.target;
    let (outcome, what) = if let Some(token) = token {
        let judged = data.issuer().judge(&token_or_stdin(token)?).await?;
        revoke_judged(&table, judged).await?
    } else if let Some(id) = grant {
        let outcome = revoke_grant(&table, id, None, clock.now()).await?;
        (outcome, json!({ "grant_id": id }))
    } else if let Some(id) = client {
        (
            revoke_client(&table, &id, &clock).await?,
            json!({ "client_id": id }),
        )
    } else if let Some(name) = subject {
        (
            revoke_subject(&table, &name, &clock).await?,
            json!({ "subject": name }),
        )
    } else {
        return Err(Failure::new("name what to revoke"));
    };
    match outcome {
        RevokeOutcome::Revoked => print_json(&json!({ "revoked": what })),
        RevokeOutcome::NothingFound => Err(Failure::new("there is nothing of that name to revoke")),
    }
}

async fn revoke_judged(
    table: &Table,
    judged: Judged,
) -> Result<(RevokeOutcome, serde_json::Value), Failure> {
    let now = Clock::System.now();
    match judged {
        Judged::AccessToken { claims, .. } => {
            let outcome = revoke_access_token(table, &claims, now).await?;
            Ok((outcome, json!({ "jti": claims.jti })))
        }
        Judged::RefreshToken { grant, .. } => {
            let outcome = revoke_grant(table, grant.id, None, now).await?;
            Ok((outcome, json!({ "grant_id": grant.id })))
        }
        Judged::Unrecognized(why) => Err(Failure::new(why)),
        Judged::UnrecognizedCredential(why) => Err(Failure::new(why)),
    }
}
