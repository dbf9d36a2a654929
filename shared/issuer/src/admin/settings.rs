//! The settings that are stored with the data.

use serde::Serialize;

use crate::config::Level;
use crate::event::write_line;
use crate::names::IssuerUrl;
use crate::store::records::Settings;
use crate::store::{Change, Insert, StoreError, Table, Update};

/// Stores the issuer URL, and writes to the log when it has changed: tokens with the old issuer URL
/// are then no longer accepted.
///
/// # Errors
/// [`SettleError`] when the table fails, or another process stored a different issuer URL.
pub async fn settle(table: &Table, issuer: &IssuerUrl) -> Result<(), SettleError> {
    let settings = Settings {
        issuer: issuer.clone(),
    };
    let current = match table.insert(&settings).await? {
        Insert::Inserted => return Ok(()),
        Insert::Exists(current) if current.record == settings => return Ok(()),
        Insert::Exists(current) => current,
    };
    let change = Change::between(&current, &settings)?;
    match table.update(&Settings::only_key(), change).await? {
        Update::Applied(_) => {
            write_line(
                Level::Warn,
                &IssuerChanged {
                    event: "issuer_changed",
                    from: &current.issuer,
                    to: issuer,
                    message: "tokens of the old issuer URL are no longer accepted",
                },
            );
            Ok(())
        }
        Update::Refused(Some(other)) if other.record == settings => Ok(()),
        Update::Refused(_) => Err(SettleError::Taken),
    }
}

/// The issuer URL could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// Another process stored a different issuer URL at the same time.
    #[error("another process has just taken this data")]
    Taken,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Serialize)]
struct IssuerChanged<'a> {
    event: &'static str,
    from: &'a IssuerUrl,
    to: &'a IssuerUrl,
    message: &'static str,
}
