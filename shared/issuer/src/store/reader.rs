//! The verbs that only read. A function that holds a [`TableReader`] and no [`Table`] cannot write.
//!
//! [`Table`]: super::Table

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use super::aws_calls::{CallFailure, CountAwsCalls, reason_of, retries, time_limits};
use super::item::{Item, PK, SK, decode};
use super::{AnyKey, Key, Record, StoreError, Stored};

/// The table, for reading only. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TableReader {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl TableReader {
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
    /// (`BatchGetItem`). Keys that DynamoDB leaves unprocessed are an error, so that a revocation
    /// is never taken for absent.
    pub async fn get_several(&self, keys: &[&dyn AnyKey]) -> Result<Found, StoreError> {
        let mut distinct: Vec<Item> = Vec::with_capacity(keys.len());
        for key in keys.iter().map(|key| key.to_item()) {
            // DynamoDB refuses a key that is named twice.
            if !distinct.contains(&key) {
                distinct.push(key);
            }
        }
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(distinct))
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

    /// Reads one page of a partition in the order of the sort key, strongly consistent (`Query`).
    pub async fn query<R: Record>(
        &self,
        partition: &str,
        after: Option<Cursor>,
        limit: i32,
    ) -> Result<Page<R>, StoreError> {
        let (items, next) = self.query_items(partition, after, limit).await?;
        page(items, next)
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

    /// Reads a whole partition with records of more than one type, page by page.
    pub async fn query_found(&self, partition: &str) -> Result<Found, StoreError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (items, next) = self.query_items(partition, after, PAGE).await?;
            found.extend(items);
            match next {
                Some(next) => after = Some(Cursor(next)),
                None => return Ok(Found(found)),
            }
        }
    }

    async fn query_items(
        &self,
        partition: &str,
        after: Option<Cursor>,
        limit: i32,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
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
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}

/// What one read of several records found.
#[derive(Clone, Debug, Default)]
pub struct Found(Vec<Item>);

impl Found {
    /// One record, which stays in the result.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the item is not such a record.
    pub fn find<R: Record>(&self, key: &Key<R>) -> Result<Option<Stored<R>>, StoreError> {
        let at = self.position(key);
        at.map(|at| decode(self.0[at].clone())).transpose()
    }

    /// Removes one record from the result.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the item is not such a record.
    pub fn take<R: Record>(&mut self, key: &Key<R>) -> Result<Option<Stored<R>>, StoreError> {
        let at = self.position(key);
        at.map(|at| decode(self.0.swap_remove(at))).transpose()
    }

    fn position<R>(&self, key: &Key<R>) -> Option<usize> {
        let is_it = |item: &Item| is_text(item, PK, &key.pk) && is_text(item, SK, &key.sk);
        self.0.iter().position(is_it)
    }

    /// All records of one type.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when an item is not such a record.
    pub fn all<R: Record>(self) -> Result<Vec<Stored<R>>, StoreError> {
        decode_all(self.0)
    }
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
pub struct Cursor(pub(super) Item);

/// Gives every call of a DynamoDB client its time limits and retries, and counts its attempts.
pub fn with_time_limits(config: Builder) -> Builder {
    config
        .interceptor(CountAwsCalls)
        .timeout_config(time_limits())
        .retry_config(retries())
}

fn page<R: Record>(items: Vec<Item>, last: Option<Item>) -> Result<Page<R>, StoreError> {
    Ok(Page {
        records: decode_all(items)?,
        next: last.map(Cursor),
    })
}

fn decode_all<R: Record>(items: Vec<Item>) -> Result<Vec<Stored<R>>, StoreError> {
    let sort_key = |item: &Item| item.get(SK).and_then(|sk| sk.as_s().ok()).cloned();
    let is_one = |item: &Item| sort_key(item).is_some_and(|sk| R::is_at(&sk));
    items.into_iter().filter(is_one).map(decode).collect()
}

pub(crate) fn failed<E>(operation: &'static str, err: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata,
    SdkError<E>: RequestId,
{
    let request_id = err.request_id().unwrap_or("none").to_owned();
    match err.code() {
        Some("ResourceNotFoundException") => StoreError::NoTable {
            operation,
            request_id,
        },
        _ => StoreError::Failed {
            operation,
            reason: reason_of(err),
            request_id,
        },
    }
}

/// DynamoDB answered, but not with what the operation promises.
pub(super) fn incomplete(operation: &'static str, reason: String) -> StoreError {
    StoreError::Failed {
        operation,
        reason: CallFailure::Incomplete(reason),
        request_id: "none".to_owned(),
    }
}

pub(super) fn is_text(item: &Item, name: &str, text: &str) -> bool {
    matches!(item.get(name), Some(AttributeValue::S(found)) if found == text)
}

/// More keys than an issuer has at the same time, so that one page is enough in practice.
const PAGE: i32 = 100;
