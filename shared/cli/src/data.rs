//! Which data a command works on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokensmith_aws::AwsClients;
use tokensmith_aws::environment::{self, Environment};
use tokensmith_aws::kms::{KmsMaker, KmsOpener};
use tokensmith_issuer::admin::{Administrator, TableScan};
use tokensmith_issuer::config::Config;
use tokensmith_issuer::keys::Custody;
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::records::Settings;
use tokensmith_local::{ChangeCounter, LocalData};

use crate::Failure;

/// The data of one issuer.
#[derive(Args)]
pub struct Data {
    /// The directory that `tokensmith serve` keeps its data in. It must be 0700 and its files 0600
    #[arg(long = "data", value_name = "DIR", default_value = ".tokensmith")]
    dir: PathBuf,
    /// Use this DynamoDB table in AWS instead of a directory. TOKENSMITH_ISSUER, TOKENSMITH_CUSTODY and
    /// TOKENSMITH_KMS_KEY must be set as they are for the functions that use the table; a table of another
    /// issuer or wrapping key is refused
    #[arg(long, value_name = "NAME", conflicts_with = "dir")]
    table: Option<String>,
}

impl Data {
    /// Opens it, if it belongs to the issuer that the environment names, or to nobody yet.
    pub async fn open(&self) -> Result<OpenData, Failure> {
        let data = self.open_whoever_owns_it().await?;
        data.admin.require_own_table().await?;
        Ok(data)
    }

    /// Opens it, to give it to the issuer that the environment names.
    pub async fn open_whoever_owns_it(&self) -> Result<OpenData, Failure> {
        match &self.table {
            Some(name) => open_in_aws(name).await,
            None => self.open_local().await,
        }
    }

    /// Opens other data of the same kind, a directory or a table in AWS, to read its records.
    pub async fn open_other(&self, name: &str) -> Result<TableScan, Failure> {
        let table = match self.table {
            Some(_) => Table::new(AwsClients::load().await.dynamodb, name),
            None => LocalData::open(Path::new(name)).await?.table,
        };
        Ok(TableScan::of(table.reader()))
    }

    async fn open_local(&self) -> Result<OpenData, Failure> {
        let local = LocalData::open(&self.dir).await?;
        let settings = local.table.get(&Settings::only_key()).await?;
        let settings = settings.ok_or_else(|| {
            let dir = self.dir.display();
            Failure::new(format!(
                "{dir} belongs to no issuer yet: `tokensmith serve` settles it"
            ))
        })?;
        let config = Config::new(settings.record.issuer);
        let (opener, maker) = (local.custody.open(), Arc::new(local.custody));
        Ok(OpenData {
            admin: Administrator::new(config, local.table, maker, opener),
            changes: Some(local.changes),
        })
    }
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
        ..
    } = environment;
    let table = Table::new(clients.dynamodb, table);
    let opener = Arc::new(KmsOpener::new(clients.kms.clone(), &wrapping_key));
    let maker = Arc::new(KmsMaker::new(clients.kms, custody, &wrapping_key));
    Ok(OpenData {
        admin: Administrator::new(config, table, maker, opener),
        changes: None,
    })
}

/// The open data of one issuer. When a command is done with it, it tells a running `serve` to read
/// its records again.
pub struct OpenData {
    admin: Administrator,
    changes: Option<Arc<ChangeCounter>>,
}

impl OpenData {
    /// The administrator of the data.
    pub fn admin(&self) -> &Administrator {
        &self.admin
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
