//! `tokensmith resource …`

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::admin::{
    AccessTtl, Changed, Ending, ResourceChanges, ResourceError, ResourceSetting, WrittenExchange,
};
use tokensmith_issuer::limit::Limit;
use tokensmith_issuer::names::{Audience, ClientId, Scope, Scopes};
use tokensmith_issuer::store::records::{DefinedScope, Dpop, Resource};
use tokensmith_verifier::Algorithm;

use crate::consent::{Change, Consent};
use crate::data::{Data, OpenData};
use crate::list::{ListOptions, ListPrinter, Listed};
use crate::one_value::{one_audience, one_scope};
use crate::{Failure, display_time};

#[derive(Subcommand)]
pub enum Command {
    /// Register a resource
    ///
    /// From then on, a token for it is for nothing else, and has only scopes that the resource defines and the client
    /// holds for it (`client update --allow`): clients that have named its URI as an audience get no scopes for it
    /// until then.
    Create {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        metadata: Metadata,
    },
    /// List resources, sorted by URI
    ///
    /// A resource that was registered a moment ago may be missing in a table in AWS.
    List {
        /// Begin behind this resource
        #[arg(long, value_name = "URI")]
        after: Option<Audience>,
        #[command(flatten)]
        options: ListOptions,
        #[command(flatten)]
        data: Data,
    },
    /// Show one resource
    Show(Named),
    /// Change a resource
    ///
    /// Options that are not given stay as they are; --unset sets one back to its default. An issuer that has the
    /// resource in its cache notices the change within TOKENSMITH_CACHE_TTL, 10 s by default.
    Update {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        metadata: Metadata,
        #[command(flatten)]
        difference: Difference,
    },
    /// Delete a resource: its URI is an audience like any other again
    ///
    /// Only clients that name it with --audience get tokens for it afterwards, with their own scopes. The scopes that
    /// clients hold for it stay in their records, and count again when it is registered again.
    Delete {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        consent: Consent,
    },
}

/// One resource.
#[derive(Args)]
pub struct Named {
    /// The URI of the resource, which its tokens have as `aud`
    #[arg(value_name = "URI", value_parser = one_audience, required_unless_present = "uri_option")]
    uri: Option<Audience>,
    /// The URI, as an option
    #[arg(long = "uri", value_name = "URI", value_parser = one_audience, conflicts_with = "uri")]
    uri_option: Option<Audience>,
    #[command(flatten)]
    data: Data,
}

impl Named {
    fn uri(&self) -> Result<&Audience, Failure> {
        let uri = self.uri.as_ref().or(self.uri_option.as_ref());
        uri.ok_or_else(|| Failure::new("name a resource"))
    }
}

/// What is known about a resource.
#[derive(Args)]
pub struct Metadata {
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// A scope that tokens for the resource may have, and what it permits, in words for the people who are asked for it; may be
    /// repeated
    #[arg(long = "scope", value_name = "SCOPE=DESCRIPTION", value_parser = described_scope)]
    scopes: Vec<DefinedScope>,
    /// A client that may introspect and exchange tokens of other clients for the resource: usually that of the API itself; may be
    /// repeated
    #[arg(long = "owner", value_name = "CLIENT")]
    owners: Vec<ClientId>,
    /// A token for the resource FROM with the first scope may be exchanged for one for this resource with the second; may be
    /// repeated
    #[arg(long = "exchange", value_name = "FROM:SCOPE=SCOPE")]
    exchanges: Vec<WrittenExchange>,
    /// How long tokens for the resource are valid at most; at most 24h [default: as long as the client's others]
    #[arg(long, value_name = "TIME")]
    access_ttl: Option<AccessTtl>,
    /// The algorithm that tokens for the resource are signed with, whatever the client's is: RS256, PS256, ES256 or
    /// EdDSA [default: the client's]
    #[arg(long = "alg", value_name = "ALG")]
    algorithm: Option<Algorithm>,
    /// How many requests to the resource its authorizers let through, as a number and a time: 1000/1m is 1000 in each minute. Only authorizers
    /// with TOKENSMITH_LIMITS=on look at it [default: no limit]
    #[arg(long, value_name = "NUMBER/TIME")]
    limit: Option<Limit>,
    /// Whether the verifiers of the resource check DPoP proofs (RFC 9449), so that tokens can be bound to a key: optional, where they
    /// accept other tokens as well, or required. Say so once they all do: whoever checks none takes a bound token from a
    /// thief [default: no token is bound]
    #[arg(long, value_name = "WHEN")]
    dpop: Option<Dpop>,
}

