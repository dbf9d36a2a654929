//! The verbs that write. Each is one DynamoDB operation. Each conditional write carries a random
//! attempt id: when the response to a write is lost and the SDK's retry fails its condition, the id
//! tells that the first attempt was applied.

use std::ops::Deref;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::change::attribute;
use super::item::{
    ATTEMPT, FEED_AT, FEED_PARTITION, FEED_UNTIL, REVISION, SCHEMA, SCHEMA_WRITTEN, decode, encode,
    number,
};
use super::reader::{failed, incomplete, is_text};
use super::{AnyKey, Change, Counters, FeedPlace, Key, Record, StoreError, Stored, TableReader};
use crate::credential::random_id;
use serde::Serialize;

/// The table, for reading and writing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table(TableReader);

impl Table {
    /// The table called `name`, reached by `client`.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self(TableReader::new(client, name))
    }

    /// The same table, for reading only.
    pub fn reader(&self) -> TableReader {
        self.0.clone()
    }

    /// Its counters of what is limited.
    pub fn counters(&self) -> Counters {
        Counters::new(&self.client, &self.name)
    }

    /// Writes a record unless one has its key (`PutItem`).
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

    /// Changes a record if the conditions hold (`UpdateItem`). Returns the record after the change;
    /// or, if it was refused, the record that failed the conditions, `None` when there is none.
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
            // Other updates override nothing, because each override makes the SDK build a
            // configuration.
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

    /// Takes a record out of the feed, unless its place there was renewed (`UpdateItem`). Nothing else of
    /// the record is read or written.
    pub async fn leave_feed(&self, place: &FeedPlace) -> Result<(), StoreError> {
        let outcome = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(place.key.to_item()))
            .update_expression(format!("REMOVE {FEED_PARTITION}, {FEED_AT}, {FEED_UNTIL}"))
            .condition_expression(format!("{FEED_UNTIL} = :until"))
            .expression_attribute_values(":until", number(place.until.seconds()))
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(()),
            Err(err) => match err.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(failed("UpdateItem", &err)),
            },
        }
    }

    /// Deletes a record (`DeleteItem`). Deleting an absent record succeeds.
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

    /// Deletes a record if the attribute has this value (`DeleteItem`); says whether there is no such record now.
    pub async fn delete_if_equal<R: Record>(
        &self,
        key: &Key<R>,
        name: &'static str,
        value: impl Serialize,
    ) -> Result<bool, StoreError> {
        let outcome = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key.to_item()))
            // A repetition by the SDK finds that it is deleted.
            .condition_expression("attribute_not_exists(pk) OR #name = :value")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", attribute(name, value)?)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(true),
            Err(err) => match err.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(failed("DeleteItem", &err)),
            },
        }
    }
}

impl Deref for Table {
    type Target = TableReader;

    fn deref(&self) -> &TableReader {
        &self.0
    }
}

/// The outcome of an insert.
#[derive(Debug)]
pub enum Insert<R> {
    /// The record is in the table.
    Inserted,
    /// Another record has its key.
    Exists(Stored<R>),
}

/// The outcome of an update.
#[derive(Debug)]
pub enum Update<R> {
    /// The record as it is now.
    Applied(Stored<R>),
    /// The record at the time the condition failed, if there is one.
    Refused(Option<Stored<R>>),
}
