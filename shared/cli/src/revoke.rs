//! `tokensmith revoke`

use clap::Args as ClapArgs;
use serde_json::json;
use tokensmith_issuer::admin::Revoked;
use tokensmith_issuer::credential::GrantId;
use tokensmith_issuer::names::ClientId;

use crate::Failure;
use crate::consent::{Change, Consent};
use crate::data::{Data, OpenData};
use crate::inspect::token_or_stdin;

/// Revoke a token, a grant, or all grants, tokens and API keys that a client or a subject has now
///
/// Each revocation is one DynamoDB write. Tokens issued afterwards are valid: to lock a client out, use
/// `client disable`. `--client` and `--subject` ask before they revoke. For about 3 s after a client or subject is revoked, its token requests wait, or are
/// answered 503.
#[derive(ClapArgs)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    data: Data,
}

#[derive(ClapArgs)]
#[group(required = true, multiple = false)]
struct Target {
    /// An access token; a refresh token, which revokes its whole grant; or an API key; `-` reads it from
    /// standard input
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// A grant and all its tokens
    // One id in 64 begins with a hyphen.
    #[arg(long, value_name = "GRANT", allow_hyphen_values = true)]
    grant: Option<GrantId>,
    /// All grants, tokens and API keys that this client has now
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// All grants that this subject has given until now, and all their tokens
    #[arg(long, value_name = "SUB")]
    subject: Option<String>,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let target = args.target.with_token_read()?;
    if target.is_many() {
        args.consent.check()?;
    }
    let data = args.data.open().await?;
    if !is_wanted(&target, &args.consent, &data).await? {
        return Ok(());
    }
    let admin = data.admin();
    let changed = match target {
        Target {
            token: Some(token), ..
        } => admin.revoke_token(&token).await?,
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
        Revoked::ApiKey { key_id, .. } => json!({ "key_id": key_id }),
        Revoked::Grant { grant_id } => json!({ "grant_id": grant_id }),
        Revoked::Client { client_id } => json!({ "client_id": client_id }),
        Revoked::Subject { subject } => json!({ "subject": subject }),
    };
    data.print_changed(&json!({ "revoked": what }), changed.effective_by)
}

impl Target {
    fn with_token_read(mut self) -> Result<Self, Failure> {
        self.token = self.token.map(token_or_stdin).transpose()?;
        Ok(self)
    }

    /// Whether it is more than the one thing that the operator has named.
    fn is_many(&self) -> bool {
        self.client.is_some() || self.subject.is_some()
    }
}

/// Asks for consent to what ends more than one grant or token; one is not asked for.
async fn is_wanted(target: &Target, consent: &Consent, data: &OpenData) -> Result<bool, Failure> {
    let admin = data.admin();
    match target {
        Target {
            client: Some(id), ..
        } => {
            let what = format!("revoke everything of the client {id}");
            let uncounted = "every access token that it has now";
            let ending = admin.ending_of_client(id);
            let change = Change::new(&what, uncounted);
            consent.given(data, &change, ending).await
        }
        Target {
            subject: Some(name),
            ..
        } => {
            let what = format!("revoke everything of the subject {name}");
            let uncounted = "every access token that was issued for it";
            let ending = admin.ending_of_subject(name);
            let change = Change::new(&what, uncounted);
            consent.given(data, &change, ending).await
        }
        _ if !consent.is_dry_run() => Ok(true),
        Target {
            grant: Some(id), ..
        } => {
            let what = format!("revoke the grant {id}");
            let uncounted = "every access token of it";
            let change = Change::new(&what, uncounted);
            consent
                .given(data, &change, admin.ending_of_grant(*id))
                .await
        }
        Target { token, .. } => {
            let token = token.as_deref().unwrap_or_default();
            let change = Change::new("revoke this token", "this token");
            let ending = admin.ending_of_token(token);
            consent.given(data, &change, ending).await
        }
    }
}
