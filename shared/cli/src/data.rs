//! Opens the data that a command acts on.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tokensmith_aws::AwsClients;
use tokensmith_aws::environment::{self, Environment};
use tokensmith_aws::kms::{KmsMaker, KmsOpener, KmsSigning};
use tokensmith_issuer::admin::{Administrator, TableScan, TableUse};
use tokensmith_issuer::config::Config;
use tokensmith_issuer::fetched::Reach;
use tokensmith_issuer::keys::{Custody, Sign};
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::records::{SIGNING_KEYS, Settings, SigningKey};
use tokensmith_issuer::store::{StoreError, Table};
use tokensmith_local::{ChangeCounter, DataError, LocalData};
use tokensmith_verifier::{Algorithm, Timestamp};

use crate::field::Field;
use crate::operator::{AwsIdentity, LocalUser};
use crate::target::{NamedTarget, Target};
use crate::{Failure, display_time, print_json, print_text, progress};

pub use crate::target::Data;

impl Data {
    /// Opens it, if it belongs to the issuer that the environment names, or to nobody yet.
    pub async fn open(&self) -> Result<OpenData, Failure> {
        let data = self.open_whoever_owns_it().await?;
        data.admin.require_own_table().await?;
        Ok(data)
    }

    /// Opens it, to give it to the issuer that the environment names.
    pub async fn open_whoever_owns_it(&self) -> Result<OpenData, Failure> {
        match self.target()? {
            Target::Table(name) => open_in_aws(&name, self.field()).await,
            Target::Directory(dir) => {
                open_settled(&dir, LocalData::open(&dir).await?, self.field()).await
            }
        }
    }

    /// The same, unless a running issuer may use it.
    pub async fn open_unused(&self) -> Result<OpenData, Failure> {
        match self.target()? {
            Target::Directory(dir) => {
                let local = LocalData::open_unused(&dir).await.map_err(in_use)?;
                open_settled(&dir, local, self.field()).await
            }
            Target::Table(name) => {
                let data = open_in_aws(&name, self.field()).await?;
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

async fn open_settled(
    dir: &Path,
    local: LocalData,
    field: Option<Field>,
) -> Result<OpenData, Failure> {
    let settings = local.table.get(&Settings::only_key()).await?;
    let settings = settings.ok_or_else(|| {
        let dir = dir.display();
        Failure::new(format!(
            "{dir} belongs to no issuer yet: `tokensmith serve --data {dir}` settles it"
        ))
    })?;
    let mut config = Config::new(settings.record.issuer);
    // Where they cannot be read, a command that needs them says why.
    if let Ok(algorithms) = signing_algorithms(&local.table).await {
        config.algorithms = algorithms;
    }
    let data = std::fs::canonicalize(dir)?.display().to_string();
    let (opener, maker) = (local.custody.open(), Arc::new(local.custody.clone()));
    Ok(OpenData {
        issuer: config.issuer.clone(),
        target: NamedTarget::Directory { data },
        field,
        signer: local.custody.sign(),
        admin: Administrator::new(
            config,
            local.table.clone(),
            maker,
            opener,
            Arc::new(LocalUser),
        )
        .telling(progress::on_terminal()),
        changes: Some(local.changes.clone()),
        _held: Some(local),
    })
}

/// The algorithms of a directory, in the order of preference. `serve` is told them each time and stores none, but
/// its keys have them.
async fn signing_algorithms(table: &Table) -> Result<Vec<Algorithm>, StoreError> {
    let keys = table.query_all::<SigningKey>(SIGNING_KEYS).await?;
    let signs = |algorithm: &Algorithm| {
        let mut usable = keys.iter().filter(|key| key.withdrawn_at.is_none());
        usable.any(|key| key.jwk.alg == *algorithm)
    };
    Ok(Algorithm::ALL.into_iter().filter(signs).collect())
}

async fn open_in_aws(table: &str, field: Option<Field>) -> Result<OpenData, Failure> {
    let environment = Environment::parse(|name| match name {
        environment::TABLE => Some(table.to_owned()),
        _ => environment::of_process(name),
    })
    .map_err(|bad| {
        Failure::new(format!(
            "{bad}: with a table, it is what the functions of the table have"
        ))
    })?;
    let clients = AwsClients::load().await;
    let Environment {
        config,
        table,
        custody,
        wrapping_key,
        ..
    } = environment;
    let region = clients.dynamodb.config().region().map(ToString::to_string);
    if region.is_none() {
        return Err(Failure::new(
            "no AWS Region is known: set AWS_REGION, or AWS_PROFILE to a profile that has one",
        ));
    }
    let target = NamedTarget::Table {
        table: table.clone(),
        region,
    };
    let table = Table::new(clients.dynamodb, table);
    let opener = KmsOpener::new(clients.kms.clone(), &wrapping_key);
    let signer = Arc::new(KmsSigning::new(opener.clone()));
    let opener = Arc::new(opener);
    let maker = Arc::new(KmsMaker::new(clients.kms, custody, &wrapping_key));
    Ok(OpenData {
        issuer: config.issuer.clone(),
        target,
        field,
        signer,
        admin: Administrator::new(config, table, maker, opener, Arc::new(AwsIdentity))
            .telling(progress::on_terminal()),
        changes: None,
        _held: None,
    })
}

/// The open data of one issuer. When a command is done with it, it tells a running `serve` to read
/// its records again.
pub struct OpenData {
    issuer: IssuerUrl,
    target: NamedTarget,
    field: Option<Field>,
    signer: Arc<dyn Sign>,
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

    /// How far its issuer may reach for documents: `serve` can be told to fetch from this machine, functions never.
    pub fn reach(&self) -> Reach {
        match self.target {
            NamedTarget::Table { .. } => Reach::Public,
            NamedTarget::Directory { .. } => Reach::Private,
        }
    }

    /// What signs with the keys of the issuer.
    pub fn signer(&self) -> Arc<dyn Sign> {
        self.signer.clone()
    }

    /// Prints an answer, or the member of it that is wanted.
    pub fn print(&self, answer: &impl Serialize) -> Result<(), Failure> {
        match &self.field {
            Some(field) => print_text(&field.of(answer)?),
            None => print_json(answer),
        }
    }

    /// Issuer and target, in words.
    pub fn described(&self) -> String {
        format!("{} ({})", self.issuer.as_str(), self.target)
    }

    /// Prints what would have been done.
    pub fn print_dry_run(&self, answer: &impl Serialize) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct DryRun<'a, T> {
            dry_run: bool,
            #[serde(flatten)]
            answer: &'a T,
            issuer: &'a IssuerUrl,
            target: &'a NamedTarget,
        }
        self.print(&DryRun {
            dry_run: true,
            answer,
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
        self.print(&Changed {
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
