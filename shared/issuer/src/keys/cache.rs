//! A value that is loaded from the table and kept for a while. However many requests need it at the
//! same time, it is loaded once.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokensmith_verifier::Timestamp;

/// Keeps the last load of a `T`.
#[derive(Debug)]
pub(super) struct Cache<T> {
    ttl: Duration,
    current: RwLock<Option<Loaded<T>>>,
    /// Held while loading, so that many requests cause one load.
    loading: tokio::sync::Mutex<()>,
}

/// What was loaded, and when.
#[derive(Debug)]
pub(super) struct Loaded<T> {
    pub at: Timestamp,
    pub value: Arc<T>,
}

impl<T> Cache<T> {
    /// An empty cache, which keeps each load for `ttl`.
    pub(super) fn new(ttl: Duration) -> Self {
        Self {
            ttl,
            current: RwLock::new(None),
            loading: tokio::sync::Mutex::new(()),
        }
    }

    /// How long a load is kept.
    pub(super) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// The last load, however old it is.
    pub(super) fn peek(&self) -> Option<Loaded<T>> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last load while it is fresh, and a new one after that.
    pub(super) async fn fresh<E>(
        &self,
        now: Timestamp,
        load: impl AsyncFnOnce(Option<Arc<T>>) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        self.fresh_within(self.ttl, now, load).await
    }

    /// The last load while it is fresh and younger than `age`, and a new one after that.
    pub(super) async fn fresh_within<E>(
        &self,
        age: Duration,
        now: Timestamp,
        load: impl AsyncFnOnce(Option<Arc<T>>) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let ttl = self.ttl.min(age);
        match self.peek() {
            Some(loaded) if now.since(loaded.at) < ttl => Ok(loaded.value),
            seen => self.newer_than(seen, now, load).await,
        }
    }

    /// Makes the next reader load again. That load can take over what has not changed.
    pub(super) fn expire(&self) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = &mut *current {
            loaded.at = Timestamp::default();
        }
    }

    /// Drops the last load: the next reader has to load.
    pub(super) fn clear(&self) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A load that is newer than `seen`: one that another request made while this one waited, or a
    /// new one. `load` gets the last value, so that it can take over what has not changed.
    pub(super) async fn newer_than<E>(
        &self,
        seen: Option<Loaded<T>>,
        now: Timestamp,
        load: impl AsyncFnOnce(Option<Arc<T>>) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let _loading = self.loading.lock().await;
        let current = self.peek().map(|loaded| loaded.value);
        let seen = seen.map(|loaded| loaded.value);
        if let Some(newer) = &current
            && seen.is_none_or(|seen| !Arc::ptr_eq(&seen, newer))
        {
            return Ok(newer.clone());
        }
        let value = Arc::new(load(current).await?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Loaded {
            at: now,
            value: value.clone(),
        });
        Ok(value)
    }
}

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        Self {
            at: self.at,
            value: self.value.clone(),
        }
    }
}

/// For how long a process goes by a table without keys. It was started before there were any, by the check
/// of a new stack, and answers as soon as the first have been made.
pub(super) const ABSENCES_ARE_KEPT: Duration = Duration::from_secs(1);
