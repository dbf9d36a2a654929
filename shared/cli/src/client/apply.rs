//! `tokensmith client apply`: makes the clients what a file says.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokensmith_issuer::admin::{Administrator, Ending};
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::store::records::Client;
use tokensmith_verifier::Timestamp;

use super::displayed::DisplayedClient;
use super::file::{self, Wanted};
use super::secrets::{Destination, Keeper};
use crate::consent::{Change, Consent};
use crate::data::Data;
use crate::{Failure, progress};

/// Make the clients what a file says: register those that are missing, and change those that differ
///
/// The file is YAML or JSON: a list of clients, or an object with the member `clients`, each with the members that
/// `client show` prints. A member that is left out has its default. The answer names each difference. Nothing is
/// deleted without --prune. What disables or deletes clients asks first. Applying a file again changes nothing.
#[derive(Args)]
pub struct ApplyArgs {
    /// The file; `-` is standard input
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,
    /// Where the secrets of new clients go: file:PATH (a line of JSON for each, mode 0600),
    /// secretsmanager:PREFIX (AWS Secrets Manager, a secret for each, named PREFIX and the client id), or none
    /// (`client rotate-secret` then gives a client its first)
    #[arg(long, value_name = "WHERE")]
    secrets: Option<Destination>,
    /// Delete every client that is not in the file
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    data: Data,
}

/// What has to be done about one client.
enum Step {
    Create(Wanted),
    Update(Wanted, Map<String, Value>),
    Disable(ClientId),
    Enable(ClientId),
    Delete(ClientId),
}

pub async fn run(args: ApplyArgs) -> Result<(), Failure> {
    let wanted = file::read(&args.file)?;
    let data = args.data.open().await?;
    let steps = plan(data.admin(), wanted, args.prune).await?;
    let answer = Answer::of(&steps);
    let is_new = |step: &Step| matches!(step, Step::Create(wanted) if wanted.uses_secrets());
    if args.secrets.is_none() && !args.consent.is_dry_run() && steps.iter().any(is_new) {
        return Err(Failure::wrong_call(
            "there are new clients with secrets: say where these go, with --secrets",
        ));
    }
    if stderr().is_terminal() {
        answer.describe();
    }
    if args.consent.is_dry_run() {
        return data.print_dry_run(&json!({ "would": answer }));
    }
    if steps.iter().any(Step::ends_something) {
        args.consent.check()?;
        let what = format!(
            "disable {} and delete {} clients",
            answer.disabled.len(),
            answer.deleted.len()
        );
        let change = Change::new(&what, "every access token that they have now");
        if !args
            .consent
            .given(&data, &change, ending(data.admin(), &steps))
            .await?
        {
            return Ok(());
        }
    }
    let mut keeper = Keeper::open(args.secrets.as_ref().unwrap_or(&Destination::Nowhere)).await?;
    let (mut effective_by, all) = (data.admin().now().await?, steps.len());
    let tell = progress::steps(all);
    for (done, step) in steps.into_iter().enumerate() {
        tell(done);
        let carried_out = step.carry_out(data.admin(), &mut keeper).await;
        let effective = carried_out.map_err(|err| {
            Failure::new(format!(
                "{err} ({done} of {all} changes were made; applying the file again makes the rest)"
            ))
        })?;
        effective_by = effective_by.max(effective);
    }
    data.print_changed(&answer, effective_by)
}

/// Compares what is wanted with what there is.
async fn plan(
    admin: &Administrator,
    wanted: Vec<Wanted>,
    prune: bool,
) -> Result<Vec<Step>, Failure> {
    let ids: BTreeSet<ClientId> = wanted.iter().map(|one| one.id.clone()).collect();
    let mut known: BTreeMap<ClientId, Client> = admin.clients_of(ids.clone()).await?;
    let mut steps = Vec::new();
    for one in wanted {
        let id = one.id.clone();
        let references = admin.check_references(&one.metadata).await;
        references.map_err(|err| Failure::new(format!("client {id}: {err}")))?;
        let Some(current) = known.remove(&id) else {
            let disabled = one.disabled;
            admin.check_new_client(&one.id, &one.metadata)?;
            steps.push(Step::Create(one));
            steps.extend(disabled.then_some(Step::Disable(id)));
            continue;
        };
        let changed = admin
            .changed_client(&current, &one.metadata)
            .map_err(|err| Failure::new(format!("client {id}: {err}")))?;
        let difference = difference(&current, &changed)?;
        let disabled = (current.disabled, one.disabled);
        if !difference.is_empty() {
            steps.push(Step::Update(one, difference));
        }
        match disabled {
            (false, true) => steps.push(Step::Disable(id)),
            (true, false) => steps.push(Step::Enable(id)),
            _ => {}
        }
    }
    if prune {
        let mut pages = admin.list_clients("", None);
        while let Some(page) = pages.next().await? {
            for client in page {
                let id = client?.id;
                if !ids.contains(&id) {
                    steps.push(Step::Delete(id));
                }
            }
        }
    }
    Ok(steps)
}

