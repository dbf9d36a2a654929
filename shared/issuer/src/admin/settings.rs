//! The settings that are stored with the data.

use serde::Serialize;

use super::TableScan;
use crate::config::Level;
use crate::event::write_line;
use crate::names::{Audience, InvalidName, IssuerUrl};
use crate::store::records::{Client, Settings};
use crate::store::{Change, Insert, StoreError, Stored, Table, Update};

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

/// Replaces the old issuer URL among the audiences of every client, as it is for every client that was
/// registered without one. To be called before [`settle`]: if the process ends in between, the next
/// start does it again.
///
/// Grants are left as they are: the proof of a refresh token is bound to the issuer URL, so theirs
/// have ended.
///
/// # Errors
/// [`SettleError`] when the table fails.
pub async fn move_audiences(
    table: &Table,
    from: &IssuerUrl,
    to: &IssuerUrl,
) -> Result<(), SettleError> {
    let to: Audience = to.as_str().parse()?;
    let clients = TableScan::of(table.reader())
        .records::<Client>(Client::PREFIX)
        .await?;
    for client in clients {
        move_audience(table, client, from, &to).await?;
    }
    Ok(())
}

async fn move_audience(
    table: &Table,
    mut client: Stored<Client>,
    from: &IssuerUrl,
    to: &Audience,
) -> Result<(), StoreError> {
    loop {
        let mut moved = client.record.clone();
        moved.audiences.clear();
        for audience in &client.audiences {
            let audience = match audience.as_str() == from.as_str() {
                true => to,
                false => audience,
            };
            if !moved.audiences.contains(audience) {
                moved.audiences.push(audience.clone());
            }
        }
        if moved.audiences == client.audiences {
            return Ok(());
        }
        let change = Change::between(&client, &moved)?;
        match table.update(&Client::key_of(&client.id), change).await? {
            // A command has changed it meanwhile.
            Update::Refused(Some(newer)) => client = newer,
            Update::Applied(_) | Update::Refused(None) => return Ok(()),
        }
    }
}

/// The issuer URL could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// Another process stored a different issuer URL at the same time.
    #[error("another process has just taken this data")]
    Taken,
    /// The issuer URL cannot be an audience.
    #[error(transparent)]
    Audience(#[from] InvalidName),
    /// The table failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}

#[derive(Serialize)]
struct IssuerChanged<'a> {
    event: &'static str,
    from: &'a IssuerUrl,
    to: &'a IssuerUrl,
    message: &'static str,
}
