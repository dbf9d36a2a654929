//! What every call to AWS has: a time limit and a counter. Calls cost time and money, so each log
//! line says how many there were.

use std::cell::Cell;
use std::time::Duration;

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

/// The time limits of a call: of connecting, of one attempt, and of all attempts together.
pub fn time_limits() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(Duration::from_secs(3))
        .build()
}

/// The retries of a call, with jitter: after throttling, or after a failure of the service or the
/// network.
pub fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50))
}

/// How long one attempt of one operation may take.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a call failed, for the log: the kind of failure, and the service's error code with the HTTP
/// status. Nothing of an answer's body, not even its message: a body that was cut off may be the one
/// that carries a plaintext key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallFailure {
    /// The request could not be built.
    #[error("the request could not be built")]
    NotBuilt,
    /// No attempt was answered in time.
    #[error("no answer within the time limit")]
    NoAnswer,
    /// There is no connection to the service.
    #[error("the connection failed")]
    NoConnection,
    /// The request was never sent: there are no credentials to sign it with, or it has no endpoint.
    #[error("the request could not be sent")]
    NotSent,
    /// The answer is none that this service gives.
    #[error("the answer cannot be read (HTTP {0})")]
    UnreadableAnswer(u16),
    /// The service refused.
    #[error("{code} (HTTP {status})")]
    Refused {
        /// Its error code.
        code: String,
        /// The HTTP status.
        status: u16,
    },
    /// The answer was not what the operation promises.
    #[error("{0}")]
    Incomplete(String),
    /// A kind of failure that this release does not know.
    #[error("an unknown kind of failure")]
    Unknown,
}

/// Why a call failed.
pub fn reason_of<E: ProvideErrorMetadata>(err: &SdkError<E, HttpResponse>) -> CallFailure {
    match err {
        SdkError::ConstructionFailure(_) => CallFailure::NotBuilt,
        SdkError::TimeoutError(_) => CallFailure::NoAnswer,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => CallFailure::NoAnswer,
        SdkError::DispatchFailure(failure) if failure.is_io() => CallFailure::NoConnection,
        SdkError::DispatchFailure(_) => CallFailure::NotSent,
        SdkError::ResponseError(answer) => {
            CallFailure::UnreadableAnswer(answer.raw().status().as_u16())
        }
        SdkError::ServiceError(answer) => CallFailure::Refused {
            code: answer.err().code().unwrap_or("no error code").to_owned(),
            status: answer.raw().status().as_u16(),
        },
        _ => CallFailure::Unknown,
    }
}

/// Counts every attempt of every SDK client that it is registered with, retries included.
#[derive(Debug)]
pub struct CountAwsCalls;

impl Intercept for CountAwsCalls {
    fn name(&self) -> &'static str {
        "CountAwsCalls"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Calls outside of a request are not counted.
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        Ok(())
    }
}

/// Runs `work`, in which [`so_far`] counts from zero.
pub async fn counted<F: Future>(work: F) -> F::Output {
    CALLS.scope(Cell::new(0), work).await
}

/// How many attempts of calls the current request has made.
pub fn so_far() -> u32 {
    CALLS.try_with(Cell::get).unwrap_or(0)
}

tokio::task_local! {
    static CALLS: Cell<u32>;
}
