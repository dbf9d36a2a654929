//! The settings that are stored with the data: whose they are.

use super::{AdminEvent, Administrator, Changed, TableScan};
use crate::event::ServiceEvent;
use crate::names::{Audience, InvalidName, IssuerUrl};
use crate::store::records::{Client, ForeignTable, Settings};
use crate::store::{Change, CheckedTime, Insert, StoreError, Stored, Table, Update};

/// Gives a table without settings to `owner`. A table that belongs to another owner stays as it is.
///
/// # Errors
/// [`SettleError`] when it belongs to another owner, or the table fails.
pub async fn settle(table: &Table, owner: &Settings) -> Result<(), SettleError> {
    match table.insert(owner).await? {
        Insert::Inserted => Ok(()),
        Insert::Exists(current) => Ok(current.require(owner).map_err(Box::new)?),
    }
}

/// Gives the table to `owner`, whomever it belongs to, and returns its earlier owner if that was another.
/// Where the issuer URL changes, that is written to the log: tokens of the old one are no longer accepted.
///
/// The old issuer URL is replaced among the audiences of every client first: if the process ends in
/// between, another call does it again. Grants are left as they are: the proof of a refresh token is bound
/// to the issuer URL, so theirs have ended.
///
/// # Errors
/// [`SettleError`] when the table fails, or another process gives it away at the same time.
pub async fn take_over(table: &Table, owner: &Settings) -> Result<Option<Settings>, SettleError> {
    let current = match table.insert(owner).await? {
        Insert::Inserted => return Ok(None),
        Insert::Exists(current) if current.record == *owner => return Ok(None),
        Insert::Exists(current) => current,
    };
    let (from, to) = (&current.issuer, &owner.issuer);
    if from != to {
        move_audiences(table, from, to).await?;
    }
    let change = Change::between(&current, owner)?;
    match table.update(&Settings::only_key(), change).await? {
        Update::Applied(_) => {
            if from != to {
                ServiceEvent::issuer_changed(from, to).write();
            }
            Ok(Some(current.record))
        }
        Update::Refused(Some(other)) if other.record == *owner => Ok(None),
        Update::Refused(_) => Err(SettleError::Taken),
    }
}

impl Administrator {
    /// Gives the data of another issuer URL to the configured one: see [`take_over`].
    ///
    /// # Errors
    /// [`SettleError`] when the table fails, or another process gives it away at the same time.
    pub async fn replace_issuer(
        &self,
        from: &IssuerUrl,
    ) -> Result<Changed<Option<Settings>>, SettleError> {
        let event = AdminEvent::IssuerReplaced {
            from: from.clone(),
            to: self.config.issuer.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let belonged_to = take_over(&self.table, &self.config.owner()).await?;
            Ok(self.cached(belonged_to, made, time))
        };
        self.recorded(event, change).await
    }

    /// Makes sure that the data are those of the configured issuer and wrapping key, or nobody's yet.
    ///
    /// # Errors
    /// [`SettleError`] when they belong to another owner, or the table fails.
    pub async fn require_own_table(&self) -> Result<(), SettleError> {
        match self.table.get(&Settings::only_key()).await? {
            Some(settings) => Ok(settings.require(&self.config.owner()).map_err(Box::new)?),
            None => Ok(()),
        }
    }
}

/// Replaces the old issuer URL among the audiences of every client, as it is for every client that was
/// registered without one.
async fn move_audiences(
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

/// The table could not be given to its owner.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// It belongs to another owner.
    #[error(transparent)]
    Foreign(#[from] Box<ForeignTable>),
    /// Another process gave it to another owner at the same time.
    #[error("another process has just taken this data")]
    Taken,
    /// The issuer URL cannot be an audience.
    #[error(transparent)]
    Audience(#[from] InvalidName),
    /// The table failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}
