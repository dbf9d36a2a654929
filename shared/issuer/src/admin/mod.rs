//! What an operator can do, with every rule that applies to it. How the operator asks, and how
//! results are shown, is not decided here.
//!
//! A function that changes something returns a [`Changed`]: its outcome, an [`AdminEvent`] that says
//! what was changed, and when everybody acts on it. It was recorded before and after it was made. Every time that it stores comes from DynamoDB,
//! never from the clock of the operator's machine. The `tokensmith` command only parses its arguments
//! and prints the outcome. No Lambda function links an [`Administrator`].

mod api_keys;
mod audit;
mod clients;
mod ending;
mod exchanges;
mod federation;
mod grants;
mod in_use;
mod keys;
mod lifetimes;
mod listing;
mod registration;
mod repair;
mod resources;
mod restore;
mod revived;
mod revocation;
mod scan;
mod secrets;
mod settings;
mod standing;
mod token;
mod upstreams;
mod users;

use std::sync::Arc;
use std::time::Duration;

pub use api_keys::{ApiKeyError, CreatedApiKey, NewApiKey, RotatedApiKey};
pub use audit::{Changed, Operator, UnknownOperator};
pub use clients::{ClientError, CreatedClient};
pub use ending::Ending;
pub use exchanges::WrittenExchange;
pub use federation::{FederationError, NewRule};
pub use grants::{CreatedGrant, GrantError, NewGrant};
pub use in_use::TableUse;
pub use keys::ListedKey;
pub use lifetimes::{AccessTtl, ApiKeyTtl, GrantTtl};
pub use listing::{
    ApiKeyPages, ClientPages, GrantPages, GrantsOf, Pages, ResourcePages, UserPages,
};
pub use registration::{ClientChanges, RegistrationError, Setting};
pub use repair::{Lowered, Repaired};
pub use resources::{ResourceChanges, ResourceError, ResourceSetting};
pub use restore::{RestoreError, Restored};
pub use revived::{Reason, Revived};
pub use revocation::{RevokeError, Revoked};
pub use scan::{Progress, TableScan};
pub use secrets::{RotatedSecret, SecretError};
pub use settings::{SettleError, settle, take_over};
pub use standing::{ListedApiKey, ListedGrant};
pub use token::IssueError;
pub use upstreams::{NewUpstream, UpstreamError};
pub use users::{NewUser, UserChanges, UserError};

use tokensmith_verifier::Timestamp;

use audit::Made;

use crate::config::Config;
pub use crate::event::AdminEvent;
use crate::keys::{Make, Open};
use crate::revocation::FEED_INTERVAL;
use crate::store::{CheckedTime, StoreError, Table};

/// Manages the data of one issuer.
#[derive(Debug)]
pub struct Administrator {
    config: Config,
    table: Table,
    maker: Arc<dyn Make>,
    opener: Arc<dyn Open>,
    operator: Arc<dyn Operator>,
    progress: Progress,
}

impl Administrator {
    /// Manages the data of the issuer that `config` names, in `table`. It makes keys, and opens the
    /// HMAC keys of refresh tokens; it signs nothing. Changes are recorded as those of `operator`. This reads
    /// nothing yet.
    pub fn new(
        config: Config,
        table: Table,
        maker: Arc<dyn Make>,
        opener: Arc<dyn Open>,
        operator: Arc<dyn Operator>,
    ) -> Self {
        Self {
            config,
            table,
            maker,
            opener,
            operator,
            progress: Progress::default(),
        }
    }

    /// Tells `progress` how far it is while it reads the whole table.
    #[must_use]
    pub fn telling(self, progress: Progress) -> Self {
        Self { progress, ..self }
    }

    /// The time by DynamoDB's clock. Each change asks anew, because a command may wait for an answer of
    /// the operator before it makes one.
    async fn time(&self) -> Result<CheckedTime, StoreError> {
        self.table.checked_time().await
    }

    /// The time by DynamoDB's clock.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.time().await?.now())
    }

    /// A change of a record that functions may have in a cache.
    fn cached<T>(&self, outcome: T, event: AdminEvent, time: CheckedTime) -> Made<T> {
        Made {
            outcome,
            event,
            effective_by: time.latest().after(self.config.cache_ttl),
        }
    }

    /// A revocation, which authorizers and verifiers read from the feed.
    fn in_feed<T>(&self, outcome: T, event: AdminEvent, time: CheckedTime) -> Made<T> {
        let polled = self.config.feed_interval.max(FEED_INTERVAL);
        Made {
            outcome,
            event,
            effective_by: time.latest().after(polled).after(FETCH_TIME),
        }
    }

    fn scan(&self) -> TableScan {
        TableScan::of(self.table.reader()).telling(self.progress.clone())
    }
}

/// How long a verifier takes to fetch the feed, and the rounding of its clock.
const FETCH_TIME: Duration = Duration::from_secs(3);
