use serde::{Deserialize, Serialize};

use super::Revocation;
use crate::{CLOCK_SKEW_SECONDS, Rejection, VerificationKeys};

/// What `GET {issuer}/oauth2/revocations?since=CURSOR` answers: the payload of a compact JWS by
/// one of the issuer's published keys, whose `typ` is [`FEED_TYPE`], so that it is never taken for
/// a token. Moments are whole seconds since 1970, by the issuer's clock.
///
/// The document holds every live revocation that was recorded from [`from`](Self::from) on and
/// before [`until`](Self::until); entries beyond, and ones that the reader has already, do no harm.
/// A cursor is the `until` of an earlier document, an earlier moment, or 0 for everything. Where
/// there is too much for one document, `until` is earlier and [`more`](Self::more) is set; a
/// document never ends within a second.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FeedDocument {
    /// The issuer URL.
    pub iss: String,
    /// When it was made. What was recorded before it and is not in it yet comes within
    /// [`FEED_OVERLAP_SECONDS`].
    pub iat: u64,
    /// How long it may be believed: also the end of what caches may keep it for.
    pub exp: u64,
    /// The cursor that was asked for, or an earlier moment.
    pub from: u64,
    /// Nothing is missing that was recorded before this moment; at most `iat`.
    pub until: u64,
    /// Whether there is more to be had, from `until` on, at once.
    pub more: bool,
    /// The revocations, in any order.
    pub entries: Vec<Revocation>,
}

impl FeedDocument {
    /// The document of a JWS, once its signature is proven and it fits what was asked.
    ///
    /// # Errors
    /// [`FeedRejection`], with [`Rejection::UnknownKey`] where newer keys may help.
    pub fn verified(
        jws: &str,
        keys: &VerificationKeys,
        issuer: &str,
        since: u64,
        now: u64,
    ) -> Result<Self, FeedRejection> {
        let document: Self = keys.signed_payload(jws, FEED_TYPE)?;
        if document.iss != issuer {
            return Err(Rejection::WrongIssuer.into());
        }
        if now >= document.exp.saturating_add(CLOCK_SKEW_SECONDS) {
            return Err(Rejection::Expired.into());
        }
        if document.iat > now.saturating_add(CLOCK_SKEW_SECONDS) {
            return Err(Rejection::NotYetValid.into());
        }
        if document.from > since {
            return Err(FeedRejection::Gap);
        }
        if document.until < since || (document.more && document.until == since) {
            return Err(FeedRejection::NoProgress);
        }
        if document.until > document.iat {
            return Err(FeedRejection::FromTheFuture);
        }
        Ok(document)
    }
}

/// Why a feed document is not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FeedRejection {
    /// It is not signed by the issuer, not a feed document, or not of this time.
    #[error("the revocation feed is not accepted: {0}")]
    Rejected(#[from] Rejection),
    /// It starts after the moment that was asked for.
    #[error("the revocation feed has a gap")]
    Gap,
    /// It ends before the moment that was asked for, or announces more without getting there.
    #[error("the revocation feed makes no progress")]
    NoProgress,
    /// It claims to know what is revoked after it was made.
    #[error("the revocation feed ends after it was made")]
    FromTheFuture,
    /// It ends before one that was seen earlier: it is a replay.
    #[error("the revocation feed is older than what is known")]
    Older,
}

/// The `typ` of a feed document.
pub const FEED_TYPE: &str = "tokensmith-revocations+jwt";

/// The longest feed document that a verifier reads, in bytes.
pub const MAX_FEED_BYTES: usize = 4 * 1024 * 1024;

/// How far readers of the feed go back each time, in seconds. A revocation is recorded under the
/// moment at which its writer began; until it can be read, it takes at most the time limit of the
/// writer (5 s), the difference between the issuer's own clocks (1 s), and the lag of the index.
pub const FEED_OVERLAP_SECONDS: u64 = 30;
