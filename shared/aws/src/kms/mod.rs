//! Custody in KMS: KMS makes, wraps and opens key material. In the custody `kms`, it also makes
//! every signature.

mod der;
mod signer;

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::operation::schedule_key_deletion::ScheduleKeyDeletionError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeyPairSpec, DataKeySpec, KeySpec, KeyState, KeyUsageType, Tag};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokensmith_issuer::keys::{
    CustodyError, EncryptionContext, InProcessSigner, Make, Open, PrivateKey, PublicJwk, Sign,
    Signer, Wrapped,
};
use tokensmith_issuer::store::aws_calls::reason_of;
use tokensmith_verifier::Algorithm;
use zeroize::Zeroizing;

pub use signer::KmsSigner;

use der::public_key;

/// Where the private keys that sign tokens are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CustodyMode {
    /// In KMS, each as a KMS key of its own: every signature is a call, and no process has a
    /// private key.
    Kms,
    /// Made and wrapped by KMS. A function opens them when it starts, and signs in its own process.
    KmsDataKey,
}

impl FromStr for CustodyMode {
    type Err = UnknownCustody;

    fn from_str(name: &str) -> Result<Self, UnknownCustody> {
        match name {
            "kms" => Ok(Self::Kms),
            "kms-data-key" => Ok(Self::KmsDataKey),
            _ => Err(UnknownCustody),
        }
    }
}

/// The name is not a custody.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown custody: use kms or kms-data-key")]
pub struct UnknownCustody;

/// Makes key material in KMS.
#[derive(Clone, Debug)]
pub struct KmsMaker {
    client: Client,
    mode: CustodyMode,
    wrapping_key: String,
}

impl KmsMaker {
    /// `wrapping_key` is a symmetric KMS key: its id, ARN or alias.
    pub fn new(client: Client, mode: CustodyMode, wrapping_key: impl Into<String>) -> Self {
        Self {
            client,
            mode,
            wrapping_key: wrapping_key.into(),
        }
    }

    /// Makes a KMS key, tagged so that roles can be limited to an issuer's keys.
    async fn new_kms_key(
        &self,
        algorithm: Algorithm,
        context: &EncryptionContext,
    ) -> Result<(PublicJwk, PrivateKey), CustodyError> {
        let incomplete = |err: BuildError| CustodyError(err.to_string());
        let made = self
            .client
            .create_key()
            .key_spec(key_spec(algorithm))
            .key_usage(KeyUsageType::SignVerify)
            .description(format!("tokensmith signs with it: {algorithm}"))
            .set_tags(Some(tags(context).map_err(incomplete)?))
            .customize()
            // A retry could make a second key that no record leads to, so the SDK does not retry.
            .config_override(Builder::new().retry_config(RetryConfig::disabled()))
            .send()
            .await
            .map_err(|err| failed("CreateKey", &err))?;
        let arn = made.key_metadata.and_then(|key| key.arn);
        let key_id = arn.ok_or_else(|| CustodyError("KMS made a key without ARN".to_owned()))?;
        let signer = KmsSigner::open(self.client.clone(), algorithm, &key_id).await?;
        Ok((signer.public_key().clone(), PrivateKey::Kms { key_id }))
    }

    /// Makes a key pair whose private half leaves KMS only wrapped.
    async fn new_wrapped_pair(
        &self,
        algorithm: Algorithm,
        context: EncryptionContext,
    ) -> Result<(PublicJwk, PrivateKey), CustodyError> {
        let made = self
            .client
            .generate_data_key_pair_without_plaintext()
            .key_id(&self.wrapping_key)
            .key_pair_spec(data_key_pair_spec(algorithm))
            .set_encryption_context(Some(pairs(&context)))
            .customize()
            .config_override(Builder::new().timeout_config(patient()))
            .send()
            .await
            .map_err(|err| failed("GenerateDataKeyPairWithoutPlaintext", &err))?;
        let der = made.public_key.unwrap_or_else(|| Blob::new([]));
        let private = wrapped(context, made.private_key_ciphertext_blob)?;
        let public = public_key(algorithm, der.as_ref())?;
        Ok((public, PrivateKey::Wrapped(private)))
    }

    /// Whether the key is already scheduled for deletion.
    async fn is_ending(&self, key_id: &str) -> Result<bool, CustodyError> {
        let answer = self.client.describe_key().key_id(key_id).send().await;
        let answer = answer.map_err(|err| failed("DescribeKey", &err))?;
        let state = answer.key_metadata.and_then(|key| key.key_state);
        Ok(matches!(
            state,
            Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
        ))
    }
}

#[async_trait]
impl Make for KmsMaker {
    async fn new_key_pair(
        &self,
        algorithm: Algorithm,
        context: EncryptionContext,
    ) -> Result<(PublicJwk, PrivateKey), CustodyError> {
        match self.mode {
            CustodyMode::Kms => self.new_kms_key(algorithm, &context).await,
            CustodyMode::KmsDataKey => self.new_wrapped_pair(algorithm, context).await,
        }
    }

