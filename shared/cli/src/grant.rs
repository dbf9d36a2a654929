//! `tokensmith grant …`

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::admin::NewGrant;
use tokensmith_issuer::credential::GrantId;
use tokensmith_issuer::names::{Audience, ClientId, Scope, Scopes, SubjectName};
use tokensmith_issuer::store::records::Grant;

use crate::data::Data;
use crate::one_value::{one_audience, one_scope};
use crate::{Failure, display_time, print_json};

#[derive(Subcommand)]
pub enum Command {
    Create(CreateArgs),
    /// List the grants that a subject has given, or that a client has received
    List {
        /// List the grants that this subject has given
        #[arg(
            long,
            value_name = "SUB",
            required_unless_present = "client",
            conflicts_with = "client"
        )]
        subject: Option<SubjectName>,
        /// List the grants that this client has received; this reads the whole table
        #[arg(long, value_name = "ID")]
        client: Option<ClientId>,
        #[command(flatten)]
        data: Data,
    },
}

/// Grant a client access on behalf of a subject, and print the refresh token, which is shown only this
/// once
///
/// No browser is needed, and no user is asked. This is for a device that gets its token in the
/// factory, or for a scheduled job.
#[derive(Args)]
pub struct CreateArgs {
    /// The client; it must have the grant type refresh_token
    #[arg(long, value_name = "ID")]
    client: ClientId,
    /// The subject of the tokens (`sub`): 1 to 255 printable ASCII characters without spaces; never the
    /// id of a client
    #[arg(long, value_name = "SUB")]
    subject: SubjectName,
    /// A scope that tokens of this grant may have; must be one of the client's; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", num_args = 1.., value_parser = one_scope)]
    scopes: Vec<Scope>,
    /// A resource that tokens of this grant may be requested for (`aud`); must be one of the client's;
    /// may be repeated [default: all of the client's]
    #[arg(long = "audience", value_name = "URI", value_parser = one_audience)]
    audiences: Vec<Audience>,
    #[command(flatten)]
    data: Data,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(args).await,
        Command::List {
            subject,
            client,
            data,
        } => {
            let data = data.open().await?;
            let grants = match (subject, client) {
                (Some(subject), _) => data.admin().grants_of_subject(&subject).await?,
                (None, Some(client)) => data.admin().grants_of_client(&client).await?,
                (None, None) => Vec::new(),
            };
            let displayed: Vec<_> = grants.iter().map(DisplayedGrant::new).collect();
            print_json(&displayed)
        }
    }
}

async fn create(args: CreateArgs) -> Result<(), Failure> {
    let data = args.data.open().await?;
    let wanted = NewGrant {
        client_id: args.client,
        subject: args.subject,
        scopes: args.scopes.into_iter().collect(),
        audiences: args.audiences,
    };
    let changed = data.admin().create_grant(wanted).await?;
    let created = changed.outcome;
    let answer = json!({
        "grant_id": created.grant_id,
        "refresh_token": created.refresh_token.expose_secret(),
    });
    data.print_changed(&answer, changed.effective_by)
}

#[derive(Serialize)]
struct DisplayedGrant<'a> {
    grant_id: GrantId,
    client_id: &'a ClientId,
    subject: &'a SubjectName,
    scopes: &'a Scopes,
    audiences: &'a [Audience],
    generation: u32,
    created_at: String,
    rotated_at: String,
    idle_expires_at: String,
    expires_at: String,
    revoked_at: Option<String>,
}

impl<'a> DisplayedGrant<'a> {
    fn new(grant: &'a Grant) -> Self {
        Self {
            grant_id: grant.id,
            client_id: &grant.client_id,
            subject: &grant.subject,
            scopes: &grant.scopes,
            audiences: &grant.audiences,
            generation: grant.generation,
            created_at: display_time(grant.created_at),
            rotated_at: display_time(grant.rotated_at),
            idle_expires_at: display_time(grant.idle_expires_at),
            expires_at: display_time(grant.expires_at),
            revoked_at: grant.revoked_at.map(display_time),
        }
    }
}
