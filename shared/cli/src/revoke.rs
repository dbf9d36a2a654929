//! `tokensmith revoke`

use clap::Args as ClapArgs;
use serde_json::json;
use tokensmith_issuer::admin::Revoked;
use tokensmith_issuer::credential::GrantId;
use tokensmith_issuer::names::ClientId;

use crate::data::Data;
use crate::inspect::token_or_stdin;
use crate::{Failure, print_changed};

/// Revoke a token, a grant, or all grants and tokens that a client or a subject has now
///
/// Each revocation is one DynamoDB write. Tokens issued afterwards are valid: to lock a client out, use
/// `client disable`. For about 3 s after a client or subject is revoked, its token requests wait, or are
/// answered 503.
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
    /// An access token; or a refresh token, which revokes its whole grant; `-` reads the token from
    /// standard input
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// A grant and all its tokens
    // One id in 64 begins with a hyphen.
    #[arg(long, value_name = "GRANT", allow_hyphen_values = true)]
    grant: Option<GrantId>,
    /// All grants and tokens that this client has now
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// All grants that this subject has given until now, and all their tokens
    #[arg(long, value_name = "SUB")]
    subject: Option<String>,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let data = args.data.open().await?;
    let admin = data.admin();
    let changed = match args.target {
        Target {
            token: Some(token), ..
        } => admin.revoke_token(&token_or_stdin(token)?).await?,
        Target {
            grant: Some(id), ..
        } => admin.revoke_grant(id).await?,
        Target {
            client: Some(id), ..
        } => admin.revoke_client(id).await?,
        Target {
            subject: Some(name),
            ..
        } => admin.revoke_subject(name).await?,
        _ => return Err(Failure::new("name what to revoke")),
    };
    let what = match changed.outcome {
        Revoked::AccessToken { jti } => json!({ "jti": jti }),
        Revoked::Grant { grant_id } => json!({ "grant_id": grant_id }),
        Revoked::Client { client_id } => json!({ "client_id": client_id }),
        Revoked::Subject { subject } => json!({ "subject": subject }),
    };
    print_changed(&json!({ "revoked": what }), changed.effective_by)
}
