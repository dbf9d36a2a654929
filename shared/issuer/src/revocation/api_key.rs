//! The end of an API key: at once, or when the overlap with the key that replaces it is over. Each is one write, which also puts
//! the key into the feed.

use std::time::Duration;

use tokensmith_verifier::Timestamp;

use super::RevokeOutcome;
use super::revoke::in_feed;
use crate::config::{MAX_ACCESS_TTL, MAX_CACHE_TTL};
use crate::credential::ApiKeyId;
use crate::names::ClientId;
use crate::store::records::{ApiKey, FeedAttributes};
use crate::store::{Change, StoreError, Stored, Table, Update};

/// Revokes an API key, and every token that it was exchanged for. If `client` is named, only when it is that client's.
///
/// # Errors
/// [`StoreError`] when it is unknown whether the write was applied. Repeating it is safe, and renews the entry in the feed.
pub async fn revoke_api_key(
    table: &Table,
    id: &ApiKeyId,
    client: Option<&ClientId>,
    now: Timestamp,
) -> Result<RevokeOutcome, StoreError> {
    let key = ApiKey::key_of(id);
    let mut current = table.get(&key).await?;
    loop {
        let is_own = |key: &Stored<ApiKey>| client.is_none_or(|client| key.client_id == *client);
        let Some(stored) = current.filter(is_own) else {
            return Ok(RevokeOutcome::NothingFound);
        };
        let change = match stored.revoked_at {
            Some(_) => in_feed(Change::of_existing(), entry(&stored, now, REVOKED_FOR))?,
            None => {
                let revoked = ApiKey {
                    revoked_at: Some(now),
                    ..stored.record.clone()
                };
                Change::between(&stored, &revoked)?.set_all(entry(&stored, now, REVOKED_FOR))?
            }
        };
        // That it ended at the beginning of time is what every clock agrees on.
        let change = change.set(ENDS_AT, Timestamp::default())?;
        match table.update(&key, change).await? {
            Update::Applied(_) => return Ok(RevokeOutcome::Revoked),
            // Its entry is in the feed at a later moment.
            Update::Refused(Some(newer)) if newer.revoked_at.is_some() => {
                return Ok(RevokeOutcome::Revoked);
            }
            Update::Refused(newer) => current = newer,
        }
    }
}

/// Brings the end of an API key forward to `ends_at`, because `successor` replaces it. Returns the key as it is now; `None` when
/// it was changed or is gone since it was read.
///
/// # Errors
/// [`StoreError`] when it is unknown whether the write was applied.
pub(crate) async fn end_api_key(
    table: &Table,
    stored: Stored<ApiKey>,
    successor: &ApiKeyId,
    ends_at: Timestamp,
    now: Timestamp,
) -> Result<Option<ApiKey>, StoreError> {
    let ends_at = stored.expires_at.min(ends_at);
    let ending = ApiKey {
        expires_at: ends_at,
        replaced_by: Some(successor.clone()),
        ..stored.record.clone()
    };
    let change = Change::between(&stored, &ending)?
        .set_all(entry(&stored, now, REPLACED_FOR))?
        .set(ENDS_AT, ends_at)?;
    match table.update(&ApiKey::key_of(&stored.id), change).await? {
        Update::Applied(ended) => Ok(Some(ended.record)),
        Update::Refused(_) => Ok(None),
    }
}

/// The place in the feed of a key that ends. Its moment only moves forward.
fn entry(stored: &Stored<ApiKey>, now: Timestamp, matters_for: Duration) -> FeedAttributes {
    let at = stored.feed_at.unwrap_or_default().max(now);
    FeedAttributes::new(at, at.after(matters_for))
}

/// The attribute that says when a key in the feed ends. The indexes have one attribute for such a moment, whatever the record.
const ENDS_AT: &str = "not_before";

/// How long it matters that a key was replaced. Functions may use a record that they have read before for a while, and what
/// they issue then lives for a while; authorizers read each key again within an hour.
const REPLACED_FOR: Duration = MAX_ACCESS_TTL.saturating_add(MAX_CACHE_TTL);

/// Of two entries, readers take the one that matters for longer. That must be the revocation, also when the two were written
/// by clocks that differ.
const REVOKED_FOR: Duration = REPLACED_FOR.saturating_add(MAX_CACHE_TTL);
