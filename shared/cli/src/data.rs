//! Which data a command works on.

use std::path::PathBuf;

use clap::Args;
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::records::Settings;
use tokensmith_local::LocalData;

use crate::Failure;

/// The data of one issuer.
#[derive(Args)]
pub struct Data {
    /// The directory that `tokensmith serve` keeps its data in
    #[arg(long = "data", value_name = "DIR", default_value = ".tokensmith")]
    dir: PathBuf,
}

impl Data {
    /// The table, and the issuer that it belongs to.
    pub async fn open(&self) -> Result<(Table, IssuerUrl), Failure> {
        let table = LocalData::open(&self.dir).await?.table;
        let settings = table.get(&Settings::only_key()).await?;
        let settings = settings.ok_or_else(|| {
            let dir = self.dir.display();
            Failure::new(format!(
                "{dir} belongs to no issuer yet: `tokensmith serve` settles it"
            ))
        })?;
        Ok((table, settings.record.issuer))
    }
}
