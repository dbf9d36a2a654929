use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::names::IssuerUrl;
use crate::random::random_id;

/// Encrypts key material at rest: KMS in production, a file's key in development.
#[async_trait]
pub trait KeyWrap: fmt::Debug + Send + Sync {
    /// Encrypts `plaintext`, bound to `context`.
    async fn wrap(
        &self,
        context: EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Wrapped, WrapError>;

    /// Decrypts what was wrapped; fails when ciphertext or context were touched.
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, WrapError>;
}

/// Wrapped key material, with the context that it is bound to.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Wrapped {
    /// What it is for.
    pub context: EncryptionContext,
    /// The ciphertext, base64url.
    pub ciphertext: String,
}

/// What wrapped material is bound to (KMS: the encryption context). A role that may open one use
/// cannot open the other.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EncryptionContext {
    /// The issuer that made it.
    pub issuer: IssuerUrl,
    /// What the key does.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    /// Random, so that no two ciphertexts can be exchanged.
    pub key_id: String,
}

impl EncryptionContext {
    /// The context of a new key.
    pub fn new(issuer: &IssuerUrl, key_use: KeyUse) -> Self {
        Self {
            issuer: issuer.clone(),
            key_use,
            key_id: random_id(),
        }
    }
}

/// What wrapped key material does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// Signs access tokens.
    Signing,
    /// Proves codes and refresh tokens.
    Hmac,
}

/// Key material could not be wrapped or unwrapped. Carries no key material.
#[derive(Debug, thiserror::Error)]
#[error("key custody failed: {0}")]
pub struct WrapError(pub String);
