//! The queries of the sparse indexes. An index lags behind its table, and DynamoDB offers no
//! strongly consistent reads of it.

use std::time::Duration;

use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::types::AttributeValue;

use super::checked_time::Heard;
use super::item::{AnyKey, FEED_AT, FEED_UNTIL, Item, LISTED_IN, PK, SK, number, read_number};
use super::reader::failed;
use super::records::{ApiKey, Client, FEED_SHARD, FeedEntry, HEARTBEAT, SIGNING_KEYS, Subject};
use super::{Cursor, Key, StoreError, TableReader};
use tokensmith_verifier::{Revocation, Timestamp};

impl TableReader {
    /// Reads at most `most` of the keys that the index `by_subject` has for `subject`, and the key after which there are more
    /// (`Query`). It returns those that start with `prefix`: a federation rule has an attribute of that name, too.
    pub async fn query_by_subject<R>(
        &self,
        subject: &str,
        prefix: &str,
        after: Option<&Key<R>>,
        most: i32,
    ) -> Result<KeyPage<R>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(BY_SUBJECT)
            .key_condition_expression("subject = :subject")
            .expression_attribute_values(":subject", AttributeValue::S(subject.to_owned()))
            .set_exclusive_start_key(start(after, SUBJECT, subject))
            .limit(most);
        let answer = query.send().await.map_err(|err| failed("Query", &err))?;
        let mut page = keys_of(answer)?;
        page.keys.retain(|key: &Key<R>| key.pk.starts_with(prefix));
        Ok(page)
    }

    /// Reads at most `most` of the keys in a list whose partition key starts with `prefix`, in their order,
    /// and the key after which there are more (`Query` on the index `listed`).
    pub async fn query_listed<R>(
        &self,
        list: &str,
        prefix: &str,
        after: Option<&Key<R>>,
        most: i32,
    ) -> Result<KeyPage<R>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(LISTED)
            .key_condition_expression(format!(
                "{LISTED_IN} = :list AND begins_with({PK}, :prefix)"
            ))
            .expression_attribute_values(":list", AttributeValue::S(list.to_owned()))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .set_exclusive_start_key(start(after, LISTED_IN, list))
            .limit(most);
        let answer = query.send().await.map_err(|err| failed("Query", &err))?;
        keys_of(answer)
    }

    /// Reads one page of the revocations that `select` names (`Query` on one of the indexes of the
    /// feed). A page ends after `most` entries, or after 1 MB.
    pub async fn query_feed(
        &self,
        select: FeedSelection,
        after: Option<Cursor>,
        most: Option<u32>,
    ) -> Result<FeedPage, StoreError> {
        self.feed_page(select, after, most, None).await
    }

    /// The same for who can do without, and must not wait: it ends within `limit`. After a throttled attempt
    /// alone, the SDK waits for a second or more.
    pub async fn query_feed_within(
        &self,
        limit: Duration,
        select: FeedSelection,
        after: Option<Cursor>,
        most: u32,
    ) -> Result<FeedPage, StoreError> {
        self.feed_page(select, after, Some(most), Some(limit)).await
    }

    async fn feed_page(
        &self,
        select: FeedSelection,
        after: Option<Cursor>,
        most: Option<u32>,
        limit: Option<Duration>,
    ) -> Result<FeedPage, StoreError> {
        let heard = Heard::default();
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .expression_attribute_values(":shard", AttributeValue::S(FEED_SHARD.to_owned()))
            .set_exclusive_start_key(after.map(|cursor| cursor.0))
            .set_limit(most.and_then(|most| most.try_into().ok()));
        let query = match select {
            FeedSelection::Since(since) => query
                .index_name(FEED)
                .key_condition_expression("feed_shard = :shard AND feed_at >= :since")
                .expression_attribute_values(":since", number(since.seconds())),
            FeedSelection::LiveAt(now) => query
                .index_name(LIVE)
                .key_condition_expression("feed_shard = :shard AND feed_until >= :now")
                .expression_attribute_values(":now", number(now.seconds())),
        };
        let mut query = query.customize().interceptor(heard.clone());
        if let Some(limit) = limit {
            let timeouts = TimeoutConfig::builder().operation_timeout(limit).build();
            query = query.config_override(Builder::new().timeout_config(timeouts));
        }
        let sent = query.send().await;
        let answer = sent.map_err(|err| failed("Query", &err))?;
        let (heartbeats, entries): (Vec<_>, Vec<_>) = answer
            .items
            .unwrap_or_default()
            .into_iter()
            .partition(is_heartbeat);
        let last = heartbeats
            .first()
            .and_then(|item| read_number(item, FEED_AT));
        let entries = entries.into_iter().map(feed_entry);
        Ok(FeedPage {
            entries: entries.collect::<Result<_, _>>()?,
            heartbeat: last.map(Timestamp::from_seconds),
            next: answer.last_evaluated_key.map(Cursor),
            told: heard.date(),
        })
    }

    /// Reads one page of at most `most` of the places in the feed that concern only tokens which had
    /// expired before `now` (`Query` on the index `live`).
    pub async fn query_dead_in_feed(
        &self,
        now: Timestamp,
        after: Option<Cursor>,
        most: i32,
    ) -> Result<(Vec<FeedPlace>, Option<Cursor>), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(LIVE)
            .key_condition_expression("feed_shard = :shard AND feed_until < :now")
            .expression_attribute_values(":shard", AttributeValue::S(FEED_SHARD.to_owned()))
            .expression_attribute_values(":now", number(now.seconds()))
            .set_exclusive_start_key(after.map(|cursor| cursor.0))
            .limit(most)
            .send()
            .await
            .map_err(|err| failed("Query", &err))?;
        let places = answer.items.unwrap_or_default().into_iter().map(|item| {
            let until = read_number(&item, FEED_UNTIL).unwrap_or_default();
            Ok(FeedPlace {
                key: Key::of(item)?,
                until: Timestamp::from_seconds(until),
            })
        });
        let places = places.collect::<Result<_, StoreError>>()?;
        Ok((places, answer.last_evaluated_key.map(Cursor)))
    }
}

