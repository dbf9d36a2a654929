//! `tokensmith grant …`

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::admin::{GrantsOf, ListedGrant, NewGrant};
use tokensmith_issuer::credential::GrantId;
use tokensmith_issuer::names::{Audience, ClientId, Scope, Scopes, SubjectName};

use crate::data::Data;
use crate::inspect::name_of;
use crate::list::{ListOptions, ListPrinter, Listed};
use crate::one_value::{one_audience, one_scope};
use crate::taken_back::or_taken_back;
use crate::{Failure, display_time};

#[derive(Subcommand)]
pub enum Command {
    Create(CreateArgs),
    List(ListArgs),
}

/// List the grants that a subject has given, or that a client has received
///
/// `active` says whether tokens can be had with a grant, and `reason` why not, as `inspect` does. A grant
/// that was made a moment ago may be missing in a table in AWS.
#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    of: Of,
    /// Only grants that are active (true) or not (false)
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
    /// Begin behind this grant
    // One id in 64 begins with a hyphen.
    #[arg(long, value_name = "GRANT", allow_hyphen_values = true)]
    after: Option<GrantId>,
    #[command(flatten)]
    options: ListOptions,
    #[command(flatten)]
    data: Data,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// List the grants that this subject has given
    #[arg(long, value_name = "SUB")]
    subject: Option<SubjectName>,
    /// List the grants that this client has received, sorted by their ids
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
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
        Command::List(args) => list(args).await,
    }
}

async fn list(args: ListArgs) -> Result<(), Failure> {
    let of = match (args.of.client, args.of.subject) {
        (Some(client), _) => GrantsOf::Client(client),
        (None, Some(subject)) => GrantsOf::Subject(subject),
        (None, None) => return Err(Failure::wrong_call("name a client or a subject")),
    };
    let data = args.data.open().await?;
    let mut printer = ListPrinter::new(&args.options, args.data.field());
    let mut pages = data.admin().list_grants(of, args.after).await?;
    let is_wanted = |one: &ListedGrant| {
        args.active
            .is_none_or(|active| one.standing.is_ok() == active)
    };
    while !printer.is_full()
        && let Some(page) = pages.next().await?
    {
        printer.records(&page, is_wanted, DisplayedGrant::new)?;
    }
    printer.finish()
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
    let printed = data.print_changed(&answer, changed.effective_by);
    let take_back = data.admin().revoke_grant(created.grant_id);
    or_taken_back(printed, "the grant was revoked", take_back).await
}

#[derive(Serialize)]
struct DisplayedGrant<'a> {
    grant_id: GrantId,
    client_id: &'a ClientId,
    subject: &'a SubjectName,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
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
    fn new(listed: &'a ListedGrant) -> Self {
        let grant = &listed.grant;
        let reason = listed.standing.as_ref().err().map(name_of);
        Self {
            active: reason.is_none(),
            reason,
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

impl Listed for DisplayedGrant<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "GRANT",
        "CLIENT",
        "SUBJECT",
        "ACTIVE",
        "SCOPES",
        "LAST USED",
        "EXPIRES",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.grant_id.to_string(),
            self.client_id.to_string(),
            self.subject.to_string(),
            self.reason.clone().unwrap_or_else(|| "yes".to_owned()),
            self.scopes.to_string(),
            self.rotated_at.clone(),
            self.idle_expires_at.clone(),
        ]
    }
}
