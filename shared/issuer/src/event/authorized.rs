use serde::Serialize;
use strum::VariantNames;

use super::{Event, Outcome};
use crate::config::Level;

/// What the authorizer decided on a request to an API.
#[derive(Clone, Debug, Serialize, VariantNames)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "docs/events.md has each field")]
pub enum Judgement<'a> {
    /// The API gets the request.
    Allowed {
        client: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<&'a str>,
        /// The public id of the API key that was presented or exchanged.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'a str>,
    },
    /// The API does not get the request. Who sent it is known of a token that was verified.
    Refused {
        #[serde(skip_serializing_if = "Option::is_none")]
        client: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'a str>,
        reason: &'static str,
        /// Whether an operator should look into it.
        #[serde(skip)]
        is_security_event: bool,
    },
    /// The API does not get the request, because it is beyond a limit.
    Limited {
        client: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'a str>,
        /// Whose limit it is.
        limit_of: &'static str,
        reason: &'static str,
    },
    /// A dependency failed, so that nothing could be decided.
    Unavailable { failure: String },
}

impl Judgement<'_> {
    const fn outcome(&self) -> Outcome {
        match self {
            Self::Allowed { .. } => Outcome::Ok,
            Self::Refused { .. } | Self::Limited { .. } => Outcome::Denied,
            Self::Unavailable { .. } => Outcome::Unavailable,
        }
    }

    pub(super) const fn level(&self) -> Level {
        match self {
            Self::Refused {
                is_security_event: true,
                ..
            } => Level::Warn,
            Self::Allowed { .. } | Self::Refused { .. } | Self::Limited { .. } => Level::Info,
            Self::Unavailable { .. } => Level::Error,
        }
    }
}

/// What is logged about a request that the authorizer judged.
#[derive(Clone, Debug, Serialize)]
pub struct Authorized<'a> {
    #[serde(flatten)]
    pub(super) judgement: Judgement<'a>,
    endpoint: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    outcome: Outcome,
    latency_us: u128,
    aws_calls: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_age_s: Option<u64>,
}

/// What is known about a request to an API, whatever was decided on it.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizedRequest<'a> {
    /// Its id, the same in every log.
    pub request_id: &'a str,
    /// The API's name for the route, which no caller chooses.
    pub route: Option<&'a str>,
    /// How long the decision took, in microseconds.
    pub latency_us: u128,
    /// How many calls to AWS were made for it.
    pub aws_calls: u32,
    /// The age of the view of revocations, in seconds; absent while the view is cold.
    pub feed_age_s: Option<u64>,
}

impl<'a> Authorized<'a> {
    /// What was decided on a request.
    pub const fn new(judgement: Judgement<'a>, request: AuthorizedRequest<'a>) -> Self {
        Self {
            outcome: judgement.outcome(),
            judgement,
            endpoint: "authorize",
            request_id: request.request_id,
            route: request.route,
            latency_us: request.latency_us,
            aws_calls: request.aws_calls,
            feed_age_s: request.feed_age_s,
        }
    }

    /// Writes it, if its level is at least `least`.
    pub fn write(&self, least: Level) {
        Event::Authorizer(self).write(least);
    }
}
