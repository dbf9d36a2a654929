//! The three parts of a custody together, whatever keeps the keys.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kms::Client;
use tokensmith_aws::kms::{CustodyMode, KmsMaker, KmsOpener, KmsSigning};
use tokensmith_issuer::keys::{
    Custody, CustodyError, EncryptionContext, KeyAccess, Make, Open, PrivateKey, PublicJwk, Sign,
    Signer, Wrapped,
};
use tokensmith_local::FileCustody;
use tokensmith_verifier::Algorithm;
use zeroize::Zeroizing;

/// Makes, opens and signs.
#[derive(Clone, Debug)]
pub struct TestCustody {
    /// What makes keys.
    pub make: Arc<dyn Make>,
    /// What opens them.
    pub open: Arc<dyn Open>,
    /// What signs with them.
    pub sign: Arc<dyn Sign>,
}

impl TestCustody {
    /// Custody in KMS, as functions have it.
    pub fn kms(client: Client, mode: CustodyMode, wrapping_key: &str) -> Self {
        let opener = KmsOpener::new(client.clone(), wrapping_key);
        Self {
            make: Arc::new(KmsMaker::new(client, mode, wrapping_key)),
            open: Arc::new(opener.clone()),
            sign: Arc::new(KmsSigning::new(opener)),
        }
    }

    /// What an issuer gets of it.
    pub fn access(&self) -> KeyAccess {
        KeyAccess {
            open: Some(self.open.clone()),
            sign: Some(self.sign.clone()),
        }
    }
}

impl From<FileCustody> for TestCustody {
    fn from(custody: FileCustody) -> Self {
        Self {
            open: custody.open(),
            sign: custody.sign(),
            make: Arc::new(custody),
        }
    }
}

#[async_trait]
impl Make for TestCustody {
    async fn new_key_pair(
        &self,
        algorithm: Algorithm,
        context: EncryptionContext,
    ) -> Result<(PublicJwk, PrivateKey), CustodyError> {
        self.make.new_key_pair(algorithm, context).await
    }

    async fn new_secret(&self, context: EncryptionContext) -> Result<Wrapped, CustodyError> {
        self.make.new_secret(context).await
    }

    async fn discard(&self, private_key: &PrivateKey) -> Result<(), CustodyError> {
        self.make.discard(private_key).await
    }
}

#[async_trait]
impl Open for TestCustody {
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, CustodyError> {
        self.open.unwrap(wrapped).await
    }
}

#[async_trait]
impl Sign for TestCustody {
    async fn signer(
        &self,
        algorithm: Algorithm,
        private_key: &PrivateKey,
    ) -> Result<Arc<dyn Signer>, CustodyError> {
        self.sign.signer(algorithm, private_key).await
    }
}
