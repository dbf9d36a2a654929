//! The queries of the two sparse indexes. An index lags behind its table, and DynamoDB offers no
//! strongly consistent reads of it.

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Item, PK, SK, number, read_number};
use super::reader::failed;
use super::records::FeedEntry;
use super::{Cursor, Key, StoreError, TableReader};
use tokensmith_verifier::{Revocation, Timestamp};

impl TableReader {
    /// Reads one page of the keys that the index `by_subject` has for `subject` (`Query`).
    pub async fn query_by_subject<R>(
        &self,
        subject: &str,
        after: Option<Cursor>,
    ) -> Result<(Vec<Key<R>>, Option<Cursor>), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(BY_SUBJECT)
            .key_condition_expression("subject = :subject")
            .expression_attribute_values(":subject", AttributeValue::S(subject.to_owned()))
            .set_exclusive_start_key(after.map(|cursor| cursor.0))
            .send()
            .await
            .map_err(|err| failed("Query", &err))?;
        let keys = answer.items.unwrap_or_default().into_iter().map(Key::of);
        let keys = keys.collect::<Result<_, _>>()?;
        Ok((keys, answer.last_evaluated_key.map(Cursor)))
    }

    /// Reads one page of the revocations at or after `since`, oldest first, that concern a token
    /// which has not expired at `now` (`Query` on the index `feed`). A page ends after `most`
    /// entries, or after 1 MB.
    pub async fn query_feed(
        &self,
        shard: &str,
        since: Timestamp,
        now: Timestamp,
        after: Option<Cursor>,
        most: Option<u32>,
    ) -> Result<(Vec<FeedEntry>, Option<Cursor>), StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(FEED)
            .key_condition_expression("feed_shard = :shard AND feed_at >= :since")
            .filter_expression("feed_until >= :now")
            .expression_attribute_values(":shard", AttributeValue::S(shard.to_owned()))
            .expression_attribute_values(":since", number(since.seconds()))
            .expression_attribute_values(":now", number(now.seconds()))
            .set_exclusive_start_key(after.map(|cursor| cursor.0))
            .set_limit(most.and_then(|most| most.try_into().ok()))
            .send()
            .await
            .map_err(|err| failed("Query", &err))?;
        let items = answer.items.unwrap_or_default().into_iter().map(feed_entry);
        let items = items.collect::<Result<_, _>>()?;
        Ok((items, answer.last_evaluated_key.map(Cursor)))
    }
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
    let (Some(at), Some(until)) = (seconds("feed_at"), seconds("feed_until")) else {
        return Err(unreadable("it has no place in the feed"));
    };
    let pk = text(PK).and_then(|pk| pk.split_once('#'));
    let revocation = match (pk, text("name"), seconds("not_before")) {
        (Some(("JTI", jti)), ..) => Revocation::of_token(jti, until),
        (Some(("GRANT", id)), ..) => Revocation::of_grant(id, until),
        (Some(("CLIENT", id)), _, Some(not_before)) => Revocation::of_client(id, not_before, until),
        (Some(("SUBJECT", _)), Some(name), Some(not_before)) => {
            Revocation::of_subject(name, not_before, until)
        }
        (Some(("CLIENT" | "SUBJECT", _)), ..) | (None, ..) => {
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

const BY_SUBJECT: &str = "by_subject";
const FEED: &str = "feed";