    async fn new_secret(&self, context: EncryptionContext) -> Result<Wrapped, CustodyError> {
        let made = self
            .client
            .generate_data_key_without_plaintext()
            .key_id(&self.wrapping_key)
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(pairs(&context)))
            .send()
            .await
            .map_err(|err| failed("GenerateDataKeyWithoutPlaintext", &err))?;
        wrapped(context, made.ciphertext_blob)
    }

    /// Schedules a KMS key for deletion, which an operator can cancel for 30 days. A wrapped key is
    /// deleted with its record.
    async fn discard(&self, private_key: &PrivateKey) -> Result<(), CustodyError> {
        let PrivateKey::Kms { key_id } = private_key else {
            return Ok(());
        };
        let scheduled = self.client.schedule_key_deletion().key_id(key_id);
        let Err(err) = scheduled.send().await else {
            return Ok(());
        };
        match err.as_service_error() {
            Some(ScheduleKeyDeletionError::NotFoundException(_)) => Ok(()),
            Some(ScheduleKeyDeletionError::KmsInvalidStateException(_))
                if self.is_ending(key_id).await? =>
            {
                Ok(())
            }
            _ => Err(failed("ScheduleKeyDeletion", &err)),
        }
    }
}

/// Opens secrets that KMS has wrapped.
#[derive(Clone, Debug)]
pub struct KmsOpener {
    client: Client,
    wrapping_key: String,
}

impl KmsOpener {
    /// `wrapping_key` is the KMS key that the secrets were wrapped with: its id, ARN or alias.
    pub fn new(client: Client, wrapping_key: impl Into<String>) -> Self {
        Self {
            client,
            wrapping_key: wrapping_key.into(),
        }
    }
}

#[async_trait]
impl Open for KmsOpener {
    /// Names the wrapping key, so that KMS refuses a ciphertext that an attacker has made with
    /// another key.
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, CustodyError> {
        let ciphertext = URL_SAFE_NO_PAD.decode(&wrapped.ciphertext);
        let ciphertext =
            ciphertext.map_err(|_| CustodyError("the wrapped key is no base64url".to_owned()))?;
        let opened = self
            .client
            .decrypt()
            .key_id(&self.wrapping_key)
            .ciphertext_blob(Blob::new(ciphertext))
            .set_encryption_context(Some(pairs(&wrapped.context)))
            .send()
            .await
            .map_err(|err| failed("Decrypt", &err))?;
        let plaintext = opened.plaintext.map(Blob::into_inner).map(Zeroizing::new);
        plaintext.ok_or_else(|| CustodyError("KMS decrypted nothing".to_owned()))
    }
}

/// Signs in KMS, or in this process with keys that KMS has wrapped.
#[derive(Clone, Debug)]
pub struct KmsSigning(KmsOpener);

impl KmsSigning {
    /// Signs with keys in KMS, and with those that `opener` opens.
    pub fn new(opener: KmsOpener) -> Self {
        Self(opener)
    }
}

#[async_trait]
impl Sign for KmsSigning {
    async fn signer(
        &self,
        algorithm: Algorithm,
        private_key: &PrivateKey,
    ) -> Result<Arc<dyn Signer>, CustodyError> {
        match private_key {
            PrivateKey::Kms { key_id } => {
                let signer = KmsSigner::open(self.0.client.clone(), algorithm, key_id).await?;
                Ok(Arc::new(signer))
            }
            PrivateKey::Wrapped(wrapped) => {
                let pkcs8 = self.0.unwrap(wrapped).await?;
                let signer = InProcessSigner::from_pkcs8(algorithm, &pkcs8);
                let signer = signer.map_err(|err| CustodyError(err.to_string()))?;
                Ok(Arc::new(signer))
            }
        }
    }
}

fn key_spec(algorithm: Algorithm) -> KeySpec {
    match algorithm {
        Algorithm::RS256 | Algorithm::PS256 => KeySpec::Rsa2048,
        Algorithm::ES256 => KeySpec::EccNistP256,
        Algorithm::EdDSA => KeySpec::EccNistEdwards25519,
    }
}

fn data_key_pair_spec(algorithm: Algorithm) -> DataKeyPairSpec {
    match algorithm {
        Algorithm::RS256 | Algorithm::PS256 => DataKeyPairSpec::Rsa2048,
        Algorithm::ES256 => DataKeyPairSpec::EccNistP256,
        Algorithm::EdDSA => DataKeyPairSpec::EccNistEdwards25519,
    }
}

/// The encryption context as KMS takes it.
fn pairs(context: &EncryptionContext) -> HashMap<String, String> {
    HashMap::from([
        ("issuer".to_owned(), context.issuer.as_str().to_owned()),
        ("use".to_owned(), context.key_use.as_str().to_owned()),
        ("key_id".to_owned(), context.key_id.clone()),
    ])
}

/// The context as tags of a KMS key.
fn tags(context: &EncryptionContext) -> Result<Vec<Tag>, BuildError> {
    let tags = pairs(context).into_iter().map(|(name, value)| {
        let tag = Tag::builder().tag_key(format!("tokensmith:{name}"));
        tag.tag_value(value).build()
    });
    tags.collect()
}

fn wrapped(context: EncryptionContext, ciphertext: Option<Blob>) -> Result<Wrapped, CustodyError> {
    match ciphertext {
        Some(ciphertext) => Ok(Wrapped {
            context,
            ciphertext: URL_SAFE_NO_PAD.encode(ciphertext),
        }),
        None => Err(CustodyError("KMS returned no ciphertext".to_owned())),
    }
}

/// Longer time limits, because the caller waits while KMS searches the primes of an RSA key. Only
/// key rotation makes such calls.
fn patient() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(8))
        .operation_timeout(Duration::from_secs(20))
        .build()
}

fn failed<E>(operation: &str, err: &SdkError<E>) -> CustodyError
where
    E: ProvideErrorMetadata,
    SdkError<E>: RequestId,
{
    let request_id = err.request_id().unwrap_or("none");
    let reason = reason_of(err);
    CustodyError(format!(
        "{operation} failed: {reason} (request id {request_id})"
    ))
}
