use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use secrecy::SecretString;

use crate::fetched::{Post, Source};
use crate::keys::KeyAccess;
use crate::store::records::PasswordHash;

/// What a process may do besides reading and writing the table: nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Abilities {
    /// What it may do with private keys.
    pub keys: KeyAccess,
    /// Where it finds documents that others publish, if it needs any.
    pub documents: Option<Arc<dyn Source>>,
    /// How it sends forms to other OpenID providers, if people sign in through them.
    pub web: Option<Arc<dyn Post>>,
    /// How it hashes passwords, if it signs people in.
    pub passwords: Option<Arc<dyn HashPasswords>>,
}

impl From<KeyAccess> for Abilities {
    fn from(keys: KeyAccess) -> Self {
        Self {
            keys,
            documents: None,
            web: None,
            passwords: None,
        }
    }
}

/// Hashing passwords. It is a trait so that no function but the one that signs people in links a password hash.
pub trait HashPasswords: fmt::Debug + Send + Sync {
    /// Whether this is the password with that hash. Without a hash it does the same work, and it is not.
    fn verify<'a>(
        &'a self,
        password: &'a SecretString,
        hash: Option<&'a PasswordHash>,
    ) -> Hashing<'a, bool>;

    /// The hash of a password.
    fn hash<'a>(&'a self, password: &'a SecretString) -> Hashing<'a, Option<PasswordHash>>;

    /// Whether a password with this hash should be hashed anew, because it costs something else by now.
    fn needs_rehash(&self, hash: &PasswordHash) -> bool;
}

/// It takes a while, and others go on meanwhile.
pub type Hashing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