/// Which revocations are read from the feed. Each selection reads these and no others, however many
/// there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FeedSelection {
    /// Those at or after this moment, oldest first.
    Since(Timestamp),
    /// Those that concern a token which has not expired at this moment.
    LiveAt(Timestamp),
}

/// A part of the feed.
#[derive(Debug)]
pub struct FeedPage {
    /// What was selected, in order.
    pub entries: Vec<FeedEntry>,
    /// When the last heartbeat was written that is in the index, if this page has it.
    pub heartbeat: Option<Timestamp>,
    /// Where the next page starts; `None` after the last.
    pub next: Option<Cursor>,
    /// What time it was by DynamoDB's clock, cut to a second.
    pub told: Option<Timestamp>,
}

impl FeedPage {
    /// `now`, which a reader's own clock has told when it asked, if that clock is right; otherwise the
    /// time by DynamoDB's clock. Whoever wrote the entries dated them by that one.
    pub fn checked(&self, now: Timestamp) -> Timestamp {
        let differs = |told: Timestamp| told.since(now).max(now.since(told)) > RIGHT_CLOCK;
        self.told.filter(|told| differs(*told)).unwrap_or(now)
    }
}

/// How far a right clock and a `Date` can be apart: the one is cut to a second, and the answer takes up to
/// a second.
const RIGHT_CLOCK: Duration = Duration::from_secs(2);

/// The place that a record has in the feed.
#[derive(Debug)]
pub struct FeedPlace {
    pub(super) key: Key<()>,
    pub(super) until: Timestamp,
}

