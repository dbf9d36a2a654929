//! Moments that a wrong clock has set ahead of the time.
//!
//! Nothing is issued to a client or subject until its `not_before` has passed, and a `not_before` is
//! never lowered, because tokens before it would be accepted again. So it is lowered only after every
//! key was replaced: no such token is accepted then, whatever its time.

use std::time::Duration;

use super::{AdminEvent, Administrator, Changed, TableScan};
use crate::error::Unavailable;
use crate::keys::{ReplacedHmacKeys, RotatedNow};
use crate::revocation::{cut_off, revoked_until};
use crate::store::records::{Client, FeedAttributes, Subject};
use crate::store::{Change, CheckedTime, Record, StoreError, Stored, Update};
use tokensmith_verifier::Timestamp;

impl Administrator {
    /// Replaces all keys, and then lowers the `not_before` of every client and subject that lies ahead
    /// of the time to the current one. If none does, nothing is changed.
    ///
    /// Safe to repeat: if it is killed at any point, another call does what is left.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail.
    pub async fn repair(&self) -> Result<Changed<Option<Repaired>>, Unavailable> {
        let event = |lowered: &[Lowered]| AdminEvent::Repaired {
            lowered: lowered.iter().map(|one| one.name.clone()).collect(),
        };
        let change = |time: CheckedTime| async move {
            let repaired = self.repair_from(time).await?;
            let lowered = repaired.as_ref().map(|done| done.lowered.as_slice());
            let event = event(lowered.unwrap_or_default());
            // Replacing all keys may have taken a while.
            let time = self.time().await?;
            Ok(self.in_feed(repaired, event, time))
        };
        self.recorded(event(&[]), change).await
    }

    async fn repair_from(&self, time: CheckedTime) -> Result<Option<Repaired>, Unavailable> {
        let scan = self.scan();
        let clients = ahead::<Client>(&scan, Client::PREFIX, &time).await?;
        let subjects = ahead::<Subject>(&scan, Subject::PREFIX, &time).await?;
        if clients.is_empty() && subjects.is_empty() {
            return Ok(None);
        }
        let (signing_keys, hmac_keys) = self.replace_all_keys().await?;
        let time = self.time().await?;
        let mut lowered = self.lower(&clients, &time).await?;
        lowered.extend(self.lower(&subjects, &time).await?);
        Ok(Some(Repaired {
            signing_keys,
            hmac_keys,
            lowered,
        }))
    }

    /// Whether a repair would lower anything.
    pub(super) async fn has_times_ahead(&self) -> Result<bool, StoreError> {
        let (scan, time) = (self.scan(), self.time().await?);
        let clients = ahead::<Client>(&scan, Client::PREFIX, &time).await?;
        let subjects = ahead::<Subject>(&scan, Subject::PREFIX, &time).await?;
        Ok(!clients.is_empty() || !subjects.is_empty())
    }

    /// Lowers the `not_before` of these records, unless they were changed since they were read. Each entry
    /// in the feed ends a second later than the one that it replaces, which makes it the newer one for
    /// readers.
    async fn lower<R: Revocable>(
        &self,
        records: &[Stored<R>],
        time: &CheckedTime,
    ) -> Result<Vec<Lowered>, StoreError> {
        let mut lowered = Vec::new();
        for stored in records {
            let (Some(from), to) = (stored.not_before(), cut_off(time)) else {
                continue;
            };
            let until = FeedAttributes::end_of(from).after(Duration::from_secs(1));
            let change = Change::between(stored, &stored.record)?;
            let change = revoked_until(change, time.now(), to)?
                .set_all(FeedAttributes::new(time.now(), until))?;
            if let Update::Applied(_) = self.table.update(&stored.key(), change).await? {
                let name = stored.name();
                lowered.push(Lowered { name, from, to });
            }
        }
        Ok(lowered)
    }
}

/// The records whose `not_before` lies further ahead than a revocation that is made now.
async fn ahead<R: Revocable>(
    scan: &TableScan,
    prefix: &str,
    time: &CheckedTime,
) -> Result<Vec<Stored<R>>, StoreError> {
    let records = scan.records::<R>(prefix).await?;
    let limit = cut_off(time);
    let is_ahead = |stored: &Stored<R>| stored.not_before().is_some_and(|moment| moment > limit);
    Ok(records.into_iter().filter(is_ahead).collect())
}

/// A record with a `not_before`.
trait Revocable: Record {
    fn name(&self) -> String;
    fn not_before(&self) -> Option<Timestamp>;
}

impl Revocable for Client {
    fn name(&self) -> String {
        self.id.to_string()
    }

    fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }
}

impl Revocable for Subject {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }
}

/// What a repair has done.
#[derive(Debug)]
pub struct Repaired {
    /// The signing keys that were made and withdrawn.
    pub signing_keys: RotatedNow,
    /// The HMAC keys that were made and withdrawn.
    pub hmac_keys: ReplacedHmacKeys,
    /// What was lowered.
    pub lowered: Vec<Lowered>,
}

/// A `not_before` that was lowered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lowered {
    /// The client or subject.
    pub name: String,
    /// Where it was.
    pub from: Timestamp,
    /// Where it is.
    pub to: Timestamp,
}
