use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokensmith_verifier::Algorithm;
use zeroize::Zeroizing;

use super::{PublicJwk, Signer};
use crate::credential::random_id;
use crate::names::IssuerUrl;

/// Makes key material: with KMS in production, with a key in a file in development.
///
/// Making, opening and signing are three traits, so that a function that does only one of them
/// links no code for the others, and its role needs no permission for them.
#[async_trait]
pub trait Make: fmt::Debug + Send + Sync {
    /// Makes a key pair that signs with `algorithm`, bound to `context` where it is wrapped.
    async fn new_key_pair(
        &self,
        algorithm: Algorithm,
        context: EncryptionContext,
    ) -> Result<(PublicJwk, PrivateKey), CustodyError>;

    /// Makes a wrapped secret of 32 random bytes, bound to `context`, which only [`Open`] can
    /// unwrap.
    async fn new_secret(&self, context: EncryptionContext) -> Result<Wrapped, CustodyError>;

    /// Destroys a private key that will never sign again. Safe to repeat.
    async fn discard(&self, private_key: &PrivateKey) -> Result<(), CustodyError>;
}

/// Opens wrapped secrets.
#[async_trait]
pub trait Open: fmt::Debug + Send + Sync {
    /// Unwraps a secret; fails when ciphertext or context were changed.
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, CustodyError>;
}

/// Signs with private keys.
#[async_trait]
pub trait Sign: fmt::Debug + Send + Sync {
    /// A signer with a private key of `algorithm`.
    async fn signer(
        &self,
        algorithm: Algorithm,
        private_key: &PrivateKey,
    ) -> Result<Arc<dyn Signer>, CustodyError>;
}

/// Where a host keeps keys. Endpoints name the constructors that they need, and a function links no
/// others, because the calls are resolved at compile time.
pub trait Custody {
    /// What opens wrapped secrets.
    fn open(&self) -> Arc<dyn Open>;

    /// What signs with private keys.
    fn sign(&self) -> Arc<dyn Sign>;

    /// Both, for an endpoint that needs both: a host may let them share a connection.
    fn open_and_sign(&self) -> (Arc<dyn Open>, Arc<dyn Sign>) {
        (self.open(), self.sign())
    }
}

/// What a process may do with private keys: nothing by default.
#[derive(Clone, Debug, Default)]
pub struct KeyAccess {
    /// Opens the keys that prove refresh tokens.
    pub open: Option<Arc<dyn Open>>,
    /// Signs tokens and documents.
    pub sign: Option<Arc<dyn Sign>>,
}

impl KeyAccess {
    /// Everything that `custody` can do.
    pub fn all(custody: &impl Custody) -> Self {
        let (open, sign) = custody.open_and_sign();
        Self {
            open: Some(open),
            sign: Some(sign),
        }
    }
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

/// Wrapped key material, with its context.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Wrapped {
    /// What it is for.
    pub context: EncryptionContext,
    /// The ciphertext, base64url.
    pub ciphertext: String,
}

/// What wrapped material is bound to (the encryption context of KMS). A role that may open keys of
/// one use cannot open those of another.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EncryptionContext {
    /// The issuer that made it.
    pub issuer: IssuerUrl,
    /// What the key does.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    /// Random, so that an attacker who can write the table cannot exchange one wrapped key for
    /// another.
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
    /// Encrypts what this service proves itself with at an OpenID provider.
    Upstream,
}

impl KeyUse {
    /// Its name in records and in encryption contexts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Hmac => "hmac",
            Self::Upstream => "upstream",
        }
    }
}

/// Key material could not be made, opened or destroyed. The text is for the log and contains no key
/// material.
#[derive(Debug, thiserror::Error)]
#[error("key custody failed: {0}")]
pub struct CustodyError(pub String);
