//! Whether a table in AWS is a copy that nothing uses yet.

use tokensmith_verifier::Timestamp;

use super::Administrator;
use crate::error::Unavailable;
use crate::store::{StoreError, failed};

impl Administrator {
    /// Says what the table tells about its use: DynamoDB knows whether it made the table from a backup, and
    /// of which moment; a key that is younger than that was made by an issuer that uses the table.
    ///
    /// # Errors
    /// [`Unavailable`] when the table does not answer.
    pub async fn use_of_table(&self) -> Result<TableUse, Unavailable> {
        let described = self
            .table
            .client
            .describe_table()
            .table_name(&self.table.name)
            .send()
            .await
            .map_err(|err| failed("DescribeTable", &err))?;
        let summary = described.table.and_then(|table| table.restore_summary);
        let Some(summary) = summary else {
            return Ok(TableUse::NotFromBackup);
        };
        let seconds = summary.restore_date_time.secs();
        let made_of = Timestamp::from_seconds(seconds.try_into().unwrap_or_default());
        Ok(self.use_since(made_of).await?)
    }

    async fn use_since(&self, made_of: Timestamp) -> Result<TableUse, StoreError> {
        let keys = self.signing_keys().await?;
        let is_younger = keys.iter().any(|one| one.key.created_at > made_of);
        Ok(match is_younger {
            true => TableUse::KeysMadeSince(made_of),
            false => TableUse::Untouched,
        })
    }
}

/// What a table tells about its use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TableUse {
    /// It is as it was in the backup that it was made from.
    Untouched,
    /// It was made from a backup of this moment, and keys were made in it since.
    KeysMadeSince(Timestamp),
    /// It was not made from a backup.
    NotFromBackup,
}
