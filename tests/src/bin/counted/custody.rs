use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::keys::{
    CustodyError, EncryptionContext, KeyCustody, PrivateKey, PublicJwk, Signer, Wrapped,
};
use tokensmith_verifier::Algorithm;
use zeroize::Zeroizing;

/// Counts what KMS would be asked for.
#[derive(Debug)]
pub struct CountingCustody {
    custody: Arc<dyn KeyCustody>,
    opened: AtomicU64,
    signed: Arc<AtomicU64>,
}

impl CountingCustody {
    /// Counts what `custody` is asked for.
    pub fn new(custody: Arc<dyn KeyCustody>) -> Self {
        Self {
            custody,
            opened: AtomicU64::new(0),
            signed: Arc::new(AtomicU64::new(0)),
        }
    }

    /// How many keys were opened since the last call.
    pub fn take_opened(&self) -> u64 {
        self.opened.swap(0, Ordering::Relaxed)
    }

    /// How many signatures were made since the last call.
    pub fn take_signed(&self) -> u64 {
        self.signed.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl KeyCustody for CountingCustody {
    async fn new_key_pair(
        &self,
        algorithm: Algorithm,
        context: EncryptionContext,
    ) -> Result<(PublicJwk, PrivateKey), CustodyError> {
        self.custody.new_key_pair(algorithm, context).await
    }

    async fn new_secret(&self, context: EncryptionContext) -> Result<Wrapped, CustodyError> {
        self.custody.new_secret(context).await
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, CustodyError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.custody.unwrap(wrapped).await
    }

    async fn signer(
        &self,
        algorithm: Algorithm,
        private_key: &PrivateKey,
    ) -> Result<Arc<dyn Signer>, CustodyError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let signer = self.custody.signer(algorithm, private_key).await?;
        Ok(Arc::new(CountingSigner {
            signer,
            signed: self.signed.clone(),
        }))
    }

    async fn discard(&self, private_key: &PrivateKey) -> Result<(), CustodyError> {
        self.custody.discard(private_key).await
    }
}

#[derive(Debug)]
struct CountingSigner {
    signer: Arc<dyn Signer>,
    signed: Arc<AtomicU64>,
}

#[async_trait]
impl Signer for CountingSigner {
    fn public_key(&self) -> &PublicJwk {
        self.signer.public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        self.signed.fetch_add(1, Ordering::Relaxed);
        self.signer.sign(message).await
    }
}
