//! `tokensmith api-key …`

use std::net::IpAddr;
use std::time::Duration;

use clap::{Args, Subcommand};
use ipnet::IpNet;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::admin::{ApiKeyTtl, CreatedApiKey, ListedApiKey, NewApiKey};
use tokensmith_issuer::credential::ApiKeyId;
use tokensmith_issuer::limit::Limit;
use tokensmith_issuer::names::{ApiKeyName, Audience, ClientId, Scope, Scopes};
use tokensmith_issuer::store::records::ApiKey;

use crate::consent::{Change, Consent};
use crate::data::{Data, OpenData};
use crate::inspect::{name_of, token_or_stdin};
use crate::list::{ListOptions, ListPrinter, Listed};
use crate::one_value::{one_audience, one_scope};
use crate::taken_back::or_taken_back;
use crate::{Failure, display_time};

#[derive(Subcommand)]
pub enum Command {
    Create(CreateArgs),
    /// List the API keys of a client, or of every client
    ///
    /// `active` says whether a key is accepted, and `reason` why not. `used_at` is the first use on the day of the last use. A
    /// key that was made a moment ago may be missing in a table in AWS.
    List(ListArgs),
    /// Show one API key
    Show {
        #[command(flatten)]
        named: Named,
    },
    /// Make a key that replaces another, and print it; it is shown only this once
    ///
    /// The new key has an id of its own and the rights of the old one. The old one still works for the overlap, and every token
    /// that it was exchanged for ends with it.
    Rotate {
        #[command(flatten)]
        named: Named,
        /// How long the old key still works, for example 24h; with 0 it ends now
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
        overlap: Duration,
        /// How long the new key lives [default: as long as the old one was made for]
        #[arg(long, value_name = "TIME")]
        ttl: Option<ApiKeyTtl>,
    },
    Revoke(RevokeArgs),
}

/// Make an API key for a client, and print it; it is shown only this once
///
/// Whoever has the key can use it at an API whose authorizer takes keys (`Authorization: Bearer KEY` or `x-api-key: KEY`), or
/// exchange it at the token endpoint for a token that opens no more than the key.
#[derive(Args)]
pub struct CreateArgs {
    /// The client; it must be confidential
    #[arg(long, value_name = "ID")]
    client: ClientId,
    /// What you call the key: who has it, or what it is for
    #[arg(long)]
    name: ApiKeyName,
    /// A scope that the key opens; must be one that the client has for the resource; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", num_args = 1.., value_parser = one_scope)]
    scopes: Vec<Scope>,
    /// What the key is for; must be an audience of the client, or a resource that it has an --allow for
    /// [default: the client's first audience]
    #[arg(long, alias = "audience", value_name = "URI", value_parser = one_audience)]
    resource: Option<Audience>,
    /// How long the key lives: 1s to 3650d
    #[arg(long, value_name = "TIME", default_value = "90d")]
    ttl: ApiKeyTtl,
    /// Addresses that the key may be used from, as 192.0.2.0/24 or 2001:db8::/32; may be repeated. Such a key cannot be exchanged
    /// for a token [default: any]
    #[arg(long = "source", value_name = "RANGE", value_parser = one_range)]
    sources: Vec<IpNet>,
    /// How often the key may be used in each window of time, as 100/1m: exchanges, and requests to an API whose authorizer counts
    /// (TOKENSMITH_LIMITS=on), together [default: as often as one likes]
    #[arg(long, value_name = "LIMIT")]
    limit: Option<Limit>,
    #[command(flatten)]
    data: Data,
}

#[derive(Args)]
pub struct ListArgs {
    /// Only the keys of this client
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// Only keys that are accepted (true) or not (false)
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
    /// Begin behind this key of the client
    #[arg(long, value_name = "KEY", requires = "client", value_parser = key_id)]
    after: Option<ApiKeyId>,
    #[command(flatten)]
    options: ListOptions,
    #[command(flatten)]
    data: Data,
}

