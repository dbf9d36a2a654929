//! The verbs that write. Each is one DynamoDB operation; each conditional write carries a random attempt id,
//! so that a write that was applied but whose answer was lost is recognised when the SDK retries
//! it and its condition fails on our own work.

use std::ops::Deref;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use tokensmith_verifier::Timestamp;

use super::change::Expressions;
use super::item::{ATTEMPT, REVISION, SCHEMA, SCHEMA_WRITTEN, decode, encode, number, read_number};
use super::reader::{failed, incomplete, is_text, page};
use super::{AnyKey, Change, Cursor, Key, Page, Record, StoreError, Stored, TableReader};
use crate::credential::random_id;

/// The table, for reading and writing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table(TableReader);

impl Table {
    /// The table called `name`, reached by `client`.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self(TableReader::new(client, name))
    }

    /// The same table, for reading alone.
    pub fn reader(&self) -> TableReader {
        self.0.clone()
    }

    /// Writes a record where none is (`PutItem`).
    pub async fn insert<R: Record>(&self, record: &R) -> Result<Insert<R>, StoreError> {
        let attempt = random_id();
        let mut item = encode(record)?;
        item.extend(record.key().to_item());
        item.insert(ATTEMPT.to_owned(), AttributeValue::S(attempt.clone()));
        item.insert(REVISION.to_owned(), number(1));
        item.insert(SCHEMA.to_owned(), number(SCHEMA_WRITTEN));
        let outcome = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(AllOld)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(Insert::Inserted),
            Err(err) => match err.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                    match refusal.item.clone() {
                        Some(item) if is_text(&item, ATTEMPT, &attempt) => Ok(Insert::Inserted),
                        Some(item) => Ok(Insert::Exists(decode(item)?)),
                        None => Err(incomplete("PutItem", "refused without the item".into())),
                    }
                }
                _ => Err(failed("PutItem", &err)),
            },
        }
    }

    /// Changes a record if its conditions hold (`UpdateItem`), and returns what it is then; or the
    /// record that refused the change, `None` when there is none.
    pub async fn update<R: Record>(
        &self,
        key: &Key<R>,
        change: Change,
    ) -> Result<Update<R>, StoreError> {
        let attempt = random_id();
        let single_attempt = change.single_attempt;
        let expressions = change.expressions(&attempt);
        let request = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key.to_item()))
            .update_expression(expressions.update)
            .set_condition_expression(expressions.condition)
            .set_expression_attribute_names(Some(expressions.names))
            .set_expression_attribute_values(Some(expressions.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(AllOld);
        let outcome = match single_attempt {
            true => {
                let own_config = Builder::new().retry_config(RetryConfig::disabled());
                request.customize().config_override(own_config).send().await
            }
            // An override would cost every update a configuration of its own.
            false => request.send().await,
        };
        match outcome {
            Ok(answer) => match answer.attributes {
                Some(item) => Ok(Update::Applied(decode(item)?)),
                None => Err(incomplete("UpdateItem", "no attributes came back".into())),
            },
            Err(err) => match err.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    match refusal.item.clone() {
                        Some(item) if is_text(&item, ATTEMPT, &attempt) => {
                            Ok(Update::Applied(decode(item)?))
                        }
                        Some(item) => Ok(Update::Refused(Some(decode(item)?))),
                        None => Ok(Update::Refused(None)),
                    }
                }
                _ => Err(failed("UpdateItem", &err)),
            },
        }
    }

    /// Adds one to the counter `name` and returns the sum (`UpdateItem`). DynamoDB may delete the
    /// counter after `expires_at`.
    ///
    /// The only verb without the SDK's retry: an addition is not safe to repeat.
    pub async fn count(&self, name: &str, expires_at: Timestamp) -> Result<u64, StoreError> {
        let key = Key::<()>::single("COUNT", name);
        let expressions = Expressions::count(COUNTER, expires_at.seconds());
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key.to_item()))
            .update_expression(expressions.update)
            .set_expression_attribute_names(Some(expressions.names))
            .set_expression_attribute_values(Some(expressions.values))
            .return_values(ReturnValue::UpdatedNew)
            .customize()
            .config_override(Builder::new().retry_config(RetryConfig::disabled()))
            .send()
            .await
            .map_err(|err| failed("UpdateItem", &err))?;
        answer
            .attributes
            .and_then(|item| read_number(&item, COUNTER))
            .ok_or_else(|| incomplete("UpdateItem", "no counter came back".into()))
    }

    /// Deletes a record; deleting what is not there is success (`DeleteItem`).
    pub async fn delete<R: Record>(&self, key: &Key<R>) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key.to_item()))
            .send()
            .await
            .map_err(|err| failed("DeleteItem", &err))?;
        Ok(())
    }

    /// Reads all records whose partition key starts with `prefix`, page by page (`Scan`).
    ///
    /// For an operator's listing only: it reads the whole table, so no endpoint calls it.
    pub async fn scan_all<R: Record>(&self, prefix: &str) -> Result<Vec<Stored<R>>, StoreError> {
        let (mut records, mut after) = (Vec::new(), None);
        loop {
            let answer = self
                .client
                .scan()
                .table_name(&self.name)
                .filter_expression("begins_with(pk, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(format!("{prefix}#")))
                .set_exclusive_start_key(after)
                .consistent_read(true)
                .send()
                .await
                .map_err(|err| failed("Scan", &err))?;
            let page: Page<R> = page(answer.items, answer.last_evaluated_key)?;
            records.extend(page.records);
            match page.next {
                Some(Cursor(next)) => after = Some(next),
                None => return Ok(records),
            }
        }
    }
}

impl Deref for Table {
    type Target = TableReader;

    fn deref(&self) -> &TableReader {
        &self.0
    }
}

/// What became of an insert.
#[derive(Debug)]
pub enum Insert<R> {
    /// The record is in the table.
    Inserted,
    /// Another record has its key.
    Exists(Stored<R>),
}

/// What became of an update.
#[derive(Debug)]
pub enum Update<R> {
    /// The record as it is now.
    Applied(Stored<R>),
    /// The record as it stood when the condition failed, if there is one.
    Refused(Option<Stored<R>>),
}

const COUNTER: &str = "counter";
