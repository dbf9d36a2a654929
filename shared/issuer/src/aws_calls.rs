//! How many requests to AWS an answer took: each is latency and money, so each log line says it.

use std::cell::Cell;

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

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
        // Outside of a request, nobody asks how many there were.
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        Ok(())
    }
}

/// Does `work`, in which [`so_far`] counts from zero.
pub(crate) async fn counted<F: Future>(work: F) -> F::Output {
    CALLS.scope(Cell::new(0), work).await
}

/// How many attempts the current request has made.
pub(crate) fn so_far() -> u32 {
    CALLS.try_with(Cell::get).unwrap_or(0)
}

tokio::task_local! {
    static CALLS: Cell<u32>;
}
