//! The newest record of a document: read by all, renewed by those who may fetch.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokensmith_verifier::{
    CacheHeaders, Fetch, FetchRequest, Fetched as Answer, Timestamp, fetch_within,
};
use tokio::time::Instant;

use super::{DocumentUrl, FETCH_INTERVAL, FETCH_LIMIT, FRESH_FOR, MAX_DOCUMENT_BYTES, Wanted};
use crate::event::ServiceEvent;
use crate::store::records::{Fetched, FetchedCopy};
use crate::store::{Change, Record, StoreError, Stored, Table, TableReader, Update};

/// Where a process finds documents: in the records alone, or also where they are published.
#[async_trait]
pub trait Source: fmt::Debug + Send + Sync {
    /// The newest copy that is to be had now, which may be an old one.
    ///
    /// # Errors
    /// [`StoreError`] when the record cannot be read.
    async fn newest(&self, asked: Asked<'_>) -> Result<Option<FetchedCopy>, StoreError>;
}

/// Which document is asked for.
pub struct Asked<'a> {
    /// Where it is published.
    pub url: &'a DocumentUrl,
    /// Which copy of it.
    pub wanted: Wanted,
    /// The time.
    pub now: Timestamp,
    /// Says what is wrong with a body that is not such a document. It is never recorded.
    pub check: &'a (dyn Fn(&str) -> Result<(), String> + Sync),
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asked({}, {:?})", self.url, self.wanted)
    }
}

impl Asked<'_> {
    /// Whether this copy will do without a look at where it is published.
    fn is_answered_by(&self, copy: Option<&FetchedCopy>) -> bool {
        copy.is_some_and(|copy| {
            self.wanted.allows(copy.fetched_at)
                && self.now < copy.stale_after
                && (self.check)(&copy.body).is_ok()
        })
    }

    /// Whether this copy will do while somebody else fetches.
    fn is_bridged_by(&self, copy: Option<&FetchedCopy>) -> bool {
        self.wanted == Wanted::Usual && copy.is_some_and(|copy| copy.is_usable(self.now))
    }
}

/// The records alone.
#[async_trait]
impl Source for TableReader {
    async fn newest(&self, asked: Asked<'_>) -> Result<Option<FetchedCopy>, StoreError> {
        let stored = self.get(&Fetched::key_of(asked.url)).await?;
        Ok(stored.and_then(|stored| stored.record.copy))
    }
}

/// The records, and where documents are published.
#[derive(Clone, Debug)]
pub struct Fetcher {
    table: Table,
    fetch: Arc<dyn Fetch>,
}

impl Fetcher {
    /// Records in `table` what `fetch` brings.
    pub fn new(table: Table, fetch: Arc<dyn Fetch>) -> Self {
        Self { table, fetch }
    }

    async fn read(&self, url: &DocumentUrl) -> Result<Option<Fetched>, StoreError> {
        let stored = self.table.get(&Fetched::key_of(url)).await?;
        Ok(stored.map(|stored| stored.record))
    }

    /// Takes the right to fetch, which is taken once in [`FETCH_INTERVAL`]. Who dies with it keeps it no
    /// longer.
    async fn lease(&self, asked: &Asked<'_>) -> Result<Update<Fetched>, StoreError> {
        let next_attempt = asked.now.after(FETCH_INTERVAL);
        let due = asked.now.after(Duration::from_secs(1));
        let change = Change::default()
            .set("url", asked.url)?
            .set("next_attempt", next_attempt)?
            .set("fetching_until", asked.now.after(FETCH_LIMIT))?
            .expiring(Fetched::expiry(next_attempt))
            .if_absent_or_less("next_attempt", due);
        self.table.update(&Fetched::key_of(asked.url), change).await
    }

