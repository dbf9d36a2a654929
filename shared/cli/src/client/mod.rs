//! `tokensmith client …`

mod apply;
mod displayed;
mod file;
mod filter;
mod registration;
mod secrets;

use std::time::Duration;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::json;
use tokensmith_issuer::admin::{Changed, CreatedClient};
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::store::records::Client;

use crate::Failure;
use crate::consent::{Change, Consent};
use crate::data::{Data, OpenData};
use crate::list::{ListOptions, ListPrinter};
use crate::taken_back::or_taken_back;
use displayed::{DisplayedClient, DisplayedSecret};
use filter::Filter;
pub use registration::read_jwks;
use registration::{Difference, Registration};

#[derive(Subcommand)]
pub enum Command {
    /// Register a client, and print its id and its secret, which is shown only this once
    Create {
        /// The client id: 1 to 128 letters, digits and -._~
        #[arg(long)]
        id: ClientId,
        #[command(flatten)]
        registration: Registration,
        #[command(flatten)]
        data: Data,
    },
    /// List clients, sorted by id
    ///
    /// A client that was registered a moment ago may be missing in a table in AWS.
    List {
        #[command(flatten)]
        filter: Filter,
        /// Begin behind this client
        #[arg(long, value_name = "ID")]
        after: Option<ClientId>,
        #[command(flatten)]
        options: ListOptions,
        #[command(flatten)]
        data: Data,
    },
    /// Show one client
    Show(Named),
    /// Change a client
    ///
    /// Options that are not given stay as they are; --unset sets one back to its default. An issuer that has the client in its cache notices
    /// the change within TOKENSMITH_CACHE_TTL, 10 s by default.
    Update {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        registration: Registration,
        #[command(flatten)]
        difference: Difference,
    },
    Apply(apply::ApplyArgs),
    /// Let a disabled client authenticate again; what was revoked when it was disabled stays revoked
    Enable(Named),
    /// Refuse a client until it is enabled again, and revoke its grants and tokens
    Disable(Ended),
    /// Delete a client, and revoke its grants and tokens; its id can be registered again, but no
    /// subject can have it
    Delete(Ended),
    /// Give a client a new secret, and print it; it is shown only this once
    ///
    /// The answer lists all secrets that are accepted, and when each ends. A secret whose overlap still runs
    /// keeps its end, however often the secret is rotated.
    RotateSecret {
        #[command(flatten)]
        named: Named,
        /// How long the previous secret still works, for example 24h; with 0 it stops working now
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
        overlap: Duration,
        /// Also end older secrets by then, although their overlap still runs: after a leak, together with
        /// `--overlap 0`, only the new one works
        #[arg(long)]
        force: bool,
    },
}

/// One existing client.
#[derive(Args)]
pub struct Named {
    /// The client id
    #[arg(value_name = "ID", required_unless_present = "id_option")]
    id: Option<ClientId>,
    /// The client id, as an option
    #[arg(long = "id", value_name = "ID", conflicts_with = "id")]
    id_option: Option<ClientId>,
    #[command(flatten)]
    data: Data,
}

/// One existing client whose grants and tokens are to end.
#[derive(Args)]
pub struct Ended {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    consent: Consent,
}

impl Ended {
    /// The open data, if the operator consents.
    async fn open(&self, what: &str) -> Result<Option<OpenData>, Failure> {
        self.consent.check()?;
        let (data, id) = (self.named.data.open().await?, self.named.id()?);
        let what = format!("{what} the client {id}");
        let change = Change::new(&what, "every access token that it has now");
        let ending = data.admin().ending_of_client(id);
        let given = self.consent.given(&data, &change, ending).await?;
        Ok(given.then_some(data))
    }
}

impl Named {
    fn id(&self) -> Result<&ClientId, Failure> {
        let id = self.id.as_ref().or(self.id_option.as_ref());
        id.ok_or_else(|| Failure::new("name a client"))
    }
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create {
            id,
            registration,
            data,
        } => {
            let data = data.open().await?;
            let metadata = registration.metadata()?;
            let changed = data.admin().create_client(id, &metadata).await?;
            let CreatedClient { client, secret } = changed.outcome;
            let id = &client.id;
            let Some(secret) = secret else {
                return data.print_changed(&json!({ "client_id": id }), changed.effective_by);
            };
            let answer = json!({ "client_id": id, "client_secret": secret.expose_secret() });
            let printed = data.print_changed(&answer, changed.effective_by);
            let take_back = data.admin().delete_client(id);
            or_taken_back(printed, "the client was deleted again", take_back).await
        }
        Command::List {
            filter,
            after,
            options,
            data,
        } => list(&filter, after, &options, &data).await,
        Command::Show(named) => {
            let data = named.data.open().await?;
            let client = data.admin().client(named.id()?).await?;
            data.print(&DisplayedClient::new(&client))
        }
        Command::Update {
            named,
            registration,
            difference,
        } => {
            let data = named.data.open().await?;
            let metadata = difference.with(registration.metadata()?);
            let changed = data.admin().update_client(named.id()?, &metadata).await?;
            print_client(&data, &changed)
        }
        Command::Apply(args) => apply::run(args).await,
        Command::Enable(named) => {
            let data = named.data.open().await?;
            let changed = data.admin().enable_client(named.id()?).await?;
            print_client(&data, &changed)
        }
        Command::Disable(ended) => {
            let Some(data) = ended.open("disable").await? else {
                return Ok(());
            };
            let changed = data.admin().disable_client(ended.named.id()?).await?;
            print_client(&data, &changed)
        }
        Command::Delete(ended) => {
            let Some(data) = ended.open("delete").await? else {
                return Ok(());
            };
            let changed = data.admin().delete_client(ended.named.id()?).await?;
            let answer = json!({ "deleted": changed.outcome.id });
            data.print_changed(&answer, changed.effective_by)
        }
        Command::RotateSecret {
            named,
            overlap,
            force,
        } => {
            let (data, id) = (named.data.open().await?, named.id()?);
            let changed = data.admin().rotate_secret(id, overlap, force).await?;
            let rotated = changed.outcome;
            let answer = json!({
                "client_id": id,
                "client_secret": rotated.secret.expose_secret(),
                "secrets": DisplayedSecret::all(&rotated.live),
            });
            let printed = data.print_changed(&answer, changed.effective_by);
            let take_back = data.admin().take_back_secret(id, &rotated);
            or_taken_back(printed, "the client has its old secret", take_back).await
        }
    }
}

async fn list(
    filter: &Filter,
    after: Option<ClientId>,
    options: &ListOptions,
    data: &Data,
) -> Result<(), Failure> {
    filter.check(after.as_ref())?;
    let mut printer = ListPrinter::new(options, data.field());
    let data = data.open().await?;
    let mut pages = data.admin().list_clients(filter.prefix(), after.as_ref());
    while !printer.is_full()
        && let Some(page) = pages.next().await?
    {
        printer.records(&page, |client| filter.keeps(client), DisplayedClient::new)?;
    }
    printer.finish()
}

/// Prints a client as it is after a change.
fn print_client(data: &OpenData, changed: &Changed<Client>) -> Result<(), Failure> {
    let displayed = DisplayedClient::new(&changed.outcome);
    data.print_changed(&displayed, changed.effective_by)
}
