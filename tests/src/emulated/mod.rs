//! AWS on loopback: DynamoDB (dynoxide, in this process), KMS and CloudWatch Logs (ministack), with the table and
//! the key that wraps keys.

mod dynamodb;
mod front;
mod kms;
mod logs;

use std::path::Path;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use tokensmith_aws::AwsClients;

pub use front::{Held, Moment};

use dynamodb::DynamoDb;
use front::Fronts;
use kms::Kms;

/// The services that the functions use.
#[derive(Debug)]
pub struct EmulatedAws {
    /// Where DynamoDB is, with the table.
    pub dynamodb: String,
    /// Where KMS is.
    pub kms: String,
    /// The key that wraps keys.
    pub wrapping_key: String,
    /// Where CloudWatch Logs is, for commands: what the functions log is in no log group.
    logs: String,
    fronts: Arc<Fronts>,
    services: (DynamoDb, Kms),
}

impl EmulatedAws {
    /// Starts them; their logs go to `logs`.
    pub fn start(logs: &Path) -> Self {
        let dynamodb = DynamoDb::start();
        let kms = Kms::start(logs);
        let fronts: Arc<Fronts> = Arc::default();
        Self {
            dynamodb: fronts.stand_before(&dynamodb.url),
            kms: fronts.stand_before(&kms.url),
            logs: fronts.stand_before(&kms.url),
            wrapping_key: kms.wrapping_key.clone(),
            fronts,
            services: (dynamodb, kms),
        }
    }

    /// The operations that were called since this was asked last, in order.
    pub fn take_calls(&self) -> Vec<String> {
        self.fronts.take_calls()
    }

    /// Denies this operation from now on, or none.
    pub fn deny(&self, operation: Option<&str>) {
        self.fronts.deny(operation);
    }

    /// Holds the call that comes after that many others.
    pub fn hold(&self, after: usize, moment: Moment) -> Held {
        self.fronts.hold(after, moment)
    }

    /// The clients of somebody who may do everything.
    pub async fn clients(&self) -> AwsClients {
        let at = async |url: &str| {
            let config = aws_config::defaults(BehaviorVersion::latest())
                .region(Region::from_static("us-east-1"))
                .credentials_provider(Credentials::new("test", "test", None, None, "test"))
                .endpoint_url(url);
            AwsClients::new(&config.load().await)
        };
        AwsClients {
            dynamodb: at(&self.dynamodb).await.dynamodb,
            kms: at(&self.kms).await.kms,
        }
    }

    /// The variables by which every AWS SDK finds them, and whom it says it is.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.dynamodb.clone()),
            ("AWS_ENDPOINT_URL_KMS", self.kms.clone()),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", self.logs.clone()),
            // Only a command asks who it is; its calls are not counted.
            ("AWS_ENDPOINT_URL_STS", self.services.1.url.clone()),
        ]
    }
}
