//! The one table: typed records, and a few verbs that are one DynamoDB operation each.
//!
//! The SDK's errors do not leave this module. Callers get a [`StoreError`]: the table could not be
//! reached in time, or holds something that this release cannot read.

pub mod aws_calls;
mod change;
mod checked_time;
mod counters;
mod index;
mod item;
mod reader;
pub mod records;
mod table;

pub use aws_calls::CallFailure;
pub use change::Change;
pub use checked_time::CheckedTime;
pub use counters::{Counters, Leased};
pub use index::{FeedPage, FeedPlace, FeedSelection, KeyPage};
pub(crate) use item::AnyItem;
pub use item::{AnyKey, Key, Record, Stored};
pub(crate) use reader::failed;
pub use reader::{Cursor, Found, Page, TableReader, with_time_limits};
pub use table::{Insert, Table, Update};

/// Why the store gave no answer. It is for the log and never shown to clients.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB refused, or did not answer within the time limit. It is unknown whether a write was
    /// applied.
    #[error("{operation} failed: {reason} (request id {request_id})")]
    Failed {
        /// The DynamoDB operation.
        operation: &'static str,
        /// What the SDK reported.
        reason: CallFailure,
        /// DynamoDB's request id, where there was a response.
        request_id: String,
    },
    /// There is no such table, or no such index of it, in this account and Region.
    #[error("{operation} failed: there is no such table or index (request id {request_id})")]
    NoTable {
        /// The DynamoDB operation.
        operation: &'static str,
        /// DynamoDB's request id.
        request_id: String,
    },
    /// An item is not a record of the expected type or schema version.
    #[error("the item {key} cannot be read: {reason}")]
    Unreadable {
        /// Its partition and sort key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The record of an operator's change could not be written. Nothing was changed.
    #[error("nothing was changed, because it could not be recorded: {0}")]
    Unrecorded(String),
}
