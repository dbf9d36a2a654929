//! Revocations that concern tokens which have not expired, and where a verifier knows them from.

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

use crate::{AccessTokenClaims, RevocationStatus, SourceUnavailable};

/// Where a verifier asks what has become of a token: the issuer's feed, or an embedder's own
/// source, such as a [`RevocationView`] of the issuer's table.
#[async_trait]
pub trait RevocationSource: fmt::Debug + Send + Sync {
    /// What is known at `now`, in seconds since 1970, of revocations that concern these claims.
    /// Their signature is proven, and they have not expired.
    ///
    /// # Errors
    /// [`SourceUnavailable`] when too little is known to let the token pass.
    async fn status_of(
        &self,
        claims: &AccessTokenClaims,
        now: u64,
    ) -> Result<RevocationStatus, SourceUnavailable>;
}
