//! Revocation (RFC 7009). Each kind is one write, which also puts the record into the feed.
//!
//! What is written only moves forward, by a condition. Repeating a revocation renews its entry in the
//! feed, so that repeating repairs one that was written with a wrong time.

use std::time::Duration;

use tokensmith_verifier::AccessTokenClaims;

use super::pass::SKEW;
use crate::config::{MAX_ACCESS_TTL, SERVER_CLOCK_SKEW};
use crate::credential::GrantId;
use crate::names::ClientId;
use crate::store::aws_calls::ATTEMPT_TIMEOUT;
use crate::store::records::{Client, FeedAttributes, Grant, RevokedToken, Subject};
use crate::store::{Change, CheckedTime, Insert, Key, Record, StoreError, Stored, Table, Update};
use tokensmith_verifier::Timestamp;

/// The outcome of a revocation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevokeOutcome {
    /// It is revoked, now or since earlier.
    Revoked,
    /// There is nothing to revoke, or it belongs to another client.
    NothingFound,
}

/// Revokes a grant and all its tokens. If `client` is named, only when the grant was given to it.
///
/// # Errors
/// [`StoreError`] when it is unknown whether the write was applied. Repeating it is safe.
pub async fn revoke_grant(
    table: &Table,
    id: GrantId,
    client: Option<&ClientId>,
    now: Timestamp,
) -> Result<RevokeOutcome, StoreError> {
    let forgotten = now.after(MAX_ACCESS_TTL);
    let mut change = in_feed(Change::of_existing(), FeedAttributes::new(now, forgotten))?
        .set_if_absent("revoked_at", now)?
        .expiring(forgotten);
    if let Some(client) = client {
        change = change.if_equal("client_id", client)?;
    }
    let is_own = |grant: &Grant| client.is_none_or(|client| grant.client_id == *client);
    Ok(match table.update(&Grant::key_of(id), change).await? {
        Update::Applied(_) => RevokeOutcome::Revoked,
        // Its entry is in the feed at a later moment.
        Update::Refused(Some(grant)) if is_own(&grant) => RevokeOutcome::Revoked,
        Update::Refused(_) => RevokeOutcome::NothingFound,
    })
}

/// Revokes one access token.
///
/// # Errors
/// [`StoreError`] when it is unknown whether the write was applied. Repeating it is safe.
pub async fn revoke_access_token(
    table: &Table,
    claims: &AccessTokenClaims,
    now: Timestamp,
) -> Result<RevokeOutcome, StoreError> {
    let expires_at = Timestamp::from_seconds(claims.exp);
    let feed = FeedAttributes::new(now, expires_at);
    let revoked = RevokedToken {
        jti: claims.jti.clone(),
        // Verifiers accept a token for the clock skew after its `exp`, so the record must last as
        // long.
        expires_at: expires_at.after(SKEW),
        feed: feed.clone(),
    };
    if let Insert::Exists(_) = table.insert(&revoked).await? {
        let renewal = in_feed(Change::of_existing(), feed)?;
        let key = RevokedToken::key_of(&claims.jti);
        // Refused: the entry is in the feed at a later moment, or the token has just expired.
        table.update(&key, renewal).await?;
    }
    Ok(RevokeOutcome::Revoked)
}

/// Revokes all grants and tokens that `client` has now. Later ones are valid.
///
/// # Errors
/// [`StoreError`] when it is unknown whether the write was applied. Repeating it is safe.
pub async fn revoke_client(
    table: &Table,
    client: &ClientId,
    time: &CheckedTime,
) -> Result<RevokeOutcome, StoreError> {
    revoke_until_now(table, &Client::key_of(client), time).await
}

/// Revokes all grants of `subject` until now, and their tokens. Later ones are valid.
///
/// # Errors
/// [`StoreError`] when it is unknown whether the write was applied. Repeating it is safe.
pub async fn revoke_subject(
    table: &Table,
    subject: &str,
    time: &CheckedTime,
) -> Result<RevokeOutcome, StoreError> {
    revoke_until_now(table, &Subject::key_of(subject), time).await
}

/// Adds the revocation of everything until now to a change of `current`, which disables or deletes the
/// client, so that both are one write. The change must be refused if the record is not `current` any
/// more, for the moments of both are compared here.
///
/// # Errors
/// [`StoreError`] when the change cannot be expressed.
pub(crate) fn with_revocation(
    change: Change,
    current: &Stored<Client>,
    time: &CheckedTime,
) -> Result<Change, StoreError> {
    let not_before = current.not_before.unwrap_or_default().max(cut_off(time));
    let at = current.feed_at.unwrap_or_default().max(time.now());
    revoked_until(change, at, not_before)
}

/// Sets a record's `not_before` from the current time. Each retry needs a new timestamp, so the
/// code retries, not the SDK.
async fn revoke_until_now<R: Record>(
    table: &Table,
    key: &Key<R>,
    time: &CheckedTime,
) -> Result<RevokeOutcome, StoreError> {
    let mut attempts_left = ATTEMPTS;
    loop {
        let not_before = cut_off(time);
        let change = Change::of_existing().if_absent_or_less("not_before", not_before);
        let change = revoked_until(change, time.now(), not_before)?;
        attempts_left -= 1;
        return match table.update(key, change).await {
            // A refusal means that the record has a later `not_before`, which covers everything
            // until now as well, and stands in the feed at a moment that is not earlier.
            Ok(Update::Applied(_) | Update::Refused(Some(_))) => Ok(RevokeOutcome::Revoked),
            Ok(Update::Refused(None)) => Ok(RevokeOutcome::NothingFound),
            Err(_) if attempts_left > 0 => continue,
            Err(err) => Err(err),
        };
    }
}

/// Adds to `change` that everything up to `not_before` is revoked. Each attempt needs a timestamp of
/// its own.
pub(crate) fn revoked_until(
    change: Change,
    now: Timestamp,
    not_before: Timestamp,
) -> Result<Change, StoreError> {
    let feed = FeedAttributes::new(now, FeedAttributes::end_of(not_before));
    Ok(change
        .set("not_before", not_before)?
        .set_all(feed)?
        .single_attempt())
}

/// Puts a record into the feed, or moves its entry forward.
pub(crate) fn in_feed(change: Change, feed: FeedAttributes) -> Result<Change, StoreError> {
    change
        .if_absent_or_less("feed_at", feed.feed_at)
        .set_all(feed)
}

/// The `not_before` of a revocation that is attempted now.
///
/// The write may be applied up to the attempt's time-out later, and the server that issues a token
/// may be ahead by the clock skew. A token that rests on a read within that time must be covered,
/// because the read could not see the revocation.
pub(crate) fn cut_off(time: &CheckedTime) -> Timestamp {
    time.latest().after(ATTEMPT_TIMEOUT + SERVER_CLOCK_SKEW)
}

/// The time of something that is made now, of somebody whose revocations reach up to `covered`: these set `not_before` slightly ahead of
/// the clock, and must not cover what is made after them.
pub fn made_after(covered: Option<Timestamp>, now: Timestamp) -> Timestamp {
    covered.map_or(now, |end| now.max(end.after(Duration::from_secs(1))))
}

/// How often what needs a new time is tried.
pub(super) const ATTEMPTS: u32 = 3;
