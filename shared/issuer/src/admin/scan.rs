//! Reading the whole table, where no index can say what has to be read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::credential::SubjectHash;
use crate::names::ClientId;
use crate::store::records::{Client, Grant, Subject};
use crate::store::{AnyItem, Record, StoreError, Stored, TableReader, failed};

/// Reads the whole table (`Scan`).
///
/// It is a type of its own so that no endpoint can scan, which takes longer the more the table
/// holds, and so that no function's role needs `dynamodb:Scan`.
#[derive(Clone, Debug)]
pub struct TableScan {
    table: TableReader,
    progress: Progress,
}

impl TableScan {
    /// Scans `table`.
    pub fn of(table: TableReader) -> Self {
        Self {
            table,
            progress: Progress::default(),
        }
    }

    /// Tells `progress` how many items it has read.
    #[must_use]
    pub fn telling(self, progress: Progress) -> Self {
        Self { progress, ..self }
    }

    /// The table.
    pub(super) fn table(&self) -> &TableReader {
        &self.table
    }

    /// Reads all records whose partition key starts with `prefix`, page by page and strongly
    /// consistent.
    ///
    /// # Errors
    /// [`StoreError`] when a page or a record cannot be read.
    pub async fn records<R: Record>(&self, prefix: &str) -> Result<Vec<Stored<R>>, StoreError> {
        let mut records = Vec::new();
        self.each(Some(prefix), |item| {
            records.push(item.read()?);
            Ok(())
        })
        .await?;
        Ok(records)
    }

    /// Reads all clients, subjects and grants at once, strongly consistent.
    ///
    /// # Errors
    /// [`StoreError`] when a page or a record cannot be read.
    pub(super) async fn grants_with_owners(&self) -> Result<GrantsWithOwners, StoreError> {
        let mut all = GrantsWithOwners::default();
        self.each(None, |item| {
            match item.prefix() {
                Client::PREFIX => {
                    let client = item.read::<Client>()?.record;
                    all.clients.insert(client.id.clone(), client);
                }
                Subject::PREFIX => {
                    let subject = item.read::<Subject>()?.record;
                    let hash = SubjectHash::of(&subject.name);
                    all.subjects.insert(hash, subject);
                }
                Grant::PREFIX => all.grants.push(item.read::<Grant>()?.record),
                _ => {}
            }
            Ok(())
        })
        .await?;
        Ok(all)
    }

    /// Passes every item whose partition key starts with `prefix` to `take`.
    async fn each(
        &self,
        prefix: Option<&str>,
        mut take: impl FnMut(AnyItem) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (mut after, mut read) = (None, 0);
        loop {
            let mut scan = self
                .table
                .client
                .scan()
                .table_name(&self.table.name)
                .set_exclusive_start_key(after)
                .limit(PAGE)
                .consistent_read(true);
            if let Some(prefix) = prefix {
                let prefix = AttributeValue::S(format!("{prefix}#"));
                scan = scan
                    .filter_expression("begins_with(pk, :prefix)")
                    .expression_attribute_values(":prefix", prefix);
            }
            let answer = scan.send().await.map_err(|err| failed("Scan", &err))?;
            for item in answer.items.unwrap_or_default() {
                take(AnyItem::of(item))?;
            }
            read += usize::try_from(answer.scanned_count).unwrap_or_default();
            self.progress.tell(read);
            match answer.last_evaluated_key {
                None => return Ok(()),
                next => after = next,
            }
        }
    }
}

/// All grants, with what decides on them.
#[derive(Default)]
pub(super) struct GrantsWithOwners {
    pub clients: BTreeMap<ClientId, Client>,
    pub subjects: BTreeMap<SubjectHash, Subject>,
    pub grants: Vec<Grant>,
}

/// Is told how many items were read while there is no answer yet.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(usize) + Send + Sync>>);

impl Progress {
    /// Calls `told` after each page.
    pub fn new(told: impl Fn(usize) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    fn tell(&self, items: usize) {
        if let Some(told) = &self.0 {
            told(items);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

/// A page is read within the time limit of a call also where the table is a file that others use, and
/// DynamoDB's own pages are hardly longer.
const PAGE: i32 = 1000;