/// One existing key.
#[derive(Args)]
pub struct Named {
    /// The public id of the key, as `api-key list` shows it, or the public part `tksmk_ID`
    #[arg(value_name = "KEY", value_parser = key_id)]
    id: ApiKeyId,
    #[command(flatten)]
    data: Data,
}

/// Revoke an API key, and every token that it was exchanged for
///
/// A key that was found where it should not be is revoked with `--leaked`, whether all of it was found or only its beginning.
#[derive(Args)]
pub struct RevokeArgs {
    /// The public id of the key, as `api-key list` shows it, or the public part `tksmk_ID`
    #[arg(value_name = "KEY", value_parser = key_id, required_unless_present = "leaked")]
    id: Option<ApiKeyId>,
    /// What was found: the whole key, a part of it that begins with `tksmk_` and the id, or the id; `-` reads it from standard
    /// input, which keeps it out of the process list
    #[arg(long, value_name = "TEXT", conflicts_with = "id")]
    leaked: Option<String>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    data: Data,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(args).await,
        Command::List(args) => list(args).await,
        Command::Show { named } => {
            let data = named.data.open().await?;
            let listed = data.admin().api_key(&named.id).await?;
            data.print(&DisplayedKey::new(&listed))
        }
        Command::Rotate {
            named,
            overlap,
            ttl,
        } => rotate(named, overlap, ttl).await,
        Command::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: CreateArgs) -> Result<(), Failure> {
    let data = args.data.open().await?;
    let wanted = NewApiKey {
        client_id: args.client,
        name: args.name,
        scopes: args.scopes.into_iter().collect(),
        resource: args.resource,
        sources: args.sources,
        limit: args.limit,
        ttl: args.ttl,
    };
    let changed = data.admin().create_api_key(wanted).await?;
    let created = changed.outcome;
    let printed = data.print_changed(&shown_once(&created), changed.effective_by);
    or_revoked(printed, &data, &created.key).await
}

async fn rotate(named: Named, overlap: Duration, ttl: Option<ApiKeyTtl>) -> Result<(), Failure> {
    let data = named.data.open().await?;
    let changed = data.admin().rotate_api_key(&named.id, overlap, ttl).await?;
    let rotated = changed.outcome;
    let mut answer = shown_once(&rotated.created);
    answer["replaces"] = json!({
        "key_id": rotated.old.id,
        "expires_at": display_time(rotated.old.expires_at),
    });
    let printed = data.print_changed(&answer, changed.effective_by);
    or_revoked(printed, &data, &rotated.created.key).await
}

/// A key that nobody has seen must not stay.
async fn or_revoked(
    printed: Result<(), Failure>,
    data: &OpenData,
    key: &ApiKey,
) -> Result<(), Failure> {
    let take_back = data.admin().revoke_api_key(&key.id);
    or_taken_back(printed, "the new API key was revoked", take_back).await
}

async fn revoke(args: RevokeArgs) -> Result<(), Failure> {
    let id = match (args.id, args.leaked) {
        (Some(id), _) => id,
        (None, Some(found)) => key_id(&token_or_stdin(found)?).map_err(Failure::wrong_call)?,
        (None, None) => return Err(Failure::wrong_call("name the key")),
    };
    let data = args.data.open().await?;
    if args.consent.is_dry_run() {
        let what = format!("revoke the API key {id}");
        let change = Change::new(&what, "every token that it was exchanged for");
        let ending = data.admin().ending_of_api_key(&id).await?;
        return args.consent.print_dry_run(&data, &change, ending);
    }
    let changed = data.admin().revoke_api_key(&id).await?;
    let key = changed.outcome;
    let answer =
        json!({ "revoked": { "key_id": key.id, "client_id": key.client_id, "name": key.name } });
    data.print_changed(&answer, changed.effective_by)
}

async fn list(args: ListArgs) -> Result<(), Failure> {
    let data = args.data.open().await?;
    let mut printer = ListPrinter::new(&args.options, args.data.field());
    match &args.client {
        Some(client) => {
            let (active, after) = (args.active, args.after.as_ref());
            list_of(&data, client, after, active, &mut printer).await?;
        }
        None => list_all(&data, args.active, &mut printer).await?,
    }
    printer.finish()
}

