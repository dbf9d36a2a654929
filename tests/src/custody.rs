//! The three parts of a custody together, whatever keeps the keys.

use std::sync::Arc;

use aws_sdk_kms::Client;
use tokensmith_aws::kms::{CustodyMode, KmsMaker, KmsOpener, KmsSigning};
use tokensmith_issuer::keys::{Custody, KeyAccess, Make, Open, Sign};
use tokensmith_local::FileCustody;

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