impl FeedPlace {
    /// Whether the record stays when its place in the feed ends.
    pub fn is_of_lasting_record(&self) -> bool {
        let prefix = self.key.pk.split('#').next();
        let lasting = [Client::PREFIX, Subject::PREFIX, ApiKey::PREFIX];
        prefix.is_some_and(|prefix| lasting.contains(&prefix))
    }
}

fn is_heartbeat(item: &Item) -> bool {
    let pk = item.get(PK).and_then(|pk| pk.as_s().ok());
    pk.is_some_and(|pk| pk == HEARTBEAT)
}

/// The partition key says what was revoked: the prefix is its kind, and the rest its name.
fn feed_entry(item: Item) -> Result<FeedEntry, StoreError> {
    let text = |name| item.get(name).and_then(|value| value.as_s().ok());
    let unreadable = |reason: &str| StoreError::Unreadable {
        key: [PK, SK]
            .map(|name| text(name).map_or("?", String::as_str))
            .join("/"),
        reason: reason.to_owned(),
    };
    let seconds = |name| read_number(&item, name);
    let (Some(at), Some(until)) = (seconds(FEED_AT), seconds(FEED_UNTIL)) else {
        return Err(unreadable("it has no place in the feed"));
    };
    let pk = text(PK).map(|pk| pk.split_once('#').unwrap_or((pk, "")));
    let revocation = match (pk, text("name"), seconds("not_before")) {
        (Some(("JTI", jti)), ..) => Revocation::of_token(jti, until),
        (Some(("GRANT", id)), ..) => Revocation::of_grant(id, until),
        (Some(("CLIENT", id)), _, Some(not_before)) => Revocation::of_client(id, not_before, until),
        (Some(("SUBJECT", _)), Some(name), Some(not_before)) => {
            Revocation::of_subject(name, not_before, until)
        }
        (Some((ApiKey::PREFIX, id)), _, Some(ends_at)) => {
            Revocation::of_api_key(id, ends_at, until)
        }
        (Some((SIGNING_KEYS, _)), Some(key_id), _) => Revocation::of_key(key_id, until),
        (Some(("CLIENT" | "SUBJECT" | ApiKey::PREFIX | SIGNING_KEYS, _)), ..) | (None, ..) => {
            return Err(unreadable("it is no revocation"));
        }
        // Written by a later release: one entry of an unknown kind must not end all reading.
        (Some((prefix, id)), _, not_before) => Revocation::of_other(prefix, id, not_before, until),
    };
    Ok(FeedEntry {
        at: Timestamp::from_seconds(at),
        revocation,
    })
}

/// Where a query of an index starts that goes on after a record: with the key of the record, and the value
/// by which the index has it.
fn start<R>(after: Option<&Key<R>>, name: &str, value: &str) -> Option<Item> {
    let mut start = after?.to_item();
    start.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
    Some(start)
}

/// The keys on a page of an index, and the last of them if there are more pages.
fn keys_of<R>(answer: QueryOutput) -> Result<KeyPage<R>, StoreError> {
    let keys = answer.items.unwrap_or_default().into_iter().map(Key::of);
    let keys = keys.collect::<Result<_, _>>()?;
    let next = answer.last_evaluated_key.map(Key::of).transpose()?;
    Ok(KeyPage { keys, next })
}

/// Keys that an index has.
#[derive(Debug)]
pub struct KeyPage<R> {
    /// The keys, in the order of the index.
    pub keys: Vec<Key<R>>,
    /// The key after which there are more; `None` at the end.
    pub next: Option<Key<R>>,
}

const BY_SUBJECT: &str = "by_subject";
const SUBJECT: &str = "subject";

/// The records that a list is made of, by list and key.
const LISTED: &str = "listed";

/// Revocations by the time at which they were recorded: what a reader has not seen yet.
const FEED: &str = "feed";

/// Revocations by the time until which they matter: all that a new reader needs. It does not read past
/// those that no longer matter, of which there may be many.
const LIVE: &str = "live";
