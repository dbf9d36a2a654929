//! The revocation feed as one function serves it. The function keeps in memory what still matters, so
//! that all requests of an interval together cost one query of what is new, and one signature for each
//! document, whatever they ask for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokensmith_verifier::{
    FEED_TYPE, FeedDocument, Revocation, RevocationHash, RevocationKind, Timestamp,
};
use tokio::sync::Mutex;

use super::pass::{OVERLAP, Progress, SKEW};
use crate::config::Config;
use crate::error::Unavailable;
use crate::keys::{ActiveKey, SigningKeys};
use crate::store::records::FeedEntry;
use crate::store::{StoreError, TableReader};
use crate::token::sign_document;

/// The feed of one function.
#[derive(Debug)]
pub(crate) struct ServedFeed {
    table: TableReader,
    /// Locked by the request that renews it, or that signs a document.
    copy: Mutex<FeedCopy>,
}

/// A signed document.
#[derive(Clone, Debug)]
pub(crate) struct SignedFeed {
    /// A compact JWS.
    pub jws: Bytes,
    /// How long there will be no newer one.
    pub fresh_for: Duration,
}

impl ServedFeed {
    /// The feed of `table`. This reads nothing yet.
    pub(crate) fn new(table: TableReader) -> Self {
        Self {
            table,
            copy: Mutex::default(),
        }
    }

    /// The document for readers who have seen everything before `since`.
    ///
    /// # Errors
    /// [`Unavailable`] when the table fails, or no key can sign.
    pub(crate) async fn document(
        &self,
        since: Timestamp,
        now: Timestamp,
        config: &Config,
        keys: &SigningKeys,
    ) -> Result<SignedFeed, Unavailable> {
        let mut copy = self.copy.lock().await;
        copy.renew(&self.table, now).await?;
        let told = copy.time_at(now);
        let page = copy.page_for(since);
        let fresh_for = copy.fresh_for(told);
        if let Some(jws) = copy.signed.get(&page.from).cloned() {
            return Ok(SignedFeed { jws, fresh_for });
        }
        let key = copy.signing_key(config, keys, now).await?;
        let document = FeedDocument {
            iss: config.issuer.as_str().to_owned(),
            iat: told.seconds(),
            exp: told.after(BELIEVED_FOR).seconds(),
            from: page.from.seconds(),
            until: page.until.seconds(),
            more: page.more,
            entries: copy.entries_of(&page),
        };
        let jws: Bytes = sign_document(FEED_TYPE, &document, &key).await?.into();
        if copy.signed.len() < KEPT_DOCUMENTS {
            copy.signed.insert(page.from, jws.clone());
        }
        Ok(SignedFeed { jws, fresh_for })
    }
}

/// The revocations that still matter, as of the beginning of an interval.
#[derive(Debug, Default)]
struct FeedCopy {
    /// By the time at which they were recorded. One that was renewed is here twice.
    entries: BTreeMap<(Timestamp, RevocationHash), Revocation>,
    /// The signing keys among them.
    withdrawn_keys: HashSet<RevocationHash>,
    progress: Progress,
    /// The beginning of the interval for which it was renewed.
    renewed_for: Timestamp,
    /// Everything that was recorded before it is here: the beginning of the interval, unless the index
    /// is behind.
    complete_at: Timestamp,
    /// Where each page begins, but for the first.
    page_breaks: Vec<Timestamp>,
    /// What was signed in this interval, by the beginning of its page.
    signed: HashMap<Timestamp, Bytes>,
    failure: Option<(Timestamp, StoreError)>,
    /// What time it was at the last read, by the own clock and by DynamoDB's, if the own one is wrong.
    clocks: Option<(Timestamp, Timestamp)>,
}

/// A part of the feed that one document has.
#[derive(Debug)]
struct Page {
    from: Timestamp,
    until: Timestamp,
    more: bool,
}

impl FeedCopy {
    /// What time it is when the own clock says `now`. Entries are dated by DynamoDB's clock, and readers
    /// believe a feed that is dated like their own clocks.
    fn time_at(&self, now: Timestamp) -> Timestamp {
        match self.clocks {
            Some((own, told)) => told.after(now.since(own)),
            None => now,
        }
    }

    fn fresh_for(&self, told: Timestamp) -> Duration {
        let next = self.renewed_for.after(FEED_INTERVAL);
        next.since(told).max(Duration::from_secs(1))
    }

    /// Reads what is new, once in each interval.
    async fn renew(&mut self, table: &TableReader, now: Timestamp) -> Result<(), StoreError> {
        let interval = beginning_of_interval(self.time_at(now));
        if self.progress.complete_at().is_some() && self.renewed_for >= interval {
            return Ok(());
        }
        if let Some((at, failure)) = &self.failure
            && *at == now
        {
            return Err(failure.clone());
        }
        let read = self.read(table, now).await;
        self.failure = read.as_ref().err().map(|failure| (now, failure.clone()));
        read?;
        let told = self.time_at(now);
        let matters = told.before(SKEW).seconds();
        self.entries.retain(|_, entry| entry.until() >= matters);
        let keys = self
            .entries
            .values()
            .filter(|entry| entry.revoked() == RevocationKind::Key);
        self.withdrawn_keys = keys.map(Revocation::hash).collect();
        self.renewed_for = beginning_of_interval(told);
        let behind = now.since(self.progress.complete_at().unwrap_or_default());
        let complete_at = beginning_of_interval(told.before(behind));
        self.complete_at = self.complete_at.max(complete_at);
        self.page_breaks = self.break_into_pages();
        self.signed.clear();
        Ok(())
    }

