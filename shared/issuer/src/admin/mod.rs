//! What an operator may do: every rule of it, apart from how it is asked for and shown.
//!
//! A function that changes something returns its outcome and an [`AdminEvent`] that says what was
//! changed. The `tokensmith` command only parses what is asked for and prints the outcome. No
//! function in AWS links an [`Administrator`].

mod clients;
mod grants;
mod keys;
mod registration;
mod restore;
mod revocation;
mod scan;
mod secrets;
mod settings;

use std::sync::Arc;

pub use clients::{ClientError, CreatedClient};
pub use grants::{CreatedGrant, GrantError, NewGrant};
pub use keys::ListedKey;
pub use registration::{AccessTtl, ClientChanges, GrantTtl, RegistrationError};
pub use restore::{Reason, Restored, Revived};
pub use revocation::{RevokeError, Revoked};
pub use scan::TableScan;
pub use secrets::SecretError;
pub use settings::{SettleError, settle};

use tokensmith_verifier::{Clock, KeyId};

use crate::config::Config;
use crate::credential::GrantId;
use crate::keys::{Make, Open};
use crate::names::{ClientId, SubjectName};
use crate::store::Table;

/// Manages the data of one issuer.
#[derive(Debug)]
pub struct Administrator {
    config: Config,
    table: Table,
    maker: Arc<dyn Make>,
    opener: Arc<dyn Open>,
    clock: Clock,
}

impl Administrator {
    /// Manages the data of the issuer that `config` names, in `table`. It makes keys, and opens those
    /// that prove refresh tokens; it signs nothing. Nothing is read yet.
    pub fn new(
        config: Config,
        table: Table,
        maker: Arc<dyn Make>,
        opener: Arc<dyn Open>,
        clock: Clock,
    ) -> Self {
        Self {
            config,
            table,
            maker,
            opener,
            clock,
        }
    }

    fn scan(&self) -> TableScan {
        TableScan::of(self.table.reader())
    }
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
    /// A client was disabled, and everything that it had was revoked.
    ClientDisabled {
        /// Its id.
        client_id: ClientId,
    },
    /// A client was deleted, and everything that it had was revoked.
    ClientDeleted {
        /// Its id.
        client_id: ClientId,
    },
    /// A client was given a new secret.
    SecretRotated {
        /// Its id.
        client_id: ClientId,
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
    /// A token, a grant, or everything of a client or subject was revoked.
    Revoked(Revoked),
    /// Signing keys were given successors, which sign once they have been published for long enough.
    KeysRotated {
        /// The successors.
        created: Vec<KeyId>,
    },
    /// Signing keys were replaced at once.
    KeysReplaced {
        /// The keys that sign now.
        created: Vec<KeyId>,
        /// The keys that were withdrawn, and with them every token that they have signed.
        withdrawn: Vec<KeyId>,
    },
    /// The HMAC key was given a successor.
    HmacKeyRotated {
        /// The successor's version.
        version: u32,
    },
    /// A pending or retiring signing key was withdrawn.
    KeyRetired {
        /// Its name.
        key_id: String,
    },
    /// Data that came from a backup was made safe to use: every key was replaced.
    Restored {
        /// The keys that sign now.
        created: Vec<KeyId>,
        /// The signing keys that were withdrawn.
        withdrawn: Vec<KeyId>,
        /// The version of the HMAC key that makes and proves refresh tokens now.
        hmac_key_version: u32,
    },
}
