//! `tokensmith client …`

mod registration;
mod secrets;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::json;
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::revocation::with_revocation;
use tokensmith_issuer::store::records::{Client, Subject, SubjectKind};
use tokensmith_issuer::store::{Change, Insert, Stored, Table, Update};
use tokensmith_verifier::Clock;

use crate::data::Data;
use crate::{Failure, print_json};
use registration::{DisplayedClient, Registration};
use secrets::Overlap;

pub use registration::new_client;
pub use secrets::replace_secrets;

#[derive(Subcommand)]
pub enum Command {
    /// Register a client and print its id and secret, once
    Create {
        /// The client id: 1 to 128 letters, digits and -._~
        #[arg(long)]
        id: ClientId,
        #[command(flatten)]
        registration: Registration,
        #[command(flatten)]
        data: Data,
    },
    /// List all clients
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Show one client
    Show(Named),
    /// Change a client; what is not named stays. Running functions notice within seconds
    Update {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        registration: Registration,
    },
    /// Let a disabled client authenticate again
    Enable(Named),
    /// Refuse a client until it is enabled again
    Disable(Named),
    /// Delete a client for good; its name stays reserved for clients
    Delete(Named),
    /// Give a client a new secret and print it, once
    RotateSecret {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        overlap: Overlap,
    },
}

/// One existing client.
#[derive(Args)]
pub struct Named {
    /// The client id
    #[arg(value_name = "ID", required_unless_present = "id_option")]
    id: Option<ClientId>,
    /// The client id, as with `create`
    #[arg(long = "id", value_name = "ID", conflicts_with = "id")]
    id_option: Option<ClientId>,
    #[command(flatten)]
    data: Data,
}

impl Named {
    fn id(&self) -> Result<&ClientId, Failure> {
        let id = self.id.as_ref().or(self.id_option.as_ref());
        id.ok_or_else(|| Failure::new("name a client"))
    }
}

pub async fn run(command: Command) -> Result<(), Failure> {
    let now = Clock::System.now();
    match command {
        Command::Create {
            id,
            registration,
            data,
        } => {
            let data = data.open().await?;
            let secret = ClientSecret::generate();
            let client = registration.register(id, &data, &secret, now).await?;
            create(data.table(), &client).await?;
            print_secret(&client, &secret)
        }
        Command::List { data } => list(data.open().await?.table()).await,
        Command::Show(named) => {
            let client = find(named.data.open().await?.table(), named.id()?).await?;
            print_json(&DisplayedClient::new(&client))
        }
        Command::Update {
            named,
            registration,
        } => {
            let data = named.data.open().await?;
            registration.check_algorithm(data.table()).await?;
            let applied = |client: &mut Client| registration.apply(client);
            let client = update(data.table(), named.id()?, applied).await?;
            print_json(&DisplayedClient::new(&client))
        }
        Command::Enable(named) => {
            let enabled = |client: &mut Client| {
                client.disabled = false;
                Ok(())
            };
            let client = update(named.data.open().await?.table(), named.id()?, enabled).await?;
            print_json(&DisplayedClient::new(&client))
        }
        Command::Disable(named) => {
            let disabled = |client: &mut Client| client.disabled = true;
            let client = end(named.data.open().await?.table(), named.id()?, disabled).await?;
            print_json(&DisplayedClient::new(&client))
        }
        Command::Delete(named) => {
            let deleted = |client: &mut Client| {
                client.deleted_at = Some(now);
                client.secrets.clear();
            };
            let client = end(named.data.open().await?.table(), named.id()?, deleted).await?;
            print_json(&json!({ "deleted": client.id }))
        }
        Command::RotateSecret { named, overlap } => {
            let data = named.data.open().await?;
            let secret = ClientSecret::generate();
            let rotated = |client: &mut Client| overlap.rotate(client, &secret, now);
            let client = update(data.table(), named.id()?, rotated).await?;
            print_secret(&client, &secret)
        }
    }
}

/// Claims the client's name and registers it.
pub async fn create(table: &Table, client: &Client) -> Result<(), Failure> {
    let id = &client.id;
    let claim = Subject::new(id.as_str(), SubjectKind::Client);
    match table.insert(&claim).await? {
        Insert::Exists(taken) if taken.kind != SubjectKind::Client || taken.name != claim.name => {
            return Err(Failure::new(format!("{id} is the name of a subject")));
        }
        Insert::Inserted | Insert::Exists(_) => {}
    }
    match table.insert(client).await? {
        Insert::Inserted => Ok(()),
        Insert::Exists(old) if old.deleted_at.is_some() => {
            // What the deleted client of this name had stays dead.
            let mut successor = client.clone();
            successor.not_before = old.not_before;
            let change = Change::between(&old, &successor)?;
            match table.update(&Client::key_of(id), change).await? {
                Update::Applied(_) => Ok(()),
                Update::Refused(_) => Err(exists(id)),
            }
        }
        Insert::Exists(_) => Err(exists(id)),
    }
}

/// Changes a client's record, whatever else is changing it.
pub async fn update(
    table: &Table,
    id: &ClientId,
    mutate: impl Fn(&mut Client) -> Result<(), Failure>,
) -> Result<Stored<Client>, Failure> {
    let mut current = find(table, id).await?;
    loop {
        let mut wanted = current.record.clone();
        mutate(&mut wanted)?;
        let change = Change::between(&current, &wanted)?;
        match table.update(&Client::key_of(id), change).await? {
            Update::Applied(updated) => return Ok(updated),
            Update::Refused(Some(newer)) if newer.deleted_at.is_none() => current = newer,
            Update::Refused(_) => return Err(unknown(id)),
        }
    }
}

/// Changes a client's record, and revokes all that it has until now by the same write.
async fn end(
    table: &Table,
    id: &ClientId,
    mutate: impl Fn(&mut Client),
) -> Result<Stored<Client>, Failure> {
    loop {
        let current = find(table, id).await?;
        let mut wanted = current.record.clone();
        mutate(&mut wanted);
        let change = with_revocation(Change::between(&current, &wanted)?, Clock::System.now())?;
        match table.update(&Client::key_of(id), change).await? {
            Update::Applied(ended) => return Ok(ended),
            Update::Refused(_) => {}
        }
    }
}

/// The client's record.
pub async fn find(table: &Table, id: &ClientId) -> Result<Stored<Client>, Failure> {
    let client = table.get(&Client::key_of(id)).await?;
    client
        .filter(|client| client.deleted_at.is_none())
        .ok_or_else(|| unknown(id))
}

async fn list(table: &Table) -> Result<(), Failure> {
    let mut clients: Vec<Stored<Client>> = table.scan_all(Client::PREFIX).await?;
    clients.retain(|client| client.deleted_at.is_none());
    clients.sort_by(|a, b| a.id.cmp(&b.id));
    let displayed: Vec<_> = clients.iter().map(|c| DisplayedClient::new(c)).collect();
    print_json(&displayed)
}

fn unknown(id: &ClientId) -> Failure {
    Failure::new(format!("no client {id}"))
}

fn exists(id: &ClientId) -> Failure {
    Failure::new(format!("client {id} exists already"))
}

/// Prints a new secret, which is shown this once; a public client has none.
fn print_secret(client: &Client, secret: &ClientSecret) -> Result<(), Failure> {
    let id = &client.id;
    print_json(&match client.is_public() {
        true => json!({ "client_id": id }),
        false => json!({ "client_id": id, "client_secret": secret.expose_secret() }),
    })
}
