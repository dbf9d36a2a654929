use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokensmith_verifier::{Clock, Timestamp};
use tokio::sync::Mutex;

use super::{Asked, DocumentUrl, Source, is_usable};
use crate::error::Unavailable;
use crate::event::ServiceEvent;
use crate::store::records::FetchedCopy;

/// What a document is read as.
pub trait Parse: Sized + Send + Sync + 'static {
    /// Reads the document that is published at `url`.
    ///
    /// # Errors
    /// What is wrong with it, for the log. Such a document replaces no other one.
    fn parse(url: &DocumentUrl, body: &str) -> Result<Self, String>;
}

/// The documents of one kind, as this process knows them. While a document is fresh, it costs no call.
pub struct Documents<T> {
    source: Arc<dyn Source>,
    clock: Clock,
    known: Cache<DocumentUrl, Arc<Known<T>>>,
}

/// One of them.
#[derive(Debug)]
pub struct Document<T> {
    /// What it says.
    pub content: T,
    /// When it was fetched, or last found to be current.
    pub fetched_at: Timestamp,
    stale_after: Timestamp,
}

/// Which copy of a document is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// A fresh one.
    Usual,
    /// One that is newer than this: something is missing in it, such as a key.
    NewerThan(Timestamp),
}

impl Wanted {
    pub(super) fn allows(self, fetched_at: Timestamp) -> bool {
        match self {
            Self::Usual => true,
            Self::NewerThan(seen) => fetched_at > seen,
        }
    }
}

impl<T: Parse> Documents<T> {
    /// Nothing is known yet; documents come from `source`.
    pub fn new(source: Arc<dyn Source>, clock: Clock) -> Self {
        Self {
            source,
            clock,
            known: Cache::new(KNOWN_DOCUMENTS),
        }
    }

    /// The document at `url`. Where no copy is to be had that is as new as wanted, it is an older one.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no copy that is younger than 24 h.
    pub async fn get(
        &self,
        url: &DocumentUrl,
        wanted: Wanted,
    ) -> Result<Arc<Document<T>>, Unavailable> {
        let (known, now) = (self.known(url), self.clock.now());
        if let Some(look) = known.answering(wanted, now) {
            return look.usable(url, now);
        }
        let _looking = match (known.looking.try_lock(), known.last()) {
            (Ok(looking), _) => looking,
            // Nobody waits for a slow server who can do without.
            (Err(_), Some(look)) if wanted == Wanted::Usual && look.usable(url, now).is_ok() => {
                return look.usable(url, now);
            }
            (Err(_), _) => known.looking.lock().await,
        };
        // Another request may have looked while this one waited.
        if let Some(look) = known.answering(wanted, now) {
            return look.usable(url, now);
        }
        let last = known.last().and_then(|look| look.usable(url, now).ok());
        let look = self.look(url, wanted, last, now).await?;
        *known.last.write().unwrap_or_else(PoisonError::into_inner) = Some(look.clone());
        look.usable(url, now)
    }

    /// Asks the source. While the table cannot be read, what is known is good enough.
    async fn look(
        &self,
        url: &DocumentUrl,
        wanted: Wanted,
        known: Option<Arc<Document<T>>>,
        now: Timestamp,
    ) -> Result<Look<T>, Unavailable> {
        let check = |body: &str| T::parse(url, body).map(|_| ());
        let asked = Asked {
            url,
            wanted,
            now,
            check: &check,
        };
        let newest = match (self.source.newest(asked).await, &known) {
            (Ok(newest), _) => newest.and_then(|copy| Document::of(url, copy)),
            (Err(err), Some(_)) => {
                ServiceEvent::fetch_failed(url, &err.to_string()).write();
                None
            }
            (Err(err), None) => return Err(err.into()),
        };
        let age = |document: &Arc<Document<T>>| document.fetched_at;
        Ok(Look {
            at: now,
            wanted,
            found: newest
                .map(Arc::new)
                .into_iter()
                .chain(known)
                .max_by_key(age),
        })
    }

    fn known(&self, url: &DocumentUrl) -> Arc<Known<T>> {
        let unknown = || Ok::<_, std::convert::Infallible>(Arc::default());
        match self.known.get_or_insert_with(url, unknown) {
            Ok(known) => known,
            Err(never) => match never {},
        }
    }
}

impl<T: Parse> Document<T> {
    /// A record that this release cannot read is as good as none.
    fn of(url: &DocumentUrl, copy: FetchedCopy) -> Option<Self> {
        Some(Self {
            content: T::parse(url, &copy.body).ok()?,
            fetched_at: copy.fetched_at,
            stale_after: copy.stale_after,
        })
    }
}

impl<T> fmt::Debug for Documents<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Documents({:?})", self.source)
    }
}

/// What this process knows of a document.
struct Known<T> {
    last: RwLock<Option<Look<T>>>,
    /// Held by who looks, so that many requests cause one look.
    looking: Mutex<()>,
}

impl<T> Known<T> {
    fn last(&self) -> Option<Look<T>> {
        let last = self.last.read();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answering(&self, wanted: Wanted, now: Timestamp) -> Option<Look<T>> {
        self.last().filter(|look| look.answers(wanted, now))
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self {
            last: RwLock::new(None),
            looking: Mutex::new(()),
        }
    }
}

/// What was found when somebody looked.
struct Look<T> {
    at: Timestamp,
    wanted: Wanted,
    found: Option<Arc<Document<T>>>,
}

impl<T> Look<T> {
    /// Whether there is no need to look again. Nobody does so more often than once in a second, so that neither
    /// an outage nor made-up key ids make every request read the table.
    fn answers(&self, wanted: Wanted, now: Timestamp) -> bool {
        let is_fresh = |document: &Arc<Document<T>>| {
            now < document.stale_after && wanted.allows(document.fetched_at)
        };
        let just_looked = now.since(self.at) < LOOK_INTERVAL;
        let for_as_much = wanted == Wanted::Usual || self.wanted != Wanted::Usual;
        (just_looked && for_as_much) || self.found.as_ref().is_some_and(is_fresh)
    }

    /// What was found, while it may be used.
    fn usable(&self, url: &DocumentUrl, now: Timestamp) -> Result<Arc<Document<T>>, Unavailable> {
        let found = self.found.clone();
        found
            .filter(|document| is_usable(document.fetched_at, now))
            .ok_or_else(|| Unavailable::NoDocument(url.host().to_owned()))
    }
}

impl<T> Clone for Look<T> {
    fn clone(&self) -> Self {
        Self {
            at: self.at,
            wanted: self.wanted,
            found: self.found.clone(),
        }
    }
}

/// Bounds the memory that documents take.
const KNOWN_DOCUMENTS: usize = 200;

const LOOK_INTERVAL: Duration = Duration::from_secs(1);
