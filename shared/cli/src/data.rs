//! Which data a command works on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokensmith_aws::AwsClients;
use tokensmith_aws::environment::{self, Environment};
use tokensmith_aws::kms::{KmsMaker, KmsOpener, KmsSigning};
use tokensmith_issuer::Issuer;
use tokensmith_issuer::config::Config;
use tokensmith_issuer::keys::{
    Custody, HmacKeys, HmacRotation, KeyAccess, KeyRotation, Make, Open, RotationPolicy, Sign,
};
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::records::Settings;
use tokensmith_local::{ChangeCounter, LocalData};
use tokensmith_verifier::Algorithm;
use tokensmith_verifier::Clock;

use crate::Failure;

/// The data of one issuer.
#[derive(Args)]
pub struct Data {
    /// The directory that `tokensmith serve` keeps its data in
    #[arg(long = "data", value_name = "DIR", default_value = ".tokensmith")]
    dir: PathBuf,
    /// A table in AWS instead; issuer, custody and wrapping key are those of its functions, in the same
    /// variables: TOKENSMITH_ISSUER, TOKENSMITH_CUSTODY, TOKENSMITH_KMS_KEY
    #[arg(long, value_name = "NAME", conflicts_with = "dir")]
    table: Option<String>,
}

impl Data {
    /// Opens it.
    pub async fn open(&self) -> Result<OpenData, Failure> {
        match &self.table {
            Some(name) => open_in_aws(name).await,
            None => self.open_local().await,
        }
    }

    /// Opens the table of other data of the same kind: a directory, or a table in AWS.
    pub async fn open_other(&self, name: &str) -> Result<Table, Failure> {
        match self.table {
            Some(_) => Ok(Table::new(AwsClients::load().await.dynamodb, name)),
            None => Ok(LocalData::open(Path::new(name)).await?.table),
        }
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
        Ok(OpenData {
            table: local.table,
            opener: local.custody.open(),
            signing: local.custody.sign(),
            maker: Arc::new(local.custody),
            config: Config::new(settings.record.issuer),
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
    } = environment;
    let opener = KmsOpener::new(clients.kms.clone(), &wrapping_key);
    Ok(OpenData {
        table: Table::new(clients.dynamodb, table),
        maker: Arc::new(KmsMaker::new(clients.kms, custody, &wrapping_key)),
        signing: Arc::new(KmsSigning::new(opener.clone())),
        opener: Arc::new(opener),
        config,
        changes: None,
    })
}

/// The open data of one issuer. When a command is done with it, a running `serve` is told to look
/// at its records again.
pub struct OpenData {
    table: Table,
    maker: Arc<dyn Make>,
    opener: Arc<dyn Open>,
    signing: Arc<dyn Sign>,
    config: Config,
    changes: Option<Arc<ChangeCounter>>,
}

impl OpenData {
    /// The issuer URL.
    pub fn url(&self) -> &IssuerUrl {
        &self.config.issuer
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The issuer itself, for what it alone can decide.
    pub fn issuer(&self) -> Issuer {
        let access = KeyAccess {
            open: Some(self.opener.clone()),
            sign: Some(self.signing.clone()),
        };
        Issuer::new(
            self.config.clone(),
            self.table.clone(),
            access,
            Clock::System,
        )
    }

    /// The keys that prove refresh tokens, always fresh.
    pub fn hmac_keys(&self) -> HmacKeys {
        let (table, opener) = (self.table.reader(), self.opener.clone());
        HmacKeys::new(table, opener, std::time::Duration::ZERO)
    }

    /// What makes those keys and takes them away.
    pub fn hmac_rotation(&self) -> HmacRotation {
        HmacRotation::new(self.table.clone(), self.maker.clone())
    }

    /// What makes keys of these algorithms and takes them away.
    pub fn key_rotation(&self, algorithms: Vec<Algorithm>) -> KeyRotation {
        let (table, maker) = (self.table.clone(), self.maker.clone());
        let Config {
            issuer, cache_ttl, ..
        } = self.config.clone();
        let policy = RotationPolicy::new(issuer, algorithms, cache_ttl);
        KeyRotation::new(table, maker, policy)
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
