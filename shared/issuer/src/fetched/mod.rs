//! Documents that others publish, such as key sets: fetched by few, recorded in the table, and kept in
//! memory while they are fresh.
//!
//! A document is fetched at most once in 30 s for the whole service, whoever asks and whatever comes
//! back: the one who raises `next_attempt` in its record fetches, and all others use the record. A fetch
//! that fails replaces nothing; the last copy is used until it is 24 h old.

mod documents;
mod key_sets;
mod post;
mod public;
mod report_keys;
mod source;
mod url;
mod web;

use std::time::Duration;

use tokensmith_verifier::Timestamp;

pub use documents::{Document, Documents, Parse, Wanted};
pub(crate) use key_sets::{KeySets, PublishedKeys, metadata_url};
pub use post::Post;
pub use public::is_public;
pub(crate) use report_keys::ReportKeys;
pub use source::{Asked, Fetcher, Source};
pub use url::{DocumentUrl, Reach};
pub use web::Web;

/// How long a fetch may take in all. Bounds what a slow server can make a request wait.
pub const FETCH_LIMIT: Duration = Duration::from_secs(3);

/// The longest document that is read, in bytes. Bounds memory, and fits into a record.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// How often a document is fetched at most. Bounds what made-up key ids can make the whole service do to
/// somebody else's server.
pub const FETCH_INTERVAL: Duration = Duration::from_secs(30);

/// A copy is fresh for as long as its server says, but at least and at most this long. A key that was
/// withdrawn is not used longer than the second.
pub const FRESH_FOR: [Duration; 2] = [Duration::from_secs(5 * 60), Duration::from_secs(60 * 60)];

/// Whether a copy may be used because no newer one is to be had.
pub(crate) fn is_usable(fetched_at: Timestamp, now: Timestamp) -> bool {
    now.since(fetched_at) < OLDEST_COPY
}

/// How old a copy may be that is used because no newer one can be had.
pub const OLDEST_COPY: Duration = Duration::from_secs(24 * 60 * 60);
