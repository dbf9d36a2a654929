use std::fmt;

use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::base62::{random_credential, read_credential};
use super::{Malformed, Prefix, sha256_text};

/// A client secret: `tksmc_`, 43 random base62 characters (256 bits) and a checksum.
#[derive(Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// A new random secret.
    pub fn generate() -> Self {
        Self(random_credential(PREFIX))
    }

    /// Checks the form of a secret, not whose it is.
    ///
    /// # Errors
    /// [`Malformed`] when prefix, length, characters or checksum are wrong.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        read_credential(PREFIX, text).map(Self)
    }

    /// The hash that is stored. A random secret of 256 bits cannot be guessed, so it needs no slow
    /// hash.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.0.expose_secret())
    }
}

impl ExposeSecret<str> for ClientSecret {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret([REDACTED])")
    }
}

/// The SHA-256 of a secret, base64url.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of a secret, in its printed form.
    pub(super) fn of(secret: &str) -> Self {
        Self(sha256_text(secret.as_bytes()))
    }

    /// A hash that no secret has. The secret of an unknown client is compared with it.
    pub fn of_nothing() -> Self {
        Self(URL_SAFE_NO_PAD.encode([0; digest::SHA256_OUTPUT_LEN]))
    }

    /// Compares in constant time, so that the time does not tell how much of a guess was right.
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

const PREFIX: &str = Prefix::ClientSecret.as_str();
