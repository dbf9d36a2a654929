use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kms::config::SharedCredentialsProvider;
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
    /// Reads region, credentials and endpoints from where every AWS SDK does: for people.
    pub async fn load() -> Self {
        Self::new(&aws_config::load_defaults(BehaviorVersion::latest()).await)
    }

    /// Reads them from variables alone, where Lambda puts them. A function then carries nothing that
    /// looks for them in files, in STS or on the network.
    pub fn of_function(value_of: impl Fn(&str) -> Option<String>) -> Self {
        let credentials = EnvironmentVariableCredentialsProvider::new();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(value_of("AWS_REGION").map(Region::new))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let endpoint = |own| value_of(own).or_else(|| value_of("AWS_ENDPOINT_URL"));
        let (mut dynamodb, mut kms) = builders(&config);
        dynamodb.set_endpoint_url(endpoint("AWS_ENDPOINT_URL_DYNAMODB"));
        kms.set_endpoint_url(endpoint("AWS_ENDPOINT_URL_KMS"));
        Self::built(dynamodb, kms)
    }

    /// The clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        let (dynamodb, kms) = builders(config);
        Self::built(dynamodb, kms)
    }

    fn built(
        dynamodb: aws_sdk_dynamodb::config::Builder,
        kms: aws_sdk_kms::config::Builder,
    ) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
        }
    }
}

fn builders(
    config: &SdkConfig,
) -> (
    aws_sdk_dynamodb::config::Builder,
    aws_sdk_kms::config::Builder,
) {
    let dynamodb = with_time_limits(aws_sdk_dynamodb::config::Builder::from(config));
    let kms = aws_sdk_kms::config::Builder::from(config)
        .interceptor(CountAwsCalls)
        .timeout_config(time_limits())
        .retry_config(retries());
    (dynamodb, kms)
}
