use aws_config::{BehaviorVersion, SdkConfig};
use tokensmith_issuer::aws_calls::{CountAwsCalls, retries, time_limits};
use tokensmith_issuer::store::with_time_limits;

/// The clients of AWS. Each call has its time limits, and is counted.
#[derive(Clone, Debug)]
pub struct Clients {
    /// For the table.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// For the keys.
    pub kms: aws_sdk_kms::Client,
}

impl Clients {
    /// Reads region, credentials and endpoints from where every AWS SDK does.
    pub async fn load() -> Self {
        Self::new(&aws_config::load_defaults(BehaviorVersion::latest()).await)
    }

    /// The clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        let dynamodb = with_time_limits(aws_sdk_dynamodb::config::Builder::from(config));
        let kms = aws_sdk_kms::config::Builder::from(config)
            .interceptor(CountAwsCalls)
            .timeout_config(time_limits())
            .retry_config(retries());
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
        }
    }
}
