//! Opens the data that a command acts on.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tokensmith_aws::AwsClients;
use tokensmith_aws::environment::{self, Environment};
use tokensmith_aws::kms::{KmsMaker, KmsOpener};
use tokensmith_issuer::admin::{Administrator, Ending, TableScan, TableUse};
use tokensmith_issuer::config::Config;
use tokensmith_issuer::keys::Custody;
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::records::Settings;
use tokensmith_local::{ChangeCounter, DataError, LocalData};
use tokensmith_verifier::Timestamp;

use crate::consent::Change;
use crate::target::{NamedTarget, Target};
use crate::{Failure, display_time, print_json, progress};

pub use crate::target::Data;

impl Data {
    /// Opens it.
    pub async fn open(&self) -> Result<OpenData, Failure> {
        match self.target()? {
            Target::Table(name) => open_in_aws(&name).await,
            Target::Directory(dir) => open_local(&dir).await,
        }
    }

    /// Opens it, unless a running issuer may use it.
    pub async fn open_unused(&self) -> Result<OpenData, Failure> {
        match self.target()? {
            Target::Directory(dir) => {
                let local = LocalData::open_unused(&dir).await.map_err(in_use)?;
                open_settled(&dir, local).await
            }
            Target::Table(name) => {
                let data = open_in_aws(&name).await?;
                require_untouched(&data).await?;
                Ok(data)
            }
        }
    }

    /// Opens other data of the same kind, a directory or a table in AWS, to read its records.
    pub async fn open_other(&self, name: &str) -> Result<TableScan, Failure> {
        let table = match self.target()? {
            Target::Table(_) => Table::new(AwsClients::load().await.dynamodb, name),
            Target::Directory(_) => LocalData::open(Path::new(name)).await?.table,
        };
        Ok(TableScan::of(table.reader()).telling(progress::on_terminal()))
    }
}

/// A directory in which `serve` is running.
fn in_use(err: DataError) -> Failure {
    match err {
        DataError::InUse(dir) => Failure::new(format!(
            "`tokensmith serve` is running on {dir}: end it first, or repeat this with --in-use, after \
             which every token that it has issued is refused",
            dir = dir.display()
        )),
        other => other.into(),
    }
}

/// Refuses a table that functions may use.
async fn require_untouched(data: &OpenData) -> Result<(), Failure> {
    let table = &data.target;
    let known = data.admin.use_of_table().await.map_err(|err| {
        Failure::new(format!(
            "{err}, so nobody knows whether a running issuer uses {table}: allow \
             `dynamodb:DescribeTable`, or repeat this with --in-use if none does"
        ))
    })?;
    let found = match known {
        TableUse::Untouched => return Ok(()),
        TableUse::NotFromBackup => "was not made from a backup".to_owned(),
        TableUse::KeysMadeSince(moment) => format!(
            "was made from a backup of {}, and an issuer has made keys in it since",
            display_time(moment)
        ),
    };
    Err(Failure::new(format!(
        "{table} {found}, so a running issuer may use it: name the restored table, or repeat this with \
         --in-use, after which every token that was issued is refused"
    )))
}

async fn open_local(dir: &Path) -> Result<OpenData, Failure> {
    open_settled(dir, LocalData::open(dir).await?).await
}

async fn open_settled(dir: &Path, local: LocalData) -> Result<OpenData, Failure> {
    let settings = local.table.get(&Settings::only_key()).await?;
    let settings = settings.ok_or_else(|| {
        let dir = dir.display();
        Failure::new(format!(
            "{dir} belongs to no issuer yet: `tokensmith serve --data {dir}` settles it"
        ))
    })?;
    let config = Config::new(settings.record.issuer);
    let data = std::fs::canonicalize(dir)?.display().to_string();
    let (opener, maker) = (local.custody.open(), Arc::new(local.custody.clone()));
    Ok(OpenData {
        issuer: config.issuer.clone(),
        target: NamedTarget::Directory { data },
        admin: Administrator::new(config, local.table.clone(), maker, opener)
            .telling(progress::on_terminal()),
        changes: Some(local.changes.clone()),
        _held: Some(local),
    })
}

async fn open_in_aws(table: &str) -> Result<OpenData, Failure> {
    let environment = Environment::parse(|name| match name {
        environment::TABLE => Some(table.to_owned()),
        _ => environment::of_process(name),
    })?;
    let clients = AwsClients::load().await;
    let Environment {
        config,
        table,
        custody,
        wrapping_key,
    } = environment;
    let region = clients.dynamodb.config().region().map(ToString::to_string);
    let target = NamedTarget::Table {
        table: table.clone(),
        region,
    };
    let table = Table::new(clients.dynamodb, table);
    let opener = Arc::new(KmsOpener::new(clients.kms.clone(), &wrapping_key));
    let maker = Arc::new(KmsMaker::new(clients.kms, custody, &wrapping_key));
    Ok(OpenData {
        issuer: config.issuer.clone(),
        target,
        admin: Administrator::new(config, table, maker, opener).telling(progress::on_terminal()),
        changes: None,
        _held: None,
    })
}

/// The open data of one issuer. When a command is done with it, it tells a running `serve` to read
/// its records again.
pub struct OpenData {
    issuer: IssuerUrl,
    target: NamedTarget,
    admin: Administrator,
    changes: Option<Arc<ChangeCounter>>,
    /// Has the lock on the directory, if no `serve` may start meanwhile.
    _held: Option<LocalData>,
}

impl OpenData {
    /// The administrator of the data.
    pub fn admin(&self) -> &Administrator {
        &self.admin
    }

    /// Issuer and target, in words.
    pub fn described(&self) -> String {
        format!("{} ({})", self.issuer.as_str(), self.target)
    }

    /// Prints what a change would end, which was not made.
    pub fn print_dry_run(&self, change: &Change<'_>, ends: Ending) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct DryRun<'a> {
            dry_run: bool,
            #[serde(flatten)]
            change: &'a Change<'a>,
            ends: Ending,
            issuer: &'a IssuerUrl,
            target: &'a NamedTarget,
        }
        print_json(&DryRun {
            dry_run: true,
            change,
            ends,
            issuer: &self.issuer,
            target: &self.target,
        })
    }

    /// Prints the answer of a command that has changed something: what it acted on, and the time from
    /// which everybody acts on the change.
    pub fn print_changed(
        &self,
        answer: &impl Serialize,
        effective_by: Timestamp,
    ) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Changed<'a, T> {
            #[serde(flatten)]
            answer: &'a T,
            issuer: &'a IssuerUrl,
            target: &'a NamedTarget,
            effective_by: String,
        }
        print_json(&Changed {
            answer,
            issuer: &self.issuer,
            target: &self.target,
            effective_by: display_time(effective_by),
        })
    }
}

impl Drop for OpenData {
    fn drop(&mut self) {
        if let Some(changes) = &self.changes {
            // If this fails, the running issuer notices when its caches expire.
            let _ = changes.announce();
        }
    }
}
