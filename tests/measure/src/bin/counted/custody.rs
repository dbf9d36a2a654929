use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::keys::{CustodyError, Open, PrivateKey, PublicJwk, Sign, Signer, Wrapped};
use tokensmith_tests::TestCustody;
use tokensmith_verifier::Algorithm;
use zeroize::Zeroizing;

/// Counts what KMS would be asked for.
#[derive(Debug)]
pub struct CountingCustody {
    custody: TestCustody,
    opened: AtomicU64,
    signed: Arc<AtomicU64>,
}

impl CountingCustody {
    /// Counts what `custody` is asked for.
    pub fn new(custody: TestCustody) -> Self {
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
impl Open for CountingCustody {
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, CustodyError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.custody.open.unwrap(wrapped).await
    }
}

#[async_trait]
impl Sign for CountingCustody {
    async fn signer(
        &self,
        algorithm: Algorithm,
        private_key: &PrivateKey,
    ) -> Result<Arc<dyn Signer>, CustodyError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let signer = self.custody.sign.signer(algorithm, private_key).await?;
        Ok(Arc::new(CountingSigner {
            signer,
            signed: self.signed.clone(),
        }))
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
