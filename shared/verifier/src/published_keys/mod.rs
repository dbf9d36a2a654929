//! The issuer's published keys, from a URL. They are kept while they are fresh, renewed by one
//! fetch at a time, and still used during an outage.

mod location;
mod state;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

pub(crate) use location::KeysLocation;
use state::{FetchedKeys, State};

use crate::fetch::{Fetch, FetchError, FetchRequest, Fetched, Flight, Start, fetch_within};
use crate::trace;
use crate::{Clock, FeedRejection, Rejection, VerificationKeys};

/// How long keys are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyLimits {
    /// The least time between two fetches for unknown keys, and between two attempts to renew while
    /// there are keys. Bounds the fetches that made-up key names can cause.
    pub(crate) cooldown: u64,
    /// How long keys are used without a response from the issuer. Bounds how long a withdrawn key
    /// is accepted when an attacker blocks the fetch.
    pub(crate) max_age: u64,
}

/// The keys of one issuer. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct PublishedKeys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    location: KeysLocation,
    fetch: Arc<dyn Fetch>,
    time_limit: Duration,
    clock: Clock,
    limits: KeyLimits,
    state: RwLock<State>,
    flight: Flight,
}

impl PublishedKeys {
    /// Fetches nothing until a key is needed.
    pub(crate) fn new(
        location: KeysLocation,
        fetch: Arc<dyn Fetch>,
        time_limit: Duration,
        clock: Clock,
        limits: KeyLimits,
    ) -> Self {
        Self(Arc::new(Shared {
            location,
            fetch,
            time_limit,
            clock,
            limits,
            state: RwLock::default(),
            flight: Flight::default(),
        }))
    }

    /// Checks a signature with the current keys. If it names a key that is not among them, checks
    /// once more with newer keys. `document` says what names the key.
    ///
    /// # Errors
    /// The outer error is a [`FetchError`] when there are no keys to check with; the inner one is
    /// that of the check.
    pub(crate) async fn prove<T, E: NamesUnknownKey>(
        &self,
        document: Signed,
        check: impl Fn(&VerificationKeys) -> Result<T, E>,
    ) -> Result<Result<T, E>, FetchError> {
        let keys = self.current().await?;
        match check(&keys) {
            Err(err) if err.names_unknown_key() => {
                let newer = self.newer_than(&keys, document).await?;
                Ok(check(&newer))
            }
            checked => Ok(checked),
        }
    }

    /// Makes sure that there are keys.
    ///
    /// # Errors
    /// [`FetchError`] when there are no usable keys, and none can be fetched.
    pub(crate) async fn fetched(&self) -> Result<(), FetchError> {
        self.current().await.map(drop)
    }

    /// The keys to verify with.
    ///
    /// Fresh keys cost no I/O. Keys that are no longer fresh are renewed in the background. A
    /// function that is frozen between requests may never finish that, so when keys are older than
    /// two lifetimes, the request that starts the renewal waits for it.
    ///
    /// # Errors
    /// [`FetchError`] when there are no usable keys, and none can be fetched.
    async fn current(&self) -> Result<Arc<VerificationKeys>, FetchError> {
        let now = self.0.clock.now().seconds();
        let (keys, unconfirmed) = {
            let state = self.0.read();
            (state.good_keys(now, self.0.limits), state.lifetimes(now))
        };
        match (keys, unconfirmed) {
            (Some(keys), 0) => return Ok(keys),
            (Some(keys), 1) => {
                self.renew(now);
                return Ok(keys);
            }
            (Some(_), _) => {
                if let Start::Started(landing) = self.renew(now) {
                    landing.wait().await;
                }
            }
            (None, _) => self.renew(now).landed().await,
        }
        let state = self.0.read();
        let keys = state.good_keys(self.0.clock.now().seconds(), self.0.limits);
        keys.ok_or_else(|| state.failure())
    }

    /// The keys to use after a document named one that is not in `seen`: newer ones, if there are any.
    /// However many such tokens come, they cause one fetch in each cooldown.
    ///
    /// # Errors
    /// [`FetchError`] when the last fetch failed, so that it is unknown whether the key exists.
    async fn newer_than(
        &self,
        seen: &Arc<VerificationKeys>,
        document: Signed,
    ) -> Result<Arc<VerificationKeys>, FetchError> {
        let now = self.0.clock.now().seconds();
        let work = self.0.clone().refresh(Cause::UnknownKeyOf(document));
        let needed = || {
            let state = self.0.read();
            state.holds(seen) && state.may_seek_unknown(document, now, self.0.limits)
        };
        self.0.flight.start(needed, work).landed().await;
        let state = self.0.read();
        match state.keys() {
            Some(keys) if !Arc::ptr_eq(&keys, seen) => Ok(keys),
            _ if state.has_failed() => Err(state.failure()),
            _ => Ok(seen.clone()),
        }
    }

    fn renew(&self, now: u64) -> Start {
        let needed = || self.0.read().may_renew(now, self.0.limits);
        let work = self.0.clone().refresh(Cause::Age);
        self.0.flight.start(needed, work)
    }
}

/// Rejections that may change once newer keys are fetched.
pub(crate) trait NamesUnknownKey {
    fn names_unknown_key(&self) -> bool;
}

impl NamesUnknownKey for Rejection {
    fn names_unknown_key(&self) -> bool {
        *self == Self::UnknownKey
    }
}

impl NamesUnknownKey for FeedRejection {
    fn names_unknown_key(&self) -> bool {
        *self == Self::Rejected(Rejection::UnknownKey)
    }
}

/// What names a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signed {
    /// A token. Anybody can make up tokens with unknown keys.
    Token,
    /// The revocation feed, which the issuer itself has sent. It is signed by a new key as soon as an old
    /// one is withdrawn, and tokens with unknown keys must not delay that it is believed.
    Feed,
}

#[derive(Clone, Copy)]
enum Cause {
    Age,
    UnknownKeyOf(Signed),
}

impl Shared {
    async fn refresh(self: Arc<Self>, cause: Cause) {
        let fetched = self.load().await;
        let now = self.clock.now().seconds();
        let mut state = self.write();
        if let Cause::UnknownKeyOf(document) = cause {
            state.sought_unknown(document, now);
        }
        match fetched {
            Ok(keys) => state.renewed(keys),
            Err(err) => {
                trace::not_renewed("keys", &err);
                state.failed(now, err);
            }
        }
    }

    async fn load(&self) -> Result<FetchedKeys, FetchError> {
        // The time of the request. The response is no older than this.
        let asked_at = self.clock.now().seconds();
        let url = self.location.url(&*self.fetch, self.time_limit).await?;
        let known = self.read().fetched_from(&url);
        let request = FetchRequest {
            url: &url,
            etag: known.as_ref().and_then(|known| known.etag.as_deref()),
            max_bytes: MAX_JWKS_BYTES,
        };
        match (
            fetch_within(self.time_limit, &*self.fetch, request).await?,
            known,
        ) {
            (Fetched::Document(body, headers), _) => {
                let keys = VerificationKeys::usable_in(&body)
                    .map_err(|_| FetchError::Unusable("the key set has no key that can be used"))?;
                Ok(FetchedKeys::new(keys, url, &headers, asked_at))
            }
            (Fetched::NotModified(headers), Some(known)) => Ok(known.confirmed(&headers, asked_at)),
            (Fetched::NotModified(_), None) => Err(FetchError::Status(304)),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Far more than the keys of one issuer need. Bounds the memory that a wrong or hostile response
/// can take.
const MAX_JWKS_BYTES: usize = 64 * 1024;