impl Metadata {
    fn changes(self) -> ResourceChanges {
        ResourceChanges {
            name: self.name,
            scopes: self.scopes,
            owners: self.owners,
            access_ttl: self.access_ttl,
            algorithm: self.algorithm,
            limit: self.limit,
            exchanges: self.exchanges,
            dpop: self.dpop,
            ..ResourceChanges::default()
        }
    }
}

/// What only `resource update` says.
#[derive(Args)]
pub struct Difference {
    /// A scope besides those that the resource has, or with another description; may be repeated
    #[arg(long = "add-scope", value_name = "SCOPE=DESCRIPTION", value_parser = described_scope, conflicts_with = "scopes")]
    added_scopes: Vec<DefinedScope>,
    /// A scope that tokens for the resource may no longer have; may be repeated
    #[arg(long = "remove-scope", value_name = "SCOPE", value_parser = one_scope, conflicts_with = "scopes")]
    removed_scopes: Vec<Scope>,
    /// An owner besides those that the resource has; may be repeated
    #[arg(long = "add-owner", value_name = "CLIENT", conflicts_with = "owners")]
    added_owners: Vec<ClientId>,
    /// A client that owns the resource no longer; may be repeated
    #[arg(
        long = "remove-owner",
        value_name = "CLIENT",
        conflicts_with = "owners"
    )]
    removed_owners: Vec<ClientId>,
    /// An exchange besides those that the resource takes; may be repeated
    #[arg(
        long = "add-exchange",
        value_name = "FROM:SCOPE=SCOPE",
        conflicts_with = "exchanges"
    )]
    added_exchanges: Vec<WrittenExchange>,
    /// An exchange that the resource takes no longer; may be repeated
    #[arg(
        long = "remove-exchange",
        value_name = "FROM:SCOPE=SCOPE",
        conflicts_with = "exchanges"
    )]
    removed_exchanges: Vec<WrittenExchange>,
    /// An option that is set back to its default; may be repeated
    #[arg(long, value_name = "OPTION", value_enum)]
    unset: Vec<Unset>,
}

impl Difference {
    fn with(self, changes: ResourceChanges) -> ResourceChanges {
        ResourceChanges {
            added_scopes: self.added_scopes,
            removed_scopes: self.removed_scopes,
            added_owners: self.added_owners,
            removed_owners: self.removed_owners,
            added_exchanges: self.added_exchanges,
            removed_exchanges: self.removed_exchanges,
            unset: self.unset.into_iter().map(ResourceSetting::from).collect(),
            ..changes
        }
    }
}

/// The options that have a default.
#[derive(Clone, Copy, ValueEnum)]
enum Unset {
    Name,
    Scope,
    Owner,
    Exchange,
    AccessTtl,
    Alg,
    Limit,
    Dpop,
}

impl From<Unset> for ResourceSetting {
    fn from(option: Unset) -> Self {
        match option {
            Unset::Name => Self::Name,
            Unset::Scope => Self::Scopes,
            Unset::Owner => Self::Owners,
            Unset::Exchange => Self::Exchanges,
            Unset::AccessTtl => Self::AccessTtl,
            Unset::Alg => Self::Algorithm,
            Unset::Limit => Self::Limit,
            Unset::Dpop => Self::Dpop,
        }
    }
}

