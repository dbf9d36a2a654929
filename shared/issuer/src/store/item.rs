//! How a record becomes an item: its own attributes, and besides them the key, the schema version,
//! the revision, the attempt id and the time to live.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::Deref;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use tokensmith_verifier::Timestamp;

/// An item as the SDK sees it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A typed record of the table.
pub trait Record: DeserializeOwned + Serialize {
    /// The key under which the record is stored.
    fn key(&self) -> Key<Self>;

    /// When DynamoDB may delete it. DynamoDB deletes late, so readers check expiry themselves.
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }

    /// The list in which the index `listed` has the record. It stays the same as long as the record is
    /// listed, so that no write of a listed record writes to the index.
    fn listed_in(&self) -> Option<String> {
        None
    }

    /// Whether the item with this sort key is such a record. A partition may also have a record of
    /// another type.
    fn is_at(_sort_key: &str) -> bool {
        true
    }
}

/// The primary key of a record of type `R`.
#[derive(Debug)]
pub struct Key<R> {
    pub(super) pk: String,
    pub(super) sk: String,
    record: PhantomData<fn() -> R>,
}

impl<R> Key<R> {
    /// The key of the only record in its partition.
    pub fn single(prefix: &str, id: &str) -> Self {
        Self::ranged(format!("{prefix}#{id}"), SINGLE)
    }

    /// The key of one of several records in a partition.
    pub fn ranged(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self {
            pk: partition.into(),
            sk: sort.into(),
            record: PhantomData,
        }
    }

    /// The key of an item that was read.
    pub(super) fn of(item: Item) -> Result<Self, StoreError> {
        let part = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        match (part(PK), part(SK)) {
            (Some(pk), Some(sk)) => Ok(Self::ranged(pk, sk)),
            _ => Err(StoreError::Unreadable {
                key: "an index entry".to_owned(),
                reason: "it has no key".to_owned(),
            }),
        }
    }

    pub(super) fn describe(&self) -> String {
        format!("{}/{}", self.pk, self.sk)
    }
}

/// A key of any record type.
pub trait AnyKey: Sync {
    /// The key's attributes.
    fn to_item(&self) -> HashMap<String, AttributeValue>;
}

impl<R> AnyKey for Key<R> {
    fn to_item(&self) -> Item {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

/// A record as it was read, with its revision, which a conditional update compares.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored<R> {
    /// The record.
    pub record: R,
    /// Every write of the item adds one to it.
    pub revision: u64,
    /// Its moment in the revocation feed, if it is there.
    pub feed_at: Option<Timestamp>,
}

impl<R> Deref for Stored<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.record
    }
}

/// An item of the table, of whatever type.
#[derive(Debug)]
pub(crate) struct AnyItem(Item);

impl AnyItem {
    /// The item as it was read.
    pub(crate) fn of(item: HashMap<String, AttributeValue>) -> Self {
        Self(item)
    }

    /// The prefix of its partition key, which says what it is.
    pub(crate) fn prefix(&self) -> &str {
        let key = self.0.get(PK).and_then(|value| value.as_s().ok());
        key.and_then(|key| key.split('#').next())
            .unwrap_or_default()
    }

    /// The record that it is.
    pub(crate) fn read<R: Record>(self) -> Result<Stored<R>, StoreError> {
        decode(self.0)
    }
}

pub(super) fn encode<R: Record>(record: &R) -> Result<Item, StoreError> {
    let key = record.key();
    let mut item: Item = serde_dynamo::to_item(record).map_err(|err| StoreError::Unreadable {
        key: key.describe(),
        reason: err.to_string(),
    })?;
    // Null attributes are left out, so that an absent value has one form that conditions can test.
    item.retain(|_, value| !value.is_null());
    if let Some(list) = record.listed_in() {
        item.insert(LISTED_IN.to_owned(), AttributeValue::S(list));
    }
    if let Some(expires_at) = record.expires_at() {
        item.insert(TTL.to_owned(), number(expires_at.seconds()));
    }
    Ok(item)
}

pub(super) fn decode<R: Record>(mut item: Item) -> Result<Stored<R>, StoreError> {
    let text = |item: &Item, name| match item.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    };
    let key = format!("{}/{}", text(&item, PK), text(&item, SK));
    let unreadable = |reason: String| StoreError::Unreadable {
        key: key.clone(),
        reason,
    };
    let version = read_number(&item, SCHEMA).unwrap_or(0);
    if version > NEWEST_READABLE_SCHEMA {
        return Err(unreadable(format!("schema version {version} is too new")));
    }
    let revision = read_number(&item, REVISION).ok_or_else(|| unreadable("no revision".into()))?;
    let feed_at = read_number(&item, FEED_AT).map(Timestamp::from_seconds);
    for name in [PK, SK, SCHEMA, REVISION, ATTEMPT, TTL] {
        item.remove(name);
    }
    let record = serde_dynamo::from_item(item).map_err(|err| unreadable(err.to_string()))?;
    Ok(Stored {
        record,
        revision,
        feed_at,
    })
}

pub(super) fn read_number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(super) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) const PK: &str = "pk";
pub(super) const SK: &str = "sk";
pub(super) const REVISION: &str = "rev";
pub(super) const ATTEMPT: &str = "attempt";
pub(super) const SCHEMA: &str = "schema";
pub(super) const TTL: &str = "ttl";
pub(super) const LISTED_IN: &str = "listed_in";
pub(super) const FEED_PARTITION: &str = "feed_shard";
pub(super) const FEED_AT: &str = "feed_at";
pub(super) const FEED_UNTIL: &str = "feed_until";

/// The schema version that this release writes.
pub(super) const SCHEMA_WRITTEN: u64 = 1;

/// A release can read version n + 1 before any release writes it, so that two releases can work on
/// one table.
const NEWEST_READABLE_SCHEMA: u64 = SCHEMA_WRITTEN + 1;

const SINGLE: &str = "-";
