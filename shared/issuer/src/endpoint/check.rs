//! Whether a version of a function can work, before it gets requests.
//!
//! Whoever deploys invokes the new version with the event `{"tokensmith":"check"}`, which only they can
//! send: API Gateway's events have no such member. The check reads and opens everything anew, because
//! what an instance has kept says nothing about its role and its table as they are now.

use std::pin::Pin;
use std::time::Duration;

use serde::Deserialize;

use crate::error::Unavailable;
use crate::keys::KeySet;
use crate::store::records::Settings;
use crate::store::{FeedSelection, StoreError, TableReader};
use tokensmith_verifier::Timestamp;

/// The value of the event's member `tokensmith`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Whether the function can work.
    Check,
}

/// What the caller of a check says about the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExpectedTable {
    /// It is in use. A table without keys is refused: it must never take the place of one with data.
    InUse,
    /// Its stack is just being made, and the function that makes keys may not have run.
    MayBeNew,
}

impl ExpectedTable {
    /// What an event with these members asks, if it asks for a check at all.
    pub fn asked(tokensmith: Option<Asked>, new_table: bool) -> Option<Self> {
        let Asked::Check = tokensmith?;
        Some(Self::told(new_table))
    }

    /// What the member `new_table` of a check says.
    pub fn told(new_table: bool) -> Self {
        match new_table {
            true => Self::MayBeNew,
            false => Self::InUse,
        }
    }
}

/// What a check has found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TableState {
    /// There is no key yet, as was expected.
    New,
    /// There are keys.
    InUse,
}

/// Reads the keys of `owner` in `table`.
///
/// # Errors
/// [`CheckFailed`] when the table cannot be read, belongs to another owner, or has no keys though it
/// should.
pub async fn check_table(
    table: &TableReader,
    owner: &Settings,
    expected: ExpectedTable,
    now: Timestamp,
) -> Result<TableState, CheckFailed> {
    let keys = match KeySet::read(table, owner, now).await {
        Err(Unavailable::Store(StoreError::NoTable { .. })) => {
            return Err(CheckFailed::NoTable(table.name.clone()));
        }
        read => read?,
    };
    match (keys.is_empty(), expected) {
        (false, _) => Ok(TableState::InUse),
        (true, ExpectedTable::MayBeNew) => Ok(TableState::New),
        (true, ExpectedTable::InUse) => Err(CheckFailed::NoKeys(table.name.clone())),
    }
}

/// Reads an entry of each index of the revocation feed.
///
/// # Errors
/// [`StoreError`] when one of them cannot be read.
pub async fn check_feed(table: &TableReader, now: Timestamp) -> Result<(), StoreError> {
    for selection in [FeedSelection::Since(now), FeedSelection::LiveAt(now)] {
        table.query_feed(selection, None, Some(1)).await?;
    }
    Ok(())
}

/// Runs a check for `limit` at most.
///
/// # Errors
/// [`CheckFailed`] when it fails or takes longer.
pub async fn within_limit(
    limit: Duration,
    check: impl Future<Output = Result<(), CheckFailed>> + Send,
) -> Result<(), CheckFailed> {
    // Boxed, because it is large, and every request would hold a copy of its size.
    let check: Pin<Box<dyn Future<Output = Result<(), CheckFailed>> + Send + '_>> = Box::pin(check);
    let checked = tokio::time::timeout(limit, check).await;
    checked.unwrap_or(Err(CheckFailed::Unavailable(Unavailable::Timeout)))
}

/// Why a version cannot work. The text is one sentence for operators: what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CheckFailed {
    /// The table is not there.
    #[error(
        "there is no table {0} in this account and Region: name the table that has the data of this \
         issuer"
    )]
    NoTable(String),
    /// The table has no keys.
    #[error(
        "the table {0} has no signing keys: name the table that has the data of this issuer; only a \
         stack that is being made may begin with an empty table"
    )]
    NoKeys(String),
    /// The table belongs to another owner, or table or custody failed.
    #[error("{0}{mend}", mend = mend(.0))]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for CheckFailed {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}

fn mend(unavailable: &Unavailable) -> String {
    match unavailable {
        Unavailable::Store(StoreError::Failed { .. }) => {
            ": make sure that the role of the function permits it, and that DynamoDB can be reached".into()
        }
        Unavailable::Store(StoreError::NoTable { .. }) => {
            ": the table must have the indexes feed, live and by_subject".into()
        }
        Unavailable::Store(StoreError::Unreadable { .. }) => {
            ": a later release may have written it, so deploy that one".into()
        }
        // They say that themselves.
        Unavailable::ForeignTable(_) | Unavailable::Store(StoreError::Unrecorded(_)) => {
            String::new()
        }
        Unavailable::NoActiveKey(algorithm) => format!(
            ": make one with `tokensmith key rotate --alg {algorithm}`, and deploy again when `tokensmith \
             key list` shows it as active"
        ),
        Unavailable::NoHmacKey => ": invoke the function rotate-keys, which makes it".into(),
        Unavailable::NotThePublishedKey(_) => {
            ": replace it with `tokensmith key rotate --now`".into()
        }
        Unavailable::Key(_) => {
            ": make sure that the KMS key is the one that the key was made with, that it is enabled, and \
             that the role of the function may use it"
                .into()
        }
        Unavailable::NoDocument(_) => {
            ": the log says why it could not be fetched (event fetch_failed)".into()
        }
        Unavailable::JustRevoked(_) | Unavailable::Upstream(_) | Unavailable::Timeout => ": try again".into(),
    }
}
