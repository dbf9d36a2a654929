//! The line of a request that was answered.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Serialize;

use super::{Event, Outcome, RequestEvent};
use crate::config::Level;
use crate::credential::random_id;
use crate::store::aws_calls;

/// What a host knows about a request.
#[derive(Clone, Debug, Serialize)]
pub struct RequestContext {
    /// The request id, the same in every log.
    pub request_id: String,
    /// Where it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The trace it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// What is logged about a request that was answered. A host finds it among the extensions of the
/// response, whatever the level of the log is.
#[derive(Clone, Debug, Serialize)]
pub struct Answered {
    /// What it came to.
    #[serde(flatten)]
    pub event: RequestEvent,
    /// The endpoint's name.
    pub endpoint: &'static str,
    /// What the host knows about it.
    #[serde(flatten)]
    pub context: RequestContext,
    /// Its method, cut after 16 characters.
    pub method: String,
    outcome: Outcome,
    /// The HTTP status.
    pub status: u16,
    /// How long the answer took, in microseconds.
    pub latency_us: u128,
    /// How many calls to AWS were made for it.
    pub aws_calls: u32,
}

impl Answered {
    pub(crate) fn new(
        endpoint: &'static str,
        method: &Method,
        context: RequestContext,
        event: RequestEvent,
        (status, latency): (StatusCode, Duration),
    ) -> Self {
        Self {
            endpoint,
            context,
            // The caller chooses the method's text, so only a bounded part of it is logged.
            method: method.as_str().chars().take(16).collect(),
            outcome: event.outcome(),
            event,
            status: status.as_u16(),
            latency_us: latency.as_micros(),
            aws_calls: aws_calls::so_far(),
        }
    }

    pub(crate) fn write(&self, least: Level) {
        Event::Request(self).write(least);
    }
}

impl RequestContext {
    /// Of a request whose host knows nothing about it.
    pub(crate) fn unknown() -> Self {
        Self {
            request_id: random_id(),
            source: None,
            trace_id: None,
        }
    }
}
