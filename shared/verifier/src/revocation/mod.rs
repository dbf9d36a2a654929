//! Revocations of tokens that have not expired, and the sources that a verifier gets them from.

mod document;
mod entry;
mod feed;
mod staleness;
mod view;

use std::fmt;

use async_trait::async_trait;

pub use document::{FEED_OVERLAP_SECONDS, FEED_TYPE, FeedDocument, FeedRejection, MAX_FEED_BYTES};
pub use entry::{MalformedRevocation, Revocation, RevocationHash, RevocationKind};
pub use feed::FeedSettings;
pub(crate) use feed::{FeedAccess, RevocationFeed};
pub use staleness::{StalePolicy, UnknownPolicy, WhenStale};
pub use view::RevocationView;

use crate::{RevocationStatus, SignedClaims, SourceUnavailable};

/// A source that tells a verifier whether a token is revoked: the issuer's feed, or an embedder's
/// own, such as a [`RevocationView`] of the issuer's table.
#[async_trait]
pub trait RevocationSource: fmt::Debug + Send + Sync {
    /// The revocations that concern a token at `now`, in seconds since 1970. Its signature was
    /// verified, and it has not expired.
    ///
    /// # Errors
    /// [`SourceUnavailable`] when too little is known about revocations to accept the token.
    async fn status_of(
        &self,
        token: &SignedClaims,
        now: u64,
    ) -> Result<RevocationStatus, SourceUnavailable>;
}
