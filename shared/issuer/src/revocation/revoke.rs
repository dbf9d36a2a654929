//! Revocation (RFC 7009). Each kind is one write, which also puts the record into the feed.

use std::time::Duration;

use tokensmith_verifier::AccessTokenClaims;

use crate::config::{MAX_ACCESS_TTL, SERVER_CLOCK_SKEW};
use crate::credential::GrantId;
use crate::names::ClientId;
use crate::store::aws_calls::ATTEMPT_TIMEOUT;
use crate::store::records::{Client, FeedAttributes, Grant, RevokedToken, Subject};
use crate::store::{Change, Key, Record, StoreError, Table, Update};
use tokensmith_verifier::{Clock, Timestamp};

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
    let mut change = Change::of_existing()
        .if_absent("revoked_at")
        .set("revoked_at", now)?
        .set_all(FeedAttributes::new(now, forgotten))?
        .expiring(forgotten);
    if let Some(client) = client {
        change = change.if_equal("client_id", client)?;
    }
    Ok(match table.update(&Grant::key_of(id), change).await? {
        Update::Applied(_) => RevokeOutcome::Revoked,
        Update::Refused(Some(grant)) if client.is_none_or(|client| grant.client_id == *client) => {
            RevokeOutcome::Revoked
        }
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
    let revoked = RevokedToken {
        jti: claims.jti.clone(),
        // Verifiers accept a token for the clock skew after its `exp`, so the record must last as
        // long.
        expires_at: expires_at.after(Duration::from_secs(tokensmith_verifier::CLOCK_SKEW_SECONDS)),
        feed: FeedAttributes::new(now, expires_at),
    };
    // A record that exists already has the same content.
    table.insert(&revoked).await?;
    Ok(RevokeOutcome::Revoked)
}

/// Revokes all grants and tokens that `client` has now. Later ones are valid.
///
/// # Errors
/// [`StoreError`] when it is unknown whether the write was applied. Repeating it is safe.
pub async fn revoke_client(
    table: &Table,
    client: &ClientId,
    clock: &Clock,
) -> Result<RevokeOutcome, StoreError> {
    revoke_until_now(table, &Client::key_of(client), clock).await
}

/// Revokes all grants of `subject` until now, and their tokens. Later ones are valid.
///
/// # Errors
/// [`StoreError`] when it is unknown whether the write was applied. Repeating it is safe.
pub async fn revoke_subject(
    table: &Table,
    subject: &str,
    clock: &Clock,
) -> Result<RevokeOutcome, StoreError> {
    revoke_until_now(table, &Subject::key_of(subject), clock).await
}

/// Adds the revocation of everything until now to the change that disables or deletes a client, so
/// that both are one write.
///
/// # Errors
/// [`StoreError`] when the change cannot be expressed.
pub fn with_revocation(change: Change, now: Timestamp) -> Result<Change, StoreError> {
    Ok(change
        .set("not_before", cut_off(now))?
        .set_all(FeedAttributes::new(now, cut_off(now).after(MAX_ACCESS_TTL)))?
        .single_attempt())
}

/// Sets a record's `not_before` from the current time. Each retry needs a new timestamp, so the
/// code retries, not the SDK.
async fn revoke_until_now<R: Record>(
    table: &Table,
    key: &Key<R>,
    clock: &Clock,
) -> Result<RevokeOutcome, StoreError> {
    let mut attempts_left = ATTEMPTS;
    loop {
        let now = clock.now();
        let change = Change::of_existing().if_absent_or_less("not_before", cut_off(now));
        attempts_left -= 1;
        return match table.update(key, with_revocation(change, now)?).await {
            // A refusal means that the record has a later `not_before`, which covers everything
            // until now as well.
            Ok(Update::Applied(_) | Update::Refused(Some(_))) => Ok(RevokeOutcome::Revoked),
            Ok(Update::Refused(None)) => Ok(RevokeOutcome::NothingFound),
            Err(_) if attempts_left > 0 => continue,
            Err(err) => Err(err),
        };
    }
}

/// The `not_before` of a revocation that is attempted at `now`.
///
/// The write may be applied up to the attempt's time-out after `now`, and the server that issues a
/// token may be ahead by the clock skew. A token that rests on a read within that time must be
/// covered, because the read could not see the revocation.
fn cut_off(now: Timestamp) -> Timestamp {
    now.after(ATTEMPT_TIMEOUT + SERVER_CLOCK_SKEW)
}

const ATTEMPTS: u32 = 3;
