use serde::{Deserialize, Serialize};

use super::{Revocation, RevocationHash};
use crate::{CLOCK_SKEW_SECONDS, KeyId, Rejection, VerificationKeys};

/// The response to `GET {issuer}/oauth2/revocations?since=CURSOR`: the payload of a compact JWS,
/// signed by one of the issuer's published keys. Its `typ` is [`FEED_TYPE`], so that it is never
/// taken for a token. Times are whole seconds since 1970, by the issuer's clock.
///
/// The document has every live revocation that was recorded at or after [`from`](Self::from) and
/// before [`until`](Self::until). It may have others, and ones that the reader has already. A
/// cursor is the `until` of an earlier document, an earlier time, or 0 for all revocations. If
/// there is too much for one document, `until` is earlier and [`more`](Self::more) is set. A
/// document never ends within a second.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FeedDocument {
    /// The issuer URL.
    pub iss: String,
    /// When it was made. Revocations that were recorded before and are not in it yet appear within
    /// [`FEED_OVERLAP_SECONDS`].
    pub iat: u64,
    /// When it expires. Verifiers do not accept it after this time, from whatever cache it comes.
    pub exp: u64,
    /// The cursor that was requested, or an earlier time.
    pub from: u64,
    /// The document is complete up to this time, which is at most `iat`.
    pub until: u64,
    /// Whether the reader can fetch more at once, with `until` as the cursor.
    pub more: bool,
    /// The revocations, in any order.
    pub entries: Vec<Revocation>,
}

impl FeedDocument {
    /// The document in a JWS, once its signature was verified and it fits the request, and the key that
    /// signed it.
    ///
    /// # Errors
    /// [`FeedRejection`]; it holds [`Rejection::UnknownKey`] when newer keys may help.
    pub fn verified(
        jws: &str,
        keys: &VerificationKeys,
        issuer: &str,
        since: u64,
        now: u64,
    ) -> Result<(KeyId, Self), FeedRejection> {
        let (key_id, document): (_, Self) = keys.signed_payload(jws, FEED_TYPE)?;
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
        // Whoever has stolen a key can sign with it. The issuer does not sign with a withdrawn one.
        let own_key = RevocationHash::of_key(key_id.as_str());
        if document.entries.iter().any(|entry| entry.hash() == own_key) {
            return Err(Rejection::KeyWithdrawn.into());
        }
        Ok((key_id, document))
    }
}

/// Why a feed document is not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FeedRejection {
    /// It is not signed by the issuer, not a feed document, or not valid at this time.
    #[error("the revocation feed is not accepted: {0}")]
    Rejected(#[from] Rejection),
    /// It starts after the requested cursor.
    #[error("the revocation feed has a gap")]
    Gap,
    /// It ends before the requested cursor, or has `more` set without ending after the cursor.
    #[error("the revocation feed makes no progress")]
    NoProgress,
    /// It claims to be complete up to a time after it was made.
    #[error("the revocation feed ends after it was made")]
    FromTheFuture,
    /// It ends before one that was seen earlier: a replay.
    #[error("the revocation feed is older than what is known")]
    Older,
}

/// The `typ` of a feed document.
pub const FEED_TYPE: &str = "tokensmith-revocations+jwt";

/// The longest feed document that a verifier reads, in bytes. Bounds the memory that a hostile
/// response can take.
pub const MAX_FEED_BYTES: usize = 4 * 1024 * 1024;

/// How far readers of the feed go back each time, in seconds, so that they miss no revocation. A
/// revocation is recorded under the time at which its writer began. Until it can be read, it takes
/// at most the time limit of the writer (5 s), the difference between the issuer's own clocks (1
/// s), and the lag of the index.
pub const FEED_OVERLAP_SECONDS: u64 = 30;
