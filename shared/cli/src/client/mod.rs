//! `tokensmith client …`

mod registration;
mod secrets;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde::Serialize;
use tokensmith_issuer::clock::Clock;
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::store::records::{Client, Subject, SubjectKind};
use tokensmith_issuer::store::{Change, Insert, Stored, Table, Update};

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
            let (table, issuer) = data.open().await?;
            let (client, secret) = registration.register(id, &table, &issuer, now).await?;
            create(&table, &client).await?;
            print_secret(&client.id, &secret)
        }
        Command::List { data } => list(&data.open().await?.0).await,
        Command::Show(named) => {
            let client = find(&named.data.open().await?.0, named.id()?).await?;
            print_json(&DisplayedClient::new(&client))
        }
        Command::Update {
            named,
            registration,
        } => {
            let (table, _) = named.data.open().await?;
            registration.check_algorithm(&table).await?;
            change(&named, |client| registration.apply(client)).await
        }
        Command::Enable(named) => change(&named, |client| set_disabled(client, false)).await,
        Command::Disable(named) => change(&named, |client| set_disabled(client, true)).await,
        Command::Delete(named) => delete(&named).await,
        Command::RotateSecret { named, overlap } => {
            let (table, _) = named.data.open().await?;
            let secret = ClientSecret::generate();
            let rotated = |client: &mut Client| overlap.rotate(client, &secret, now);
            let client = update(&table, named.id()?, rotated).await?;
            print_secret(&client.id, &secret)
        }
    }
}

/// Claims the client's name and registers it.
pub async fn create(table: &Table, client: &Client) -> Result<(), Failure> {
    let id = &client.id;
    let claim = Subject {
        name: id.to_string(),
        kind: SubjectKind::Client,
    };
    match table.insert(&claim).await? {
        Insert::Exists(taken) if taken.kind != SubjectKind::Client => {
            return Err(Failure::new(format!("{id} is the name of a subject")));
        }
        Insert::Inserted | Insert::Exists(_) => {}
    }
    match table.insert(client).await? {
        Insert::Inserted => Ok(()),
        Insert::Exists(_) => Err(Failure::new(format!("client {id} exists already"))),
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
            Update::Refused(Some(newer)) => current = newer,
            Update::Refused(None) => return Err(unknown(id)),
        }
    }
}

async fn change(
    named: &Named,
    mutate: impl Fn(&mut Client) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (table, _) = named.data.open().await?;
    let client = update(&table, named.id()?, mutate).await?;
    print_json(&DisplayedClient::new(&client))
}

async fn list(table: &Table) -> Result<(), Failure> {
    let mut clients: Vec<Stored<Client>> = Vec::new();
    let mut after = None;
    loop {
        let page = table.scan(Client::PREFIX, after).await?;
        clients.extend(page.records);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    clients.sort_by(|a, b| a.id.cmp(&b.id));
    let displayed: Vec<_> = clients.iter().map(|c| DisplayedClient::new(c)).collect();
    print_json(&displayed)
}

async fn delete(named: &Named) -> Result<(), Failure> {
    let (table, _) = named.data.open().await?;
    let id = named.id()?;
    find(&table, id).await?;
    table.delete(&Client::key_of(id)).await?;
    print_json(&Deleted { deleted: id })
}

async fn find(table: &Table, id: &ClientId) -> Result<Stored<Client>, Failure> {
    let client = table.get(&Client::key_of(id)).await?;
    client.ok_or_else(|| unknown(id))
}

fn unknown(id: &ClientId) -> Failure {
    Failure::new(format!("no client {id}"))
}

#[allow(clippy::unnecessary_wraps, reason = "the shape of every change")]
fn set_disabled(client: &mut Client, disabled: bool) -> Result<(), Failure> {
    client.disabled = disabled;
    Ok(())
}

fn print_secret(id: &ClientId, secret: &ClientSecret) -> Result<(), Failure> {
    print_json(&IssuedSecret {
        client_id: id,
        client_secret: secret.expose_secret(),
    })
}

#[derive(Serialize)]
struct IssuedSecret<'a> {
    client_id: &'a ClientId,
    client_secret: &'a str,
}

#[derive(Serialize)]
struct Deleted<'a> {
    deleted: &'a ClientId,
}
