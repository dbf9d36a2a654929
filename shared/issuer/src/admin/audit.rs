//! Every change by an operator is recorded: what was begun is a record before the change, and what became of it is in that
//! record after it (invariant 14).

use std::fmt::{self, Debug, Display};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokensmith_verifier::Timestamp;

use super::{
    AdminEvent, Administrator, ApiKeyError, ClientError, FederationError, GrantError, IssueError,
    ResourceError, RestoreError, RevokeError, SettleError, UpstreamError, UserError,
};
use crate::credential::random_id;
use crate::error::Unavailable;
use crate::keys::RetireError;
use crate::store::records::{ChangeOutcome, OperatorChange};
use crate::store::{Change, CheckedTime, Insert, Record, StoreError};

/// Who changes something. It is asked for when something is changed, and not for reading.
#[async_trait]
pub trait Operator: Debug + Send + Sync {
    /// The name by which the change is recorded.
    async fn name(&self) -> Result<String, UnknownOperator>;
}

/// Nobody can say who the operator is. Nothing is changed then.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnknownOperator(pub String);

impl From<UnknownOperator> for StoreError {
    fn from(unknown: UnknownOperator) -> Self {
        Self::Unrecorded(unknown.0)
    }
}

/// A change that was made and recorded. Only this module makes one, so that no change can be forgotten.
#[derive(Debug)]
pub struct Changed<T> {
    /// What came of it.
    pub outcome: T,
    /// What was changed.
    pub event: AdminEvent,
    /// When every function, authorizer and verifier acts on it, as long as none of them is cut off from
    /// the table or the feed.
    pub effective_by: Timestamp,
    recorded: Recorded,
}

impl<T> Changed<T> {
    /// The same change, with what `f` makes of its outcome.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Changed<U> {
        Changed {
            outcome: f(self.outcome),
            event: self.event,
            effective_by: self.effective_by,
            recorded: self.recorded,
        }
    }
}

struct Recorded;

impl Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorded")
    }
}

/// A change that was made, and whose record is not completed yet.
pub(super) struct Made<T> {
    pub(super) outcome: T,
    pub(super) event: AdminEvent,
    pub(super) effective_by: Timestamp,
}

impl Administrator {
    /// Makes a change and records it: `intended` is written before `change` begins, and what became of it after it has ended.
    /// A process that is killed in between leaves a record that is not completed.
    ///
    /// # Errors
    /// Those of `change`; and nothing is changed when nobody can say who the operator is, or the record cannot be written.
    pub(super) async fn recorded<T, E, F>(
        &self,
        intended: AdminEvent,
        change: impl FnOnce(CheckedTime) -> F,
    ) -> Result<Changed<T>, E>
    where
        E: ChangeError,
        F: Future<Output = Result<Made<T>, E>>,
    {
        let by = self.operator.name().await.map_err(StoreError::from)?;
        let time = self.time().await?;
        let begun_at = time.now();
        let record = OperatorChange {
            begun_at,
            millis: milliseconds_in(begun_at, SystemTime::now()),
            id: random_id(),
            by,
            change: intended,
            outcome: ChangeOutcome::Begun,
            reason: None,
        };
        if let Insert::Exists(_) = self.table.insert(&record).await? {
            return Err(StoreError::Unrecorded(ID_TAKEN.to_owned()).into());
        }
        let made = change(time).await;
        // Whoever has made the change must learn of it, and has its only secret, even if the record cannot be completed. It
        // then says that the change was begun.
        let _ = self.complete(&record, &made).await;
        let Made {
            outcome,
            event,
            effective_by,
        } = made?;
        Ok(Changed {
            outcome,
            event,
            effective_by,
            recorded: Recorded,
        })
    }

    async fn complete<T, E: ChangeError>(
        &self,
        record: &OperatorChange,
        made: &Result<Made<T>, E>,
    ) -> Result<(), StoreError> {
        let begun = Change::of_existing().if_equal("outcome", ChangeOutcome::Begun)?;
        let completed = match made {
            Ok(made) => begun
                .set("outcome", ChangeOutcome::Done)?
                .set("change", &made.event)?,
            Err(err) => {
                let outcome = match err.is_failure() {
                    true => ChangeOutcome::Failed,
                    false => ChangeOutcome::Refused,
                };
                begun
                    .set("outcome", outcome)?
                    .set("reason", err.to_string())?
            }
        };
        self.table.update(&record.key(), completed).await?;
        Ok(())
    }

    /// The changes that operators have begun from `since` on and before `until`, in that order.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails, or a record cannot be read.
    pub async fn changes_of_operators(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<OperatorChange>, StoreError> {
        let (mut found, mut moment) = (Vec::new(), since);
        loop {
            let day = OperatorChange::day_of(moment);
            for stored in self.table.query_all::<OperatorChange>(&day).await? {
                let change = stored.record;
                if since <= change.begun_at && change.begun_at < until {
                    found.push(change);
                }
            }
            if day == OperatorChange::day_of(until) {
                return Ok(found);
            }
            moment = moment.after(A_DAY);
            if moment > until {
                moment = until;
            }
        }
    }
}

/// Why a change was not made, as far as its record tells.
pub(super) trait ChangeError: Display + From<StoreError> {
    /// Whether something failed, so that the change may have been made in part. Otherwise it was refused.
    fn is_failure(&self) -> bool;
}

macro_rules! change_errors {
    ($($error:ident: $failed:pat),+ $(,)?) => {
        $(impl ChangeError for $error {
            fn is_failure(&self) -> bool {
                matches!(self, $failed)
            }
        })+
    };
}

change_errors!(
    ApiKeyError: Self::Store(_),
    ClientError: Self::Store(_),
    ResourceError: Self::Store(_),
    FederationError: Self::Store(_),
    UserError: Self::Store(_),
    UpstreamError: Self::Store(_) | Self::Unavailable(_),
    SettleError: Self::Store(_),
    GrantError: Self::Unavailable(_),
    RevokeError: Self::Unavailable(_),
    IssueError: Self::Unavailable(_),
    RetireError: Self::Unavailable(_),
    // Keys are replaced before anything else can go wrong.
    RestoreError: _,
    Unavailable: _,
);

/// The milliseconds of this machine, at `moment`. Its next second may have begun since DynamoDB told the time: then they are
/// the last of the second, or else the change would stand before what has happened in that second.
fn milliseconds_in(second: Timestamp, moment: SystemTime) -> u16 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    match since.as_secs() == second.seconds() + 1 {
        true => 999,
        false => u16::try_from(since.subsec_millis()).unwrap_or_default(),
    }
}

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
const ID_TAKEN: &str = "another change has the same random id: try again";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_milliseconds_of_a_change_stay_behind_what_was_before_it() {
        let second = Timestamp::from_seconds(100);
        // The clock of the machine may be wrong by more: then its milliseconds still tell one change from another.
        for (at, millis) in [
            (100_250, 250),
            (101_001, 999),
            (99_700, 700),
            (500_300, 300),
        ] {
            let moment = UNIX_EPOCH + Duration::from_millis(at);
            assert_eq!(milliseconds_in(second, moment), millis, "{at}");
        }
    }
}