/// The members that differ, with both values. One that is shown in one of them only differs from null.
fn difference(current: &Client, changed: &Client) -> Result<Map<String, Value>, Failure> {
    let shown = |client| serde_json::to_value(DisplayedClient::new(client));
    let (from, to) = (shown(current)?, shown(changed)?);
    let members = [&from, &to].into_iter().flat_map(Value::as_object);
    let names: BTreeSet<&String> = members.flat_map(Map::keys).collect();
    let differing = names
        .into_iter()
        .filter(|name| from[name.as_str()] != to[name.as_str()])
        .map(|name| {
            let both = json!({ "from": from[name.as_str()], "to": to[name.as_str()] });
            (name.clone(), both)
        });
    Ok(differing.collect())
}

async fn ending(admin: &Administrator, steps: &[Step]) -> Result<Ending, Failure> {
    let mut all = Ending::default();
    for step in steps {
        if let Step::Disable(id) | Step::Delete(id) = step {
            // One that is only about to be registered has no grants.
            all.grants += match admin.ending_of_client(id).await {
                Err(tokensmith_issuer::admin::ClientError::Unknown(_)) => 0,
                ending => ending?.grants,
            };
        }
    }
    Ok(all)
}

impl Step {
    fn ends_something(&self) -> bool {
        matches!(self, Self::Disable(_) | Self::Delete(_))
    }

    /// Makes the change, and returns when everybody acts on it.
    async fn carry_out(
        self,
        admin: &Administrator,
        keeper: &mut Keeper,
    ) -> Result<Timestamp, Failure> {
        Ok(match self {
            Self::Create(wanted) => {
                let secret = ClientSecret::generate();
                if wanted.uses_secrets() {
                    keeper.keep(&wanted.id, &secret).await?;
                }
                let created = admin
                    .create_client_with(wanted.id, &wanted.metadata, secret)
                    .await?;
                created.effective_by
            }
            Self::Update(wanted, _) => {
                admin
                    .update_client(&wanted.id, &wanted.metadata)
                    .await?
                    .effective_by
            }
            Self::Disable(id) => admin.disable_client(&id).await?.effective_by,
            Self::Enable(id) => admin.enable_client(&id).await?.effective_by,
            Self::Delete(id) => admin.delete_client(&id).await?.effective_by,
        })
    }
}

/// What was, or would be, done.
#[derive(Serialize)]
struct Answer {
    created: Vec<ClientId>,
    updated: Vec<Updated>,
    disabled: Vec<ClientId>,
    enabled: Vec<ClientId>,
    deleted: Vec<ClientId>,
}

#[derive(Serialize)]
struct Updated {
    client_id: ClientId,
    changes: Map<String, Value>,
}

impl Answer {
    fn of(steps: &[Step]) -> Self {
        let mut answer = Self {
            created: Vec::new(),
            updated: Vec::new(),
            disabled: Vec::new(),
            enabled: Vec::new(),
            deleted: Vec::new(),
        };
        for step in steps {
            match step {
                Step::Create(wanted) => answer.created.push(wanted.id.clone()),
                Step::Update(wanted, changes) => answer.updated.push(Updated {
                    client_id: wanted.id.clone(),
                    changes: changes.clone(),
                }),
                Step::Disable(id) => answer.disabled.push(id.clone()),
                Step::Enable(id) => answer.enabled.push(id.clone()),
                Step::Delete(id) => answer.deleted.push(id.clone()),
            }
        }
        answer
    }

    /// Shows the difference to whoever is asked about it.
    fn describe(&self) {
        for id in &self.created {
            eprintln!("+ {id}");
        }
        for updated in &self.updated {
            for (name, change) in &updated.changes {
                let id = &updated.client_id;
                eprintln!("~ {id} {name}: {} → {}", change["from"], change["to"]);
            }
        }
        for (sign, ids) in [
            ("disable", &self.disabled),
            ("enable", &self.enabled),
            ("-", &self.deleted),
        ] {
            for id in ids {
                eprintln!("{sign} {id}");
            }
        }
    }
}
