//! What an operator can do, with every rule that applies to it. How the operator asks, and how
//! results are shown, is not decided here.
//!
//! A function that changes something returns a [`Changed`]: its outcome, an [`AdminEvent`] that says
//! what was changed, and when everybody acts on it. Every time that it stores comes from DynamoDB,
//! never from the clock of the operator's machine. The `tokensmith` command only parses its arguments
//! and prints the outcome. No Lambda function links an [`Administrator`].

mod api_keys;
mod clients;
mod ending;
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

use std::sync::Arc;
use std::time::Duration;

pub use api_keys::{ApiKeyError, CreatedApiKey, NewApiKey, RotatedApiKey};
pub use clients::{ClientError, CreatedClient};
pub use ending::Ending;
pub use federation::{FederationError, NewRule};
pub use grants::{CreatedGrant, GrantError, NewGrant};
pub use in_use::TableUse;
pub use keys::ListedKey;
pub use lifetimes::{AccessTtl, ApiKeyTtl, GrantTtl};
pub use listing::{ApiKeyPages, ClientPages, GrantPages, GrantsOf, Pages, ResourcePages};
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

use tokensmith_verifier::{KeyId, Timestamp};

use crate::config::Config;
use crate::credential::{ApiKeyId, GrantId};
use crate::keys::{Make, Open};
use crate::names::{Audience, ClientId, FederationName, SubjectName};
use crate::revocation::FEED_INTERVAL;
use crate::store::records::Settings;
use crate::store::{CheckedTime, StoreError, Table};

/// Manages the data of one issuer.
#[derive(Debug)]
pub struct Administrator {
    config: Config,
    table: Table,
    maker: Arc<dyn Make>,
    opener: Arc<dyn Open>,
    progress: Progress,
}

impl Administrator {
    /// Manages the data of the issuer that `config` names, in `table`. It makes keys, and opens the
    /// HMAC keys of refresh tokens; it signs nothing. This reads nothing yet.
    pub fn new(config: Config, table: Table, maker: Arc<dyn Make>, opener: Arc<dyn Open>) -> Self {
        Self {
            config,
            table,
            maker,
            opener,
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
    fn cached<T>(&self, outcome: T, event: AdminEvent, time: CheckedTime) -> Changed<T> {
        Changed {
            outcome,
            event,
            effective_by: time.latest().after(self.config.cache_ttl),
        }
    }

    /// A revocation, which authorizers and verifiers read from the feed.
    fn in_feed<T>(&self, outcome: T, event: AdminEvent, time: CheckedTime) -> Changed<T> {
        let polled = self.config.feed_interval.max(FEED_INTERVAL);
        Changed {
            outcome,
            event,
            effective_by: time.latest().after(polled).after(FETCH_TIME),
        }
    }

    fn scan(&self) -> TableScan {
        TableScan::of(self.table.reader()).telling(self.progress.clone())
    }
}

/// A change that was made.
#[derive(Debug)]
pub struct Changed<T> {
    /// What came of it.
    pub outcome: T,
    /// What was changed.
    pub event: AdminEvent,
    /// When every function, authorizer and verifier acts on it, as long as none of them is cut off from
    /// the table or the feed.
    pub effective_by: Timestamp,
}

/// What an operator has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AdminEvent {
    /// A client was registered.
    ClientCreated {
        /// Its id.
        client_id: ClientId,
    },
    /// A client's metadata was changed.
    ClientUpdated {
        /// Its id.
        client_id: ClientId,
    },
    /// A disabled client may authenticate again.
    ClientEnabled {
        /// Its id.
        client_id: ClientId,
    },
    /// A client was disabled, and all its grants and tokens were revoked.
    ClientDisabled {
        /// Its id.
        client_id: ClientId,
    },
    /// A client was deleted, and all its grants and tokens were revoked.
    ClientDeleted {
        /// Its id.
        client_id: ClientId,
    },
    /// A resource was registered.
    ResourceCreated {
        /// Its URI.
        uri: Audience,
    },
    /// A resource was changed.
    ResourceUpdated {
        /// Its URI.
        uri: Audience,
    },
    /// A resource was deleted: its URI is an audience without a record again.
    ResourceDeleted {
        /// Its URI.
        uri: Audience,
    },
    /// A client was given a new secret.
    SecretRotated {
        /// Its id.
        client_id: ClientId,
    },
    /// A federation source was registered, changed or deleted.
    FederationSourceChanged {
        /// Its name.
        name: FederationName,
    },
    /// A federation rule was made or deleted.
    FederationRuleChanged {
        /// Its name.
        name: FederationName,
    },
    /// A client was granted access on behalf of a subject.
    GrantCreated {
        /// The grant.
        grant_id: GrantId,
        /// Who received it.
        client_id: ClientId,
        /// Who gave it.
        subject: SubjectName,
    },
    /// An API key was made.
    ApiKeyCreated {
        /// Its public id.
        key_id: ApiKeyId,
        /// Whose it is.
        client_id: ClientId,
    },
    /// An API key was replaced.
    ApiKeyRotated {
        /// The public id of the key that was replaced.
        key_id: ApiKeyId,
        /// Whose it is.
        client_id: ClientId,
        /// The public id of the key that replaces it.
        successor: ApiKeyId,
    },
    /// An API key was revoked.
    ApiKeyRevoked {
        /// Its public id.
        key_id: ApiKeyId,
        /// Whose it was.
        client_id: ClientId,
    },
    /// A token, a grant, or all grants and tokens of a client or subject were revoked.
    Revoked(Revoked),
    /// Successors of signing keys were made. They sign once they have been published for long
    /// enough.
    KeysRotated {
        /// The successors.
        created: Vec<KeyId>,
    },
    /// Signing keys were replaced at once.
    KeysReplaced {
        /// The keys that sign now.
        created: Vec<KeyId>,
        /// The keys that were withdrawn; every token that they signed is refused.
        withdrawn: Vec<KeyId>,
    },
    /// A new version of the HMAC key was made.
    HmacKeyRotated {
        /// The number of the new version.
        version: u32,
    },
    /// A pending or retiring signing key was withdrawn.
    KeyRetired {
        /// Its name.
        key_id: String,
    },
    /// Moments that lay ahead of the time were lowered, after every key was replaced.
    Repaired {
        /// The clients and subjects whose `not_before` was lowered.
        lowered: Vec<String>,
    },
    /// Data that came from a backup was made safe to use: every key was replaced.
    Restored {
        /// The keys that sign now.
        created: Vec<KeyId>,
        /// The signing keys that were withdrawn.
        withdrawn: Vec<KeyId>,
        /// The version of the HMAC key that refresh tokens are now made and proven with.
        hmac_key_version: u32,
        /// To whom the data belonged, if that was another issuer or wrapping key.
        belonged_to: Option<Settings>,
    },
}

/// How long a verifier takes to fetch the feed, and the rounding of its clock.
const FETCH_TIME: Duration = Duration::from_secs(3);
