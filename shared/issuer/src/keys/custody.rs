use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokensmith_verifier::Algorithm;
use zeroize::Zeroizing;

use super::{PublicJwk, Signer};
use crate::names::IssuerUrl;
use crate::random::random_id;

/// Key custody: who makes, keeps and opens key material. KMS in production, a file's key in
/// development.
///
/// Making is apart from opening, so that a role which makes keys need not be able to see them.
#[async_trait]
pub trait KeyCustody: fmt::Debug + Send + Sync {
    /// Makes a key pair that signs with `algorithm`, bound to `context` where it is wrapped.
    async fn new_key_pair(
        &self,
        algorithm: Algorithm,
        context: EncryptionContext,
    ) -> Result<(PublicJwk, PrivateKey), CustodyError>;

    /// Makes a secret of 32 random bytes, bound to `context`, which only
    /// [`unwrap`](Self::unwrap) shows.
    async fn new_secret(&self, context: EncryptionContext) -> Result<Wrapped, CustodyError>;

    /// Opens what was wrapped; fails when ciphertext or context were touched.
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, CustodyError>;

    /// What signs with a private key of `algorithm`.
    async fn signer(
        &self,
        algorithm: Algorithm,
        private_key: &PrivateKey,
    ) -> Result<Arc<dyn Signer>, CustodyError>;

    /// Lets go of a private key that will never sign again. Safe to repeat.
    async fn discard(&self, private_key: &PrivateKey) -> Result<(), CustodyError>;
}

/// Where a private key is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivateKey {
    /// Beside its record: PKCS#8, wrapped.
    Wrapped(Wrapped),
    /// In KMS, which never shows it.
    Kms {
        /// The ARN of the KMS key.
        key_id: String,
    },
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

impl KeyUse {
    /// Its name in records and in encryption contexts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Hmac => "hmac",
        }
    }
}

/// Key material could not be made, opened or let go. For the log; carries no key material.
#[derive(Debug, thiserror::Error)]
#[error("key custody failed: {0}")]
pub struct CustodyError(pub String);
