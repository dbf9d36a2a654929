use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::credential::sha256_text;
use crate::fetched::{DocumentUrl, is_usable};
use crate::store::{Key, Record};

/// A document that somebody else publishes, as far as it was fetched.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Fetched {
    /// Where it is published.
    pub url: DocumentUrl,
    /// When it may be fetched again, whether or not the last attempt succeeded. Whoever raises this is the
    /// one who fetches.
    pub next_attempt: Timestamp,
    /// When whoever fetches has ended at the latest; `None` after the end.
    pub fetching_until: Option<Timestamp>,
    /// The last copy; `None` before the first success.
    pub copy: Option<FetchedCopy>,
}

/// A copy of a document.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FetchedCopy {
    /// What was answered.
    pub body: String,
    /// Its entity tag (RFC 9110 §8.8.3), for the next request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub etag: Option<String>,
    /// When the request began, or the last one by which it was still current.
    pub fetched_at: Timestamp,
    /// When it should be fetched again.
    pub stale_after: Timestamp,
}

impl Fetched {
    /// The key of the document at `url`. It is a hash, because a role can be restricted to a prefix, and
    /// no URL should look like another record's key.
    pub fn key_of(url: &DocumentUrl) -> Key<Self> {
        Key::single("FETCHED", &sha256_text(url.as_str().as_bytes()))
    }

    /// Whether somebody may be fetching it: who dies at it does not say so.
    pub fn is_being_fetched(&self, now: Timestamp) -> bool {
        self.fetching_until.is_some_and(|until| now <= until)
    }

    /// When a record whose last attempt began at `now` may go.
    pub fn expiry(now: Timestamp) -> Timestamp {
        now.after(KEPT)
    }
}

impl FetchedCopy {
    /// Whether it may be used because no newer one is to be had.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        is_usable(self.fetched_at, now)
    }
}

impl Record for Fetched {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.url)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(Self::expiry(self.next_attempt))
    }
}

/// Longer than a copy is used, so that operators can still see what there was.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