    /// Reads pages until there are no more.
    async fn read(&mut self, table: &TableReader, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let mut query = self.progress.next_query(now, self.time_at(now));
            let after = query.after.take();
            let page = table.query_feed(query.selection, after, None).await?;
            let checked = page.checked(now);
            self.clocks = (checked != now).then_some((now, checked));
            self.progress.advance(query, &page, now);
            let by_time =
                |entry: FeedEntry| ((entry.at, entry.revocation.hash()), entry.revocation);
            self.entries.extend(page.entries.into_iter().map(by_time));
            if page.next.is_none() {
                return Ok(());
            }
        }
    }

    /// A page ends with a second, because readers ask for what follows by the second.
    fn break_into_pages(&self) -> Vec<Timestamp> {
        let (mut breaks, mut in_page, mut last) = (Vec::new(), 0, None);
        for (at, _) in self.entries.keys() {
            if in_page >= PAGE && last.is_some_and(|last| last < *at) {
                breaks.push(*at);
                in_page = 0;
            }
            in_page += 1;
            last = Some(*at);
        }
        breaks
    }

    /// The page that a reader needs next. Readers who need little get little, if that saves much;
    /// otherwise all get the same.
    fn page_for(&self, since: Timestamp) -> Page {
        let following = self.page_breaks.partition_point(|start| *start <= since);
        let page = Page {
            from: match following {
                0 => Timestamp::default(),
                _ => self.page_breaks[following - 1],
            },
            until: *self.page_breaks.get(following).unwrap_or(&self.complete_at),
            more: following < self.page_breaks.len(),
        };
        let recent = self.complete_at.before(OVERLAP + 2 * FEED_INTERVAL);
        let saves_much = || {
            self.entries
                .range((page.from, RevocationHash::FIRST)..(recent, RevocationHash::FIRST))
                .nth(FEW)
                .is_some()
        };
        match !page.more && page.from < recent && recent <= since && saves_much() {
            true => Page {
                from: recent,
                ..page
            },
            false => page,
        }
    }

    fn entries_of(&self, page: &Page) -> Vec<Revocation> {
        let from = self.entries.range((page.from, RevocationHash::FIRST)..);
        // The last page has what was recorded after the interval began, too.
        let within = from.take_while(|((at, _), _)| !page.more || *at < page.until);
        within.map(|(_, entry)| *entry).collect()
    }

    /// The key that signs, which is never one that the feed says was withdrawn: whoever has stolen it
    /// could sign as well.
    async fn signing_key(
        &self,
        config: &Config,
        keys: &SigningKeys,
        now: Timestamp,
    ) -> Result<Arc<ActiveKey>, Unavailable> {
        let is_withdrawn = |key: &ActiveKey| {
            self.withdrawn_keys
                .contains(&RevocationHash::of_key(key.id.as_str()))
        };
        let key = feed_key(config, keys, now).await?;
        if !is_withdrawn(&key) {
            return Ok(key);
        }
        // It is cached from before it was withdrawn.
        keys.expire();
        let key = feed_key(config, keys, now).await?;
        match is_withdrawn(&key) {
            false => Ok(key),
            true => Err(Unavailable::Key(
                "the key for the feed was withdrawn".into(),
            )),
        }
    }
}

/// The key of the first algorithm that can sign a document of any length. In KMS, EdDSA cannot; a
/// configuration without another algorithm is refused there.
async fn feed_key(
    config: &Config,
    keys: &SigningKeys,
    now: Timestamp,
) -> Result<Arc<ActiveKey>, Unavailable> {
    for algorithm in &config.algorithms {
        let key = keys.active(*algorithm, now).await?;
        if key.signer.longest_message() == usize::MAX {
            return Ok(key);
        }
    }
    Err(Unavailable::Key(
        "no key can sign a feed of any length".into(),
    ))
}

/// The beginning of the interval that `now` is in. It is the same for all functions, so that a reader
/// that is answered by another one each time never goes back.
fn beginning_of_interval(now: Timestamp) -> Timestamp {
    let past = now.seconds() % FEED_INTERVAL.as_secs();
    now.before(Duration::from_secs(past))
}

/// How often the feed is renewed. A revocation is in it after this time at the latest.
pub(crate) const FEED_INTERVAL: Duration = Duration::from_secs(5);

/// How many entries a document has, unless more were recorded within one second: about 1 MB.
const PAGE: usize = 10_000;

/// How many entries a reader may get that it has already: about 8 KB.
const FEW: usize = 64;

/// How many documents are kept, of at most about 1 MB each. Documents beyond that are signed for each
/// request.
const KEPT_DOCUMENTS: usize = 16;

/// How long verifiers accept a document. Bounds how long a cache, or an attacker on the way, can
/// replay one that lacks a newer revocation.
const BELIEVED_FOR: Duration = Duration::from_secs(60);
