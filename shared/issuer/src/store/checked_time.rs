//! The time by DynamoDB's clock. An operator's machine may have a wrong clock, and a revocation that
//! is dated too early is never seen by those who have read past that time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use tokensmith_verifier::{Clock, Timestamp};

use super::item::AnyKey;
use super::reader::{failed, incomplete};
use super::records::Settings;
use super::{StoreError, TableReader};

/// A time that DynamoDB has told, and what has passed since.
///
/// The `Date` of an answer is cut to whole seconds, and was written somewhere between the request and
/// the answer. So the time is known as two bounds, at most 2 s apart, because a call takes at most
/// [`ATTEMPT_TIMEOUT`](super::aws_calls::ATTEMPT_TIMEOUT).
#[derive(Clone, Copy, Debug)]
pub struct CheckedTime {
    date: Timestamp,
    sent: Instant,
    received: Instant,
}

impl CheckedTime {
    /// No later than the time is.
    pub fn now(&self) -> Timestamp {
        self.date.after(self.received.elapsed())
    }

    /// No earlier than the time is.
    pub fn latest(&self) -> Timestamp {
        self.date
            .after(self.sent.elapsed() + Duration::from_secs(1))
    }
}

impl From<CheckedTime> for Clock {
    fn from(time: CheckedTime) -> Self {
        Self::Told(time.date, time.received)
    }
}

impl TableReader {
    /// The time by DynamoDB's clock, from a read that this makes (`GetItem`).
    ///
    /// # Errors
    /// [`StoreError`] when the read fails, or its answer does not tell the time.
    pub async fn checked_time(&self) -> Result<CheckedTime, StoreError> {
        let heard = Heard::default();
        self.client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(Settings::only_key().to_item()))
            .projection_expression("pk")
            .consistent_read(true)
            .customize()
            .interceptor(heard.clone())
            .send()
            .await
            .map_err(|err| failed("GetItem", &err))?;
        heard.time().ok_or_else(|| {
            let reason =
                "the answer does not tell the time (its header Date is missing or unreadable)";
            incomplete("GetItem", reason.to_owned())
        })
    }
}

/// Notes when the last attempt was sent and answered, and the `Date` of the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Mutex<Attempt>>);

#[derive(Debug, Default)]
struct Attempt {
    sent: Option<Instant>,
    answered: Option<(Timestamp, Instant)>,
}

impl Heard {
    /// The `Date` of the answer.
    pub(super) fn date(&self) -> Option<Timestamp> {
        Some(self.time()?.date)
    }

    fn time(&self) -> Option<CheckedTime> {
        let attempt = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (date, received) = attempt.answered?;
        Some(CheckedTime {
            date,
            sent: attempt.sent?,
            received,
        })
    }
}

impl Intercept for Heard {
    fn name(&self) -> &'static str {
        "Heard"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut attempt = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *attempt = Attempt {
            sent: Some(Instant::now()),
            answered: None,
        };
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        let seconds = date.and_then(|date| u64::try_from(date.secs()).ok());
        let mut attempt = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        attempt.answered = seconds.map(|date| (Timestamp::from_seconds(date), Instant::now()));
        Ok(())
    }
}
