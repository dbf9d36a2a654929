use std::sync::Arc;

use super::{KeyLimits, Signed};
use crate::VerificationKeys;
use crate::fetch::{CacheHeaders, FetchError};

/// The last keys that were fetched, and the failures since. Pure: every decision is given the time.
#[derive(Debug, Default)]
pub(super) struct State {
    good: Option<FetchedKeys>,
    /// The last attempt, when it failed.
    failed: Option<(u64, FetchError)>,
    /// The time of the last fetch because of an unknown key of a token.
    sought_for_token_at: Option<u64>,
    /// The same for the revocation feed.
    sought_for_feed_at: Option<u64>,
}

impl State {
    /// The last keys, unless they are too old to be used.
    pub(super) fn good_keys(&self, now: u64, limits: KeyLimits) -> Option<Arc<VerificationKeys>> {
        let good = self.good.as_ref()?;
        (good.age(now) < limits.max_age).then(|| good.keys.clone())
    }

    /// The age of the last keys in whole lifetimes: 0 means that they are fresh.
    pub(super) fn lifetimes(&self, now: u64) -> u64 {
        let good = self.good.as_ref();
        good.map_or(0, |good| good.age(now) / good.lifetime)
    }

    /// Whether to renew the keys: neither while they are fresh, nor right after a failure.
    pub(super) fn may_renew(&self, now: u64, limits: KeyLimits) -> bool {
        let pause = match self.good_keys(now, limits) {
            Some(_) if self.lifetimes(now) == 0 => return false,
            Some(_) => limits.cooldown,
            None => PAUSE_WITHOUT_KEYS,
        };
        let failed_at = self.failed.as_ref().map(|(at, _)| *at);
        is_past(failed_at, pause, now)
    }

    pub(super) fn may_seek_unknown(&self, document: Signed, now: u64, limits: KeyLimits) -> bool {
        match document {
            Signed::Token => is_past(self.sought_for_token_at, limits.cooldown, now),
            Signed::Feed => is_past(self.sought_for_feed_at, PAUSE_FOR_FEED, now),
        }
    }

    pub(super) fn keys(&self) -> Option<Arc<VerificationKeys>> {
        self.good.as_ref().map(|good| good.keys.clone())
    }

    pub(super) fn holds(&self, keys: &Arc<VerificationKeys>) -> bool {
        let good = self.good.as_ref();
        good.is_some_and(|good| Arc::ptr_eq(&good.keys, keys))
    }

    pub(super) fn fetched_from(&self, url: &str) -> Option<FetchedKeys> {
        self.good.as_ref().filter(|good| good.url == url).cloned()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Why there are no keys.
    pub(super) fn failure(&self) -> FetchError {
        let failed = self.failed.as_ref().map(|(_, err)| err.clone());
        // If no failure was recorded, the fetch ended together with its runtime.
        failed.unwrap_or(FetchError::Unusable("the keys were never fetched"))
    }

    pub(super) fn renewed(&mut self, keys: FetchedKeys) {
        self.good = Some(keys);
        self.failed = None;
    }

    pub(super) fn failed(&mut self, now: u64, err: FetchError) {
        self.failed = Some((now, err));
    }

    pub(super) fn sought_unknown(&mut self, document: Signed, now: u64) {
        match document {
            Signed::Token => self.sought_for_token_at = Some(now),
            Signed::Feed => self.sought_for_feed_at = Some(now),
        }
    }
}

/// Keys that were fetched.
#[derive(Clone, Debug)]
pub(super) struct FetchedKeys {
    pub(super) etag: Option<String>,
    keys: Arc<VerificationKeys>,
    url: String,
    confirmed_at: u64,
    /// For how long they are fresh, in seconds.
    lifetime: u64,
}

impl FetchedKeys {
    pub(super) fn new(
        keys: VerificationKeys,
        url: String,
        headers: &CacheHeaders,
        asked_at: u64,
    ) -> Self {
        Self {
            etag: headers.etag.clone(),
            keys: Arc::new(keys),
            url,
            confirmed_at: asked_at,
            lifetime: lifetime(headers),
        }
    }

    /// The same keys, confirmed by a 304.
    pub(super) fn confirmed(self, headers: &CacheHeaders, asked_at: u64) -> Self {
        Self {
            confirmed_at: asked_at,
            lifetime: lifetime(headers),
            ..self
        }
    }

    fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.confirmed_at)
    }
}

fn lifetime(headers: &CacheHeaders) -> u64 {
    let said = headers.fresh_for().unwrap_or(DEFAULT_LIFETIME);
    said.clamp(MIN_LIFETIME, MAX_LIFETIME)
}

fn is_past(moment: Option<u64>, pause: u64, now: u64) -> bool {
    moment.is_none_or(|moment| now >= moment.saturating_add(pause))
}

/// The issuer's own `max-age`, for when a proxy has removed `Cache-Control`.
const DEFAULT_LIFETIME: u64 = 300;

/// The least lifetime, so that keys are not fetched for every request, whatever `Cache-Control`
/// says.
const MIN_LIFETIME: u64 = 30;

/// The longest lifetime. It is well below the two hours for which a new key is published before it
/// signs.
const MAX_LIFETIME: u64 = 3600;

/// The pause between two fetches because the feed names an unknown key.
const PAUSE_FOR_FEED: u64 = 1;

/// The pause between two attempts while there are no keys and no request can be answered.
const PAUSE_WITHOUT_KEYS: u64 = 1;
