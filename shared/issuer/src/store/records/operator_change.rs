use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::event::AdminEvent;
use crate::store::{Key, Record};

/// A change by an operator: written before the change, and completed after it. No function of the service reads or writes
/// it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OperatorChange {
    /// When it was begun, by DynamoDB's clock.
    pub begun_at: Timestamp,
    /// The milliseconds of the operator's machine. They only order what was begun within one second.
    pub millis: u16,
    /// Its id, which is random.
    pub id: String,
    /// Who makes it: an ARN, or the name of a user of the machine that has the data.
    pub by: String,
    /// What is changed, and what came of it.
    pub change: AdminEvent,
    /// What became of it.
    pub outcome: ChangeOutcome,
    /// Why it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOutcome {
    /// It was begun and not completed: it may have been made.
    Begun,
    /// It was made.
    Done,
    /// It is not allowed, or there is nothing to change.
    Refused,
    /// Table, custody or something else failed: it may have been made, in whole or in part.
    Failed,
}

impl OperatorChange {
    /// The partition of the changes that were begun on the day of `moment` (UTC).
    pub fn day_of(moment: Timestamp) -> String {
        let since = Duration::from_secs(moment.seconds());
        let moment = humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string();
        format!("{}#{}", Self::PREFIX, &moment[..DAY])
    }

    /// When it was begun.
    pub fn moment(&self) -> SystemTime {
        UNIX_EPOCH
            + Duration::from_secs(self.begun_at.seconds())
            + Duration::from_millis(self.millis.into())
    }

    /// What the keys of these records begin with.
    pub const PREFIX: &str = "AUDIT";
}

impl Record for OperatorChange {
    fn key(&self) -> Key<Self> {
        let (seconds, millis) = (self.begun_at.seconds(), self.millis);
        let sort = format!("{seconds:010}.{millis:03}#{}", self.id);
        Key::ranged(Self::day_of(self.begun_at), sort)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.begun_at.after(CHANGES_ARE_KEPT))
    }
}

/// The length of `YYYY-MM-DD`.
const DAY: usize = 10;

/// Rules that ask for a year of records leave time to look at them.
pub const CHANGES_ARE_KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);
