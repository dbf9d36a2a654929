use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::keys::{CustodyError, PublicJwk, Signer};
use tokensmith_verifier::Algorithm;

use super::der::{fixed_signature, public_key};
use super::failed;

/// A private key in KMS, which makes every signature.
#[derive(Debug)]
pub struct KmsSigner {
    client: Client,
    key_id: String,
    algorithm: Algorithm,
    public_key: PublicJwk,
}

impl KmsSigner {
    /// Asks KMS for the public half, which proves that the key exists and is of that algorithm.
    ///
    /// # Errors
    /// [`CustodyError`] when there is no such key of that algorithm, or when KMS does not answer.
    pub async fn open(
        client: Client,
        algorithm: Algorithm,
        key_id: &str,
    ) -> Result<Self, CustodyError> {
        let answer = client.get_public_key().key_id(key_id).send().await;
        let answer = answer.map_err(|err| failed("GetPublicKey", &err))?;
        let der = answer.public_key.unwrap_or_else(|| Blob::new([]));
        Ok(Self {
            public_key: public_key(algorithm, der.as_ref())?,
            client,
            key_id: key_id.to_owned(),
            algorithm,
        })
    }
}

#[async_trait]
impl Signer for KmsSigner {
    fn public_key(&self) -> &PublicJwk {
        &self.public_key
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let (kind, message) = match self.algorithm {
            // The digest variant of Ed25519 in KMS is Ed25519ph, another algorithm (RFC 8032 §5.1).
            Algorithm::EdDSA => (MessageType::Raw, Blob::new(message)),
            _ => (
                MessageType::Digest,
                Blob::new(digest(&SHA256, message).as_ref()),
            ),
        };
        let answer = self
            .client
            .sign()
            .key_id(&self.key_id)
            .signing_algorithm(signing_algorithm(self.algorithm))
            .message_type(kind)
            .message(message)
            .send()
            .await
            .map_err(|err| failed("Sign", &err))?;
        let signature = answer.signature.map(Blob::into_inner).unwrap_or_default();
        let signature = match self.algorithm {
            Algorithm::ES256 => fixed_signature(&signature),
            _ => Some(signature).filter(|signature| !signature.is_empty()),
        };
        signature.ok_or_else(|| Unavailable::Key("KMS returned no signature".to_owned()))
    }

    fn longest_message(&self) -> usize {
        match self.algorithm {
            Algorithm::EdDSA => LONGEST_RAW_MESSAGE,
            _ => usize::MAX,
        }
    }
}

fn signing_algorithm(algorithm: Algorithm) -> SigningAlgorithmSpec {
    match algorithm {
        Algorithm::RS256 => SigningAlgorithmSpec::RsassaPkcs1V15Sha256,
        Algorithm::PS256 => SigningAlgorithmSpec::RsassaPssSha256,
        Algorithm::ES256 => SigningAlgorithmSpec::EcdsaSha256,
        Algorithm::EdDSA => SigningAlgorithmSpec::Ed25519Sha512,
    }
}

/// The longest message, in bytes, that KMS accepts when it computes the digest itself.
const LONGEST_RAW_MESSAGE: usize = 4096;