    /// Fetches, and records what came. Nothing that fails here replaces the copy that there was.
    async fn fetch(&self, leased: Stored<Fetched>, asked: &Asked<'_>) -> Option<FetchedCopy> {
        let old = leased.copy.clone();
        let copy = match self.download(old.as_ref(), asked).await {
            Ok(copy) => Some(copy),
            Err(reason) => {
                ServiceEvent::fetch_failed(asked.url, &reason).write();
                old
            }
        };
        let ended = Fetched {
            copy,
            fetching_until: None,
            ..leased.record.clone()
        };
        // Refused if somebody else has fetched since: this process was stopped for so long.
        let recorded = match Change::between(&leased, &ended) {
            Ok(change) => self.table.update(&ended.key(), change).await.err(),
            Err(err) => Some(err),
        };
        if let Some(err) = recorded {
            ServiceEvent::fetch_failed(asked.url, &err.to_string()).write();
        }
        ended.copy
    }

    async fn download(
        &self,
        old: Option<&FetchedCopy>,
        asked: &Asked<'_>,
    ) -> Result<FetchedCopy, String> {
        // A copy that this release does not understand is fetched again, not confirmed.
        let old = old.filter(|old| (asked.check)(&old.body).is_ok());
        let request = FetchRequest {
            url: asked.url.as_str(),
            etag: old.and_then(|old| old.etag.as_deref()),
            max_bytes: MAX_DOCUMENT_BYTES,
        };
        let answer = fetch_within(FETCH_LIMIT, &*self.fetch, request).await;
        let (body, headers) = match (answer.map_err(|err| err.to_string())?, old) {
            (Answer::Document(body, headers), _) => {
                let body = String::from_utf8(body).map_err(|_| "it is not UTF-8".to_owned())?;
                (asked.check)(&body)?;
                (body, headers)
            }
            (Answer::NotModified(headers), Some(old)) => {
                let etag = headers.etag.clone().or_else(|| old.etag.clone());
                (old.body.clone(), CacheHeaders { etag, ..headers })
            }
            (Answer::NotModified(_), None) => return Err("304 without a copy".to_owned()),
        };
        let [least, most] = FRESH_FOR;
        let fresh_for = Duration::from_secs(headers.fresh_for().unwrap_or_default());
        Ok(FetchedCopy {
            body,
            etag: headers.etag.filter(|etag| etag.len() <= LONGEST_ETAG),
            fetched_at: asked.now,
            stale_after: asked.now.after(fresh_for.clamp(least, most)),
        })
    }

    /// Waits for the copy that somebody else is fetching. Without this, of many first requests at once all
    /// but one would fail.
    async fn awaited(
        &self,
        asked: &Asked<'_>,
        mut record: Option<Fetched>,
    ) -> Result<Option<Fetched>, StoreError> {
        let deadline = Instant::now() + FETCH_LIMIT;
        while record
            .as_ref()
            .is_some_and(|record| record.is_being_fetched(asked.now))
            && Instant::now() < deadline
        {
            tokio::time::sleep(LOOK_INTERVAL).await;
            record = self.read(asked.url).await?;
        }
        Ok(record)
    }
}

#[async_trait]
impl Source for Fetcher {
    async fn newest(&self, asked: Asked<'_>) -> Result<Option<FetchedCopy>, StoreError> {
        let record = self.read(asked.url).await?;
        let copy = record.as_ref().and_then(|record| record.copy.as_ref());
        if asked.is_answered_by(copy) {
            return Ok(record.and_then(|record| record.copy));
        }
        let is_due = record
            .as_ref()
            .is_none_or(|record| record.next_attempt <= asked.now);
        let record = match is_due {
            false => record,
            true => match self.lease(&asked).await? {
                Update::Applied(leased) => return Ok(self.fetch(leased, &asked).await),
                Update::Refused(current) => current.map(|current| current.record),
            },
        };
        let copy = record.as_ref().and_then(|record| record.copy.as_ref());
        let record = match asked.is_bridged_by(copy) {
            true => record,
            false => self.awaited(&asked, record).await?,
        };
        Ok(record.and_then(|record| record.copy))
    }
}

/// How often those who wait for somebody else's fetch look whether it has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// A longer tag is not kept: the next fetch brings the whole document.
const LONGEST_ETAG: usize = 256;
