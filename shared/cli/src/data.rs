//! Which data a command works on.

use std::path::PathBuf;

use clap::Args;
use tokensmith_issuer::Issuer;
use tokensmith_issuer::clock::Clock;
use tokensmith_issuer::config::Config;
use tokensmith_issuer::keys::{HmacKeys, KeyRotation, RotationPolicy};
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::records::Settings;
use tokensmith_local::LocalData;
use tokensmith_verifier::Algorithm;

use crate::Failure;

/// The data of one issuer.
#[derive(Args)]
pub struct Data {
    /// The directory that `tokensmith serve` keeps its data in
    #[arg(long = "data", value_name = "DIR", default_value = ".tokensmith")]
    dir: PathBuf,
}

impl Data {
    /// Opens it.
    pub async fn open(&self) -> Result<OpenData, Failure> {
        let local = LocalData::open(&self.dir).await?;
        let settings = local.table.get(&Settings::only_key()).await?;
        let settings = settings.ok_or_else(|| {
            let dir = self.dir.display();
            Failure::new(format!(
                "{dir} belongs to no issuer yet: `tokensmith serve` settles it"
            ))
        })?;
        Ok(OpenData {
            local,
            url: settings.record.issuer,
        })
    }
}

/// The open data of one issuer. When a command is done with it, a running `serve` is told to look
/// at its records again.
pub struct OpenData {
    local: LocalData,
    /// The issuer URL.
    pub url: IssuerUrl,
}

impl OpenData {
    /// The table.
    pub fn table(&self) -> &Table {
        &self.local.table
    }

    /// The issuer itself, for what it alone can decide.
    pub fn issuer(&self) -> Issuer {
        let LocalData { table, custody, .. } = self.local.clone();
        Issuer::new(Config::new(self.url.clone()), table, custody, Clock::System)
    }

    /// The keys that prove refresh tokens, always fresh.
    pub fn hmac_keys(&self) -> HmacKeys {
        let LocalData { table, custody, .. } = self.local.clone();
        HmacKeys::new(table, custody, std::time::Duration::ZERO)
    }

    /// What makes keys of these algorithms and takes them away.
    pub fn key_rotation(&self, algorithms: Vec<Algorithm>) -> KeyRotation {
        let LocalData { table, custody, .. } = self.local.clone();
        let cache_ttl = Config::new(self.url.clone()).cache_ttl;
        let policy = RotationPolicy::new(self.url.clone(), algorithms, cache_ttl);
        KeyRotation::new(table, custody, policy)
    }
}

impl Drop for OpenData {
    fn drop(&mut self) {
        // If this fails, the running issuer notices when its caches expire.
        let _ = self.local.changes.announce();
    }
}
