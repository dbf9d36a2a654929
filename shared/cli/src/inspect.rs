//! `tokensmith inspect TOKEN`

use clap::Args as ClapArgs;
use serde::Serialize;
use serde_json::{Value, json};
use tokensmith_issuer::Judged;
use tokensmith_issuer::error::Denied;

use crate::chain::DisplayedChain;
use crate::data::Data;
use crate::{Failure, display_time};

/// Verify a token, and say whether it is active, or why it is not
///
/// Prints {"active": true, …} or {"active": false, "reason": "…", …}; for a token that was exchanged also its chain, and which
/// link of it is dead. The content of a token is
/// shown only if this issuer has made it. The exit code is 0 in both cases, unless --check is given.
#[derive(ClapArgs)]
pub struct Args {
    /// An access token, a refresh token or an API key; `-` reads it from standard input, which keeps it out of the
    /// process list
    token: String,
    /// Exit with 1 when the token is not active
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    data: Data,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let token = token_or_stdin(args.token)?;
    let data = args.data.open().await?;
    let judged = data.admin().judge(&token).await?;
    let chain = match &judged {
        Judged::AccessToken { claims, .. } if !claims.parents.is_empty() => {
            Some(data.admin().chain_of(claims).await?.into())
        }
        _ => None,
    };
    let verdict = Verdict {
        chain,
        ..Verdict::of(judged)
    };
    data.print(&verdict)?;
    match verdict.reason {
        Some(reason) if args.check => {
            Err(Failure::new(format!("the token is not active: {reason}")))
        }
        _ => Ok(()),
    }
}

/// The token from the command line, or from standard input if the argument is `-`.
pub fn token_or_stdin(token: String) -> Result<String, Failure> {
    Ok(match token.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())?.trim().to_owned(),
        _ => token,
    })
}

#[derive(Serialize)]
struct Verdict {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<Value>,
    /// What an exchanged token rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<DisplayedChain>,
}

impl Verdict {
    fn of(judged: Judged) -> Self {
        let (reason, claims, grant) = match judged {
            Judged::AccessToken { claims, verdict } => (
                verdict.err().map(|why| why.to_string()),
                Some(json!(claims)),
                None,
            ),
            Judged::RefreshToken { grant, verdict } => {
                let reason = verdict.err().as_ref().map(name_of);
                let shown = json!({
                    "grant_id": grant.id,
                    "client_id": grant.client_id,
                    "subject": grant.subject,
                    "scopes": grant.scopes,
                    "generation": grant.generation,
                    "created_at": display_time(grant.created_at),
                    "rotated_at": display_time(grant.rotated_at),
                    "idle_expires_at": display_time(grant.idle_expires_at),
                    "expires_at": display_time(grant.expires_at),
                    "revoked_at": grant.revoked_at.map(display_time),
                });
                (reason, None, Some(shown))
            }
            Judged::ApiKey { key, verdict } => {
                let reason = verdict.err().as_ref().map(name_of);
                return Self {
                    active: reason.is_none(),
                    reason,
                    claims: None,
                    grant: None,
                    api_key: Some(json!({
                        "key_id": key.id,
                        "client_id": key.client_id,
                        "name": key.name,
                        "scopes": key.scopes,
                        "resource": key.resource,
                        "created_at": display_time(key.created_at),
                        "expires_at": display_time(key.expires_at),
                        "revoked_at": key.revoked_at.map(display_time),
                    })),
                    chain: None,
                };
            }
            Judged::Unrecognized(why) => (Some(why.to_string()), None, None),
            Judged::UnrecognizedCredential(why) => (Some(name_of(&why)), None, None),
        };
        Self {
            active: reason.is_none(),
            reason,
            claims,
            grant,
            api_key: None,
            chain: None,
        }
    }
}

/// The reason's name, as in the log: the descriptions for callers all read the same.
pub fn name_of(denied: &Denied) -> String {
    denied.reason().replace('_', " ")
}
