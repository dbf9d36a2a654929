use std::fmt;

use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::credential::SubjectHash;
use crate::names::{SubjectName, UserName};
use crate::store::{Key, Record};

/// How a user signs in with a name and a password. Only who signs people in may read it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Login {
    /// The name.
    pub name: UserName,
    /// Whose it is.
    #[serde(rename = "user")]
    pub subject: SubjectName,
    /// The hash of the password; `None` when the user has none.
    pub password: Option<PasswordHash>,
    /// When the password was last set.
    pub changed_at: Timestamp,
}

impl Login {
    /// The key of the login with this name, in whichever case it is written.
    pub fn key_of(name: &UserName) -> Key<Self> {
        let folded = name.as_str().to_lowercase();
        Key::single(Self::PREFIX, &SubjectHash::of(&folded).to_string())
    }

    /// The attribute that says whose it is.
    pub const SUBJECT: &'static str = "user";

    /// The prefix of every login's partition key.
    pub const PREFIX: &'static str = "LOGIN";
}

impl Record for Login {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.name)
    }
}

/// The argon2id hash of a password, in PHC form. Whoever has it can try passwords.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The hash in this PHC string.
    pub fn new(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The PHC string.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([REDACTED])")
    }
}
