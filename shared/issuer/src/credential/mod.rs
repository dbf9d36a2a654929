//! The forms of the credentials that the issuer makes.
//!
//! Each has a prefix that secret scanners know, and a checksum, so that a mistyped or made-up one
//! is refused before any I/O. The table contains hashes only.

mod api_key;
mod base62;
mod client_secret;
mod device_code;
mod grant_credential;
mod prefix;
mod random;
mod sha256;
mod user_code;

pub use api_key::{ApiKeyId, ApiKeySecret};
pub use client_secret::{ClientSecret, SecretHash};
pub use device_code::DeviceCode;
pub use grant_credential::{CredentialKind, GrantCredential, GrantId, HmacKey, Nonce, SubjectHash};
pub use prefix::Prefix;
pub use random::{random_bytes, random_id};
pub use sha256::sha256_text;
pub use user_code::UserCode;

/// The text is not a credential of the expected form.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a well-formed credential")]
pub struct Malformed;