async fn list_all(
    data: &OpenData,
    active: Option<bool>,
    printer: &mut ListPrinter,
) -> Result<(), Failure> {
    let mut clients = data.admin().list_clients("", None);
    while let Some(page) = clients.next().await? {
        for client in page {
            list_of(data, &client?.id, None, active, printer).await?;
            if printer.is_full() {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn list_of(
    data: &OpenData,
    client: &ClientId,
    after: Option<&ApiKeyId>,
    active: Option<bool>,
    printer: &mut ListPrinter,
) -> Result<(), Failure> {
    let is_wanted = |one: &ListedApiKey| active.is_none_or(|active| one.standing.is_ok() == active);
    let mut pages = data.admin().list_api_keys(client, after).await?;
    while !printer.is_full()
        && let Some(page) = pages.next().await?
    {
        printer.records(&page, is_wanted, DisplayedKey::new)?;
    }
    Ok(())
}

/// What is printed of a new key, once.
fn shown_once(created: &CreatedApiKey) -> serde_json::Value {
    let key = &created.key;
    json!({
        "key_id": key.id,
        "api_key": created.secret.expose_secret(),
        "client_id": key.client_id,
        "name": key.name,
        "scopes": key.scopes,
        "resource": key.resource,
        "expires_at": display_time(key.expires_at),
    })
}

/// Parses a public id, also out of a whole key that somebody has pasted.
pub fn key_id(text: &str) -> Result<ApiKeyId, &'static str> {
    ApiKeyId::found_in(text).map_err(
        |_| "an API key is named by its public id: the 16 letters and digits behind tksmk_",
    )
}

/// Parses a range of addresses, or one address.
fn one_range(text: &str) -> Result<IpNet, String> {
    let range = text.parse::<IpNet>();
    let range = range.or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let range = range.map_err(
        |_| "an address or a range of addresses is 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32",
    )?;
    match range.trunc() == range {
        true => Ok(range),
        false => Err(format!(
            "bits behind the prefix are set: {} is the range",
            range.trunc()
        )),
    }
}

#[derive(Serialize)]
struct DisplayedKey<'a> {
    key_id: &'a ApiKeyId,
    client_id: &'a ClientId,
    name: &'a ApiKeyName,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    scopes: &'a Scopes,
    resource: &'a Audience,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    sources: &'a [IpNet],
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit>,
    created_at: String,
    expires_at: String,
    used_at: Option<String>,
    revoked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<&'a ApiKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<&'a ApiKeyId>,
}

impl<'a> DisplayedKey<'a> {
    fn new(listed: &'a ListedApiKey) -> Self {
        let key = &listed.key;
        let reason = listed.standing.as_ref().err().map(name_of);
        Self {
            active: reason.is_none(),
            reason,
            key_id: &key.id,
            client_id: &key.client_id,
            name: &key.name,
            scopes: &key.scopes,
            resource: &key.resource,
            sources: &key.sources,
            limit: key.limit,
            created_at: display_time(key.created_at),
            expires_at: display_time(key.expires_at),
            used_at: listed.used_at.map(display_time),
            revoked_at: key.revoked_at.map(display_time),
            replaces: key.replaces.as_ref(),
            replaced_by: key.replaced_by.as_ref(),
        }
    }
}

impl Listed for DisplayedKey<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "KEY",
        "CLIENT",
        "NAME",
        "ACTIVE",
        "SCOPES",
        "LAST USED",
        "EXPIRES",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.key_id.to_string(),
            self.client_id.to_string(),
            self.name.to_string(),
            self.reason.clone().unwrap_or_else(|| "yes".to_owned()),
            self.scopes.to_string(),
            self.used_at.clone().unwrap_or_else(|| "never".to_owned()),
            self.expires_at.clone(),
        ]
    }
}
