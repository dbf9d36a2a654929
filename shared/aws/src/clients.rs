use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kms::config::SharedCredentialsProvider;
use tokensmith_issuer::store::aws_calls::{CountAwsCalls, retries, time_limits};
use tokensmith_issuer::store::with_time_limits;

/// The AWS clients of the command. Each call has its time limits, and is counted.
#[derive(Clone, Debug)]
pub struct AwsClients {
    /// The client of the table.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The client of the keys.
    pub kms: aws_sdk_kms::Client,
}

impl AwsClients {
    /// Reads region, credentials and endpoints from the places that all AWS SDKs use.
    pub async fn load() -> Self {
        Self::new(&aws_config::load_defaults(BehaviorVersion::latest()).await)
    }

    /// The clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb(config).build()),
            kms: aws_sdk_kms::Client::from_conf(kms(config).build()),
        }
    }
}

/// The client of the table for a function, with region and credentials from the environment
/// variables that Lambda sets, and from nowhere else.
pub fn dynamodb_of_function(value_of: impl Fn(&str) -> Option<String>) -> aws_sdk_dynamodb::Client {
    let mut dynamodb = dynamodb(&config_of_function(&value_of));
    dynamodb.set_endpoint_url(endpoint(value_of, "AWS_ENDPOINT_URL_DYNAMODB"));
    aws_sdk_dynamodb::Client::from_conf(dynamodb.build())
}

/// The client of KMS, made the same way. Only functions that make, open or use keys call this.
pub(crate) fn kms_of_function(value_of: impl Fn(&str) -> Option<String>) -> aws_sdk_kms::Client {
    let mut kms = kms(&config_of_function(&value_of));
    kms.set_endpoint_url(endpoint(value_of, "AWS_ENDPOINT_URL_KMS"));
    aws_sdk_kms::Client::from_conf(kms.build())
}

/// A function has no code that looks for region and credentials in files, in STS or on the network.
fn config_of_function(value_of: impl Fn(&str) -> Option<String>) -> SdkConfig {
    let credentials = EnvironmentVariableCredentialsProvider::new();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(value_of("AWS_REGION").map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// The endpoint that is configured for this service, or for all services.
fn endpoint(value_of: impl Fn(&str) -> Option<String>, own: &str) -> Option<String> {
    value_of(own).or_else(|| value_of("AWS_ENDPOINT_URL"))
}

fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::config::Builder {
    with_time_limits(aws_sdk_dynamodb::config::Builder::from(config))
}

fn kms(config: &SdkConfig) -> aws_sdk_kms::config::Builder {
    aws_sdk_kms::config::Builder::from(config)
        .interceptor(CountAwsCalls)
        .timeout_config(time_limits())
        .retry_config(retries())
}
