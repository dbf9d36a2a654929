use std::fmt;

use secrecy::SecretString;
use tokensmith_issuer::store::records::PasswordHash;
use tokensmith_issuer::{HashPasswords, Hashing};

/// PLACEHOLDER
#[derive(Default)]
pub struct Passwords;
impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}
impl HashPasswords for Passwords {
    fn verify<'a>(
        &'a self,
        _: &'a SecretString,
        hash: Option<&'a PasswordHash>,
    ) -> Hashing<'a, bool> {
        Box::pin(async move { hash.is_some() })
    }
    fn hash<'a>(&'a self, _: &'a SecretString) -> Hashing<'a, Option<PasswordHash>> {
        Box::pin(async move { None })
    }
}
