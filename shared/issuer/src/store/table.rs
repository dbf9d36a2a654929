//! The verbs. Each is one DynamoDB operation; each conditional write carries a random attempt id,
//! so that a write that was applied but whose answer was lost is recognised when the SDK retries
//! it and its condition fails on our own work.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{DisplayErrorContext, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue};

use super::change::Expressions;
use super::item::{
    ATTEMPT, Item, PK, REVISION, SCHEMA, SCHEMA_WRITTEN, SK, decode, encode, number, read_number,
};
use super::{AnyKey, Change, Key, Record, StoreError, Stored};
use crate::credential::random_id;
use crate::store::aws_calls::{CountAwsCalls, retries, time_limits};
use tokensmith_verifier::Timestamp;

/// The table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Table {
    /// The table called `name`, reached by `client`.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
        }
    }

    /// Reads one record, strongly consistent (`GetItem`).
    pub async fn get<R: Record>(&self, key: &Key<R>) -> Result<Option<Stored<R>>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.to_item()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|err| failed("GetItem", &err))?;
        answer.item.map(decode).transpose()
    }

    /// Reads several records of different types in one strongly consistent operation
    /// (`BatchGetItem`). Keys that DynamoDB leaves unprocessed are a failure, never an absence.
    pub async fn get_several(&self, keys: &[&dyn AnyKey]) -> Result<Found, StoreError> {
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(|key| key.to_item()).collect()))
            .consistent_read(true)
            .build()
            .map_err(|err| incomplete("BatchGetItem", err.to_string()))?;
        let answer = self
            .client
            .batch_get_item()
            .request_items(&self.name, keys)
            .send()
            .await
            .map_err(|err| failed("BatchGetItem", &err))?;
        if answer.unprocessed_keys.is_some_and(|keys| !keys.is_empty()) {
            return Err(incomplete("BatchGetItem", "keys left unprocessed".into()));
        }
        let tables = answer.responses.unwrap_or_default();
        Ok(Found(tables.into_values().flatten().collect()))
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

    /// Reads one page of a partition in the order of the sort key, strongly consistent (`Query`).
    pub async fn query<R: Record>(
        &self,
        partition: &str,
        after: Option<Cursor>,
        limit: i32,
    ) -> Result<Page<R>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
            .set_exclusive_start_key(after.map(|cursor| cursor.0))
            .consistent_read(true)
            .limit(limit)
            .send()
            .await
            .map_err(|err| failed("Query", &err))?;
        page(answer.items, answer.last_evaluated_key)
    }

    /// Reads a whole partition, page by page: for partitions that stay small.
    pub async fn query_all<R: Record>(
        &self,
        partition: &str,
    ) -> Result<Vec<Stored<R>>, StoreError> {
        let (mut records, mut after) = (Vec::new(), None);
        loop {
            let page = self.query(partition, after, PAGE).await?;
            records.extend(page.records);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(records),
            }
        }
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
}

/// What one read of several records found.
#[derive(Debug)]
pub struct Found(Vec<Item>);

impl Found {
    /// Takes one record out.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the item is no such record.
    pub fn take<R: Record>(&mut self, key: &Key<R>) -> Result<Option<Stored<R>>, StoreError> {
        let at = self
            .0
            .iter()
            .position(|item| is_text(item, PK, &key.pk) && is_text(item, SK, &key.sk));
        at.map(|at| decode(self.0.swap_remove(at))).transpose()
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

/// One page of records.
#[derive(Debug)]
pub struct Page<R> {
    /// The records, in the order of their keys.
    pub records: Vec<Stored<R>>,
    /// Where the next page starts; `None` after the last.
    pub next: Option<Cursor>,
}

/// The key after which a page starts.
#[derive(Clone, Debug)]
pub struct Cursor(pub(crate) Item);

/// Gives every call of a DynamoDB client its time limits (an attempt, its retries and the whole), and
/// counts it.
pub fn with_time_limits(config: Builder) -> Builder {
    config
        .interceptor(CountAwsCalls)
        .timeout_config(time_limits())
        .retry_config(retries())
}

pub(crate) fn page<R: Record>(
    items: Option<Vec<Item>>,
    last: Option<Item>,
) -> Result<Page<R>, StoreError> {
    Ok(Page {
        records: items
            .unwrap_or_default()
            .into_iter()
            .map(decode)
            .collect::<Result<_, _>>()?,
        next: last.map(Cursor),
    })
}

pub(crate) fn failed<E, R>(operation: &'static str, err: &SdkError<E, R>) -> StoreError
where
    SdkError<E, R>: std::error::Error + RequestId,
{
    StoreError::Failed {
        operation,
        reason: DisplayErrorContext(err).to_string(),
        request_id: err.request_id().unwrap_or("none").to_owned(),
    }
}

/// DynamoDB answered, but not with what the operation promises.
fn incomplete(operation: &'static str, reason: String) -> StoreError {
    StoreError::Failed {
        operation,
        reason,
        request_id: "none".to_owned(),
    }
}

fn is_text(item: &Item, name: &str, text: &str) -> bool {
    matches!(item.get(name), Some(AttributeValue::S(found)) if found == text)
}

/// More keys than an issuer has at once: one page in practice.
const PAGE: i32 = 100;

const COUNTER: &str = "counter";
