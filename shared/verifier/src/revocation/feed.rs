//! The client of the feed, for verifiers that cannot read the issuer's table.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{
    FEED_OVERLAP_SECONDS, FeedDocument, FeedRejection, MAX_FEED_BYTES, RevocationHash,
    RevocationSource, RevocationView, StalePolicy,
};
use crate::fetch::{Fetch, FetchError, FetchRequest, Fetched, Flight, fetch_within};
use crate::paths;
use crate::published_keys::{NamesUnknownKey, PublishedKeys, Signed};
use crate::trace;
use crate::{Clock, KeyId, Rejection, RevocationStatus, SignedClaims, SourceUnavailable};

/// How the feed is followed.
#[derive(Clone, Copy, Debug)]
pub struct FeedSettings {
    /// How often the feed is fetched, in whole seconds, at least 1. A revocation takes effect
    /// within this time plus the time of one fetch, but no faster than the issuer renews the feed,
    /// which is every 5 s. The feed says until when it is not renewed, and is fetched again then.
    pub interval: Duration,
    /// What to do while the feed cannot be fetched.
    pub stale: StalePolicy,
}

impl Default for FeedSettings {
    /// Every 5 s; refuses requests when the view is older than two minutes.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            stale: StalePolicy::default(),
        }
    }
}

/// A view that follows the feed of one issuer.
///
/// Nothing runs between requests, because a function may be frozen then. The request that finds the
/// view overdue renews it. Requests that come meanwhile wait for the same fetch, for at most its
/// time limit; after that the policy decides.
#[derive(Debug)]
pub(crate) struct RevocationFeed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    access: FeedAccess,
    settings: FeedSettings,
    view: RevocationView,
    flight: Flight,
    /// When the next attempt is due; 0 before the first.
    due_at: AtomicU64,
    /// Why the last attempt failed.
    failure: Mutex<Option<FeedFailure>>,
}

/// What it takes to read the feed.
#[derive(Debug)]
pub(crate) struct FeedAccess {
    pub(crate) issuer: String,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) time_limit: Duration,
    pub(crate) clock: Clock,
    pub(crate) keys: PublishedKeys,
}

impl RevocationFeed {
    /// Fetches nothing until a token is judged.
    pub(crate) fn new(access: FeedAccess, settings: FeedSettings) -> Self {
        Self(Arc::new(Shared {
            access,
            settings,
            view: RevocationView::new(),
            flight: Flight::default(),
            due_at: AtomicU64::new(0),
            failure: Mutex::default(),
        }))
    }

    pub(crate) fn view(&self) -> &RevocationView {
        &self.0.view
    }

    /// Renews the view if that is due.
    pub(crate) async fn refresh_if_overdue(&self, now: u64) {
        if !self.0.is_overdue(now) {
            return;
        }
        let start = self
            .0
            .flight
            .start(|| self.0.is_overdue(now), self.0.clone().refresh());
        // A view that is far behind continues to catch up after this request has stopped waiting.
        let _ = tokio::time::timeout(self.0.access.time_limit, start.landed()).await;
    }
}

#[async_trait]
impl RevocationSource for RevocationFeed {
    async fn status_of(
        &self,
        token: &SignedClaims,
        now: u64,
    ) -> Result<RevocationStatus, SourceUnavailable> {
        self.refresh_if_overdue(now).await;
        let usable = self.0.settings.stale.check(&self.0.view, now);
        usable.map_err(|stale| self.0.reason_of(stale))?;
        Ok(self.0.view.status_of(token, now))
    }
}

impl Shared {
    fn is_overdue(&self, now: u64) -> bool {
        now >= self.due_at.load(Ordering::Acquire)
    }

    async fn refresh(self: Arc<Self>) {
        let began = self.access.clock.now().seconds();
        let caught_up = self.catch_up().await;
        let interval = self.settings.interval.as_secs();
        let pause = match &caught_up {
            Ok(fresh_for) => fresh_for.map_or(interval, |fresh_for| interval.min(fresh_for)),
            // A key that is about to be published.
            Err(FeedFailure::Rejected(rejection)) if rejection.names_unknown_key() => 1,
            Err(_) => interval,
        };
        let failure = caught_up.err();
        if let Some(failure) = &failure {
            trace::not_renewed("revocations", failure);
        }
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        self.due_at.store(began + pause.max(1), Ordering::Release);
    }

    /// Reads pages until there are no more. Says for how many seconds the last one is fresh.
    async fn catch_up(&self) -> Result<Option<u64>, FeedFailure> {
        let mut since = self.first_cursor();
        let mut fresh_for = None;
        for _ in 0..MAX_PAGES {
            let page = self.access.page(since).await?;
            let (key_id, document) = (page.key_id, page.document);
            self.refuse_withdrawn(&key_id)?;
            if self
                .view
                .as_of()
                .is_some_and(|as_of| document.until < as_of)
                && !document.more
            {
                return Err(FeedRejection::Older.into());
            }
            self.view.apply(document.entries, document.until);
            fresh_for = page.fresh_for;
            if !document.more {
                break;
            }
            since = document.until;
        }
        Ok(fresh_for)
    }

    /// Whoever has stolen a key could sign a feed that does not say that it was withdrawn.
    fn refuse_withdrawn(&self, key_id: &KeyId) -> Result<(), FeedFailure> {
        let hash = RevocationHash::of_key(key_id.as_str());
        let now = self.access.clock.now().seconds();
        match self.view.not_before(hash, now) {
            Some(_) => Err(FeedRejection::Rejected(Rejection::KeyWithdrawn).into()),
            None => Ok(()),
        }
    }

    /// The end of the view minus the overlap, rounded so that verifiers request the same documents
    /// and a cache on the way can answer them.
    fn first_cursor(&self) -> u64 {
        let as_of = self.view.as_of().unwrap_or(0);
        let since = as_of.saturating_sub(FEED_OVERLAP_SECONDS);
        since - since % self.settings.interval.as_secs().max(1)
    }

    fn reason_of(&self, stale: SourceUnavailable) -> SourceUnavailable {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match failure.as_ref() {
            Some(failure) => SourceUnavailable::Revocations(failure.to_string()),
            None => stale,
        }
    }
}

impl FeedAccess {
    async fn page(&self, since: u64) -> Result<Page, FeedFailure> {
        let request = FetchRequest {
            url: &format!("{}{}?since={since}", self.issuer, paths::REVOCATIONS),
            etag: None,
            max_bytes: MAX_FEED_BYTES,
        };
        let fetched = fetch_within(self.time_limit, &*self.fetch, request).await?;
        let Fetched::Document(body, headers) = fetched else {
            return Err(FetchError::Status(304).into());
        };
        let jws = String::from_utf8(body)
            .map_err(|_| FetchError::Unusable("the revocation feed is not text"))?;
        let now = self.clock.now().seconds();
        let verified = |keys: &_| FeedDocument::verified(&jws, keys, &self.issuer, since, now);
        let (key_id, document) = self.keys.prove(Signed::Feed, verified).await??;
        Ok(Page {
            key_id,
            document,
            fresh_for: headers.fresh_for(),
        })
    }
}

/// A document that was read.
struct Page {
    key_id: KeyId,
    document: FeedDocument,
    /// For how many seconds the issuer, or a cache on the way, gives out the same one.
    fresh_for: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
enum FeedFailure {
    #[error("the revocation feed cannot be read: {0}")]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Rejected(#[from] FeedRejection),
}

/// How many pages one renewal reads. The next one continues from there. Bounds the work that a
/// hostile response can cause.
const MAX_PAGES: usize = 1000;
