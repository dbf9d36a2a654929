//! The grants that one subject has given, all of them: an index names them, and each is then read strongly consistent.
//!
//! The index lags a moment behind the table: a grant that was made just now may be missing.

use futures_util::future::try_join_all;
use tokensmith_verifier::Timestamp;

use super::revoke_grant;
use crate::names::SubjectName;
use crate::store::records::Grant;
use crate::store::{AnyKey, Key, KeyPage, StoreError, Table, TableReader};

/// Some of the grants of a subject.
#[derive(Debug)]
pub struct GivenPage {
    /// The grants, in no particular order.
    pub grants: Vec<Grant>,
    /// The key after which there are more; `None` at the end.
    pub next: Option<Key<Grant>>,
}

/// Reads the next page of the grants that `subject` has given: a query of the index, and one read of what it names.
///
/// # Errors
/// [`StoreError`] when the table fails, or holds a grant that this release cannot read.
pub async fn given_grants(
    table: &TableReader,
    subject: &SubjectName,
    after: Option<&Key<Grant>>,
) -> Result<GivenPage, StoreError> {
    let prefix = format!("{}#", Grant::PREFIX);
    let KeyPage { keys, next } = table
        .query_by_subject::<Grant>(subject.as_str(), &prefix, after, PAGE)
        .await?;
    if keys.is_empty() {
        return Ok(GivenPage {
            grants: Vec::new(),
            next,
        });
    }
    let wanted: Vec<&dyn AnyKey> = keys.iter().map(|key| key as &dyn AnyKey).collect();
    let mut found = table.get_several(&wanted).await?;
    let grants = keys.iter().filter_map(|key| found.take(key).transpose());
    let grants = grants.map(|grant| Ok(grant?.record));
    Ok(GivenPage {
        grants: grants.collect::<Result<_, StoreError>>()?,
        next,
    })
}

/// Revokes those grants of `subject` that `ends` picks, however many there are, and returns how many it were. Each is one write.
///
/// # Errors
/// [`StoreError`] when the table fails. Some may be revoked then; repeating it revokes the others.
pub async fn revoke_given(
    table: &Table,
    subject: &SubjectName,
    ends: impl Fn(&Grant) -> bool + Send,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let (mut revoked, mut after) = (0, None);
    loop {
        let GivenPage { grants, next } = given_grants(table, subject, after.as_ref()).await?;
        let live = grants.iter().filter(|grant| grant.revoked_at.is_none());
        let ending: Vec<_> = live.filter(|grant| ends(grant)).map(|one| one.id).collect();
        for some in ending.chunks(AT_ONCE) {
            let writes = some.iter().map(|id| revoke_grant(table, *id, None, now));
            try_join_all(writes).await?;
        }
        revoked += ending.len();
        match next {
            Some(next) => after = Some(next),
            None => return Ok(revoked),
        }
    }
}

/// As many as one `BatchGetItem` reads.
const PAGE: i32 = 100;

/// So many writes are under way at the same time.
const AT_ONCE: usize = 8;
