//! Reading the whole table, for an operator's listings.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::store::{Cursor, Page, Record, StoreError, Stored, TableReader, failed, page};

/// Reads the whole table (`Scan`).
///
/// It is a type of its own so that no endpoint can scan, which takes longer the more the table
/// holds, and so that no function's role needs `dynamodb:Scan`.
#[derive(Clone, Debug)]
pub struct TableScan {
    table: TableReader,
}

impl TableScan {
    /// Scans `table`.
    pub fn of(table: TableReader) -> Self {
        Self { table }
    }

    /// Reads all records whose partition key starts with `prefix`, page by page and strongly
    /// consistent.
    ///
    /// # Errors
    /// [`StoreError`] when a page or a record cannot be read.
    pub async fn records<R: Record>(&self, prefix: &str) -> Result<Vec<Stored<R>>, StoreError> {
        let (mut records, mut after) = (Vec::new(), None);
        loop {
            let answer = self
                .table
                .client
                .scan()
                .table_name(&self.table.name)
                .filter_expression("begins_with(pk, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(format!("{prefix}#")))
                .set_exclusive_start_key(after)
                .consistent_read(true)
                .send()
                .await
                .map_err(|err| failed("Scan", &err))?;
            let page: Page<R> = page(answer.items.unwrap_or_default(), answer.last_evaluated_key)?;
            records.extend(page.records);
            match page.next {
                Some(Cursor(next)) => after = Some(next),
                None => return Ok(records),
            }
        }
    }
}
