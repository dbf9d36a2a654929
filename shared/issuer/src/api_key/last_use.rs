//! Noting that keys are used, so that an operator can tell which of them nobody needs any more.

use quick_cache::sync::Cache;
use tokensmith_verifier::Timestamp;

use crate::credential::ApiKeyId;
use crate::event::ServiceEvent;
use crate::store::records::{ApiKey, LastUse};
use crate::store::{Change, StoreError, Table};

/// Which keys this process has seen on which day.
#[derive(Debug)]
pub struct LastUses {
    table: Table,
    seen: Cache<ApiKeyId, u64>,
}

impl LastUses {
    /// Writes to `table`.
    pub fn new(table: Table) -> Self {
        Self {
            table,
            seen: Cache::new(REMEMBERED_KEYS),
        }
    }

    /// Notes that `key` was used, unless this process has noted it on the same day (`UpdateItem`). A use that cannot be
    /// noted is written to the log, and is not noted again on this day: it must neither fail a request nor make each
    /// request slow.
    pub async fn note(&self, key: &ApiKey, now: Timestamp) {
        let today = now.seconds() / DAY;
        if self.seen.get(&key.id) == Some(today) {
            return;
        }
        self.seen.insert(key.id.clone(), today);
        if let Err(err) = self.write(key, today, now).await {
            let message = err.to_string();
            ServiceEvent::LastUseFailed {
                key: &key.id,
                message,
            }
            .write();
        }
    }

    async fn write(&self, key: &ApiKey, today: u64, now: Timestamp) -> Result<(), StoreError> {
        let start_of_day = Timestamp::from_seconds(today * DAY);
        // Refused: another process has noted a use of today.
        let change = Change::default()
            .if_absent_or_less("used_at", start_of_day)
            .set("key_id", &key.id)?
            .set("used_at", now)?
            .expiring(ApiKey::forgotten_at(key.expires_at))
            .single_attempt();
        self.table.update(&LastUse::key_of(&key.id), change).await?;
        Ok(())
    }
}

const DAY: u64 = 24 * 60 * 60;

/// Bounds the memory of a process.
const REMEMBERED_KEYS: usize = 10_000;