/// Parses `SCOPE=DESCRIPTION`.
fn described_scope(text: &str) -> Result<DefinedScope, String> {
    let parts = text.split_once('=');
    let (name, description) = parts.ok_or("a scope needs a description: SCOPE=DESCRIPTION")?;
    Ok(DefinedScope {
        name: one_scope(name)?,
        description: description.trim().to_owned(),
    })
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { named, metadata } => {
            let (data, uri) = (named.data.open().await?, named.uri()?.clone());
            let metadata = metadata.changes();
            let created = data.admin().create_resource(uri, &metadata).await?;
            print_changed(&data, &created)
        }
        Command::List {
            after,
            options,
            data,
        } => list(after, &options, &data).await,
        Command::Show(named) => {
            let data = named.data.open().await?;
            let resource = data.admin().resource(named.uri()?).await?;
            data.print(&DisplayedResource::new(&resource))
        }
        Command::Update {
            named,
            metadata,
            difference,
        } => {
            let data = named.data.open().await?;
            let changes = difference.with(metadata.changes());
            let updated = data.admin().update_resource(named.uri()?, &changes);
            print_changed(&data, &updated.await?)
        }
        Command::Delete { named, consent } => delete(named.uri()?, &named.data, &consent).await,
    }
}

async fn delete(uri: &Audience, data: &Data, consent: &Consent) -> Result<(), Failure> {
    consent.check()?;
    let data = data.open().await?;
    let what = format!("delete the resource {uri}");
    let change = Change::new(&what, "the scopes of new tokens for it");
    let known = async {
        data.admin().resource(uri).await?;
        Ok::<_, ResourceError>(Ending::default())
    };
    if !consent.given(&data, &change, known).await? {
        return Ok(());
    }
    let deleted = data.admin().delete_resource(uri).await?;
    let answer = json!({ "deleted": deleted.outcome.uri });
    data.print_changed(&answer, deleted.effective_by)
}

async fn list(after: Option<Audience>, options: &ListOptions, data: &Data) -> Result<(), Failure> {
    let mut printer = ListPrinter::new(options, data.field());
    let data = data.open().await?;
    let mut pages = data.admin().list_resources(after.as_ref());
    while !printer.is_full()
        && let Some(page) = pages.next().await?
    {
        printer.records(&page, |_| true, DisplayedResource::new)?;
    }
    printer.finish()
}

fn print_changed(data: &OpenData, changed: &Changed<Resource>) -> Result<(), Failure> {
    let displayed = DisplayedResource::new(&changed.outcome);
    data.print_changed(&displayed, changed.effective_by)
}

/// A resource as it is shown.
#[derive(Serialize)]
struct DisplayedResource<'a> {
    uri: &'a Audience,
    name: Option<&'a str>,
    scopes: &'a [DefinedScope],
    owners: &'a [ClientId],
    exchanges: Vec<String>,
    access_ttl_seconds: Option<u64>,
    alg: Option<Algorithm>,
    limit: Option<Limit>,
    dpop: Option<Dpop>,
    created_at: String,
    #[serde(skip)]
    scope_names: Scopes,
}

impl<'a> DisplayedResource<'a> {
    fn new(resource: &'a Resource) -> Self {
        Self {
            uri: &resource.uri,
            name: resource.name.as_deref(),
            scopes: &resource.scopes,
            owners: &resource.owners,
            exchanges: resource.exchanges.iter().map(ToString::to_string).collect(),
            access_ttl_seconds: resource.access_ttl,
            alg: resource.algorithm,
            limit: resource.limit,
            dpop: resource.dpop,
            created_at: display_time(resource.created_at),
            scope_names: resource.scopes(),
        }
    }
}

impl Listed for DisplayedResource<'_> {
    const COLUMNS: &'static [&'static str] = &["RESOURCE", "NAME", "SCOPES", "OWNERS", "CREATED"];

    fn cells(&self) -> Vec<String> {
        let owners: Vec<_> = self.owners.iter().map(ClientId::as_str).collect();
        vec![
            self.uri.to_string(),
            self.name.unwrap_or_default().to_owned(),
            self.scope_names.to_string(),
            owners.join(" "),
            self.created_at.clone(),
        ]
    }
}
