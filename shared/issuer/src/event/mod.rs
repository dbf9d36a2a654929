//! What is logged: one JSON line on stderr for each event, by one schema, which docs/events.md describes. No
//! field holds a secret.
//!
//! Each kind of event has only its own fields, and cannot be made without them. A new kind is a variant of
//! the enum of whoever causes it: [`RequestEvent`], [`Judgement`], [`ServiceEvent`] or [`AdminEvent`]. Then its row in
//! docs/events.md is missing, which a test says.

mod answered;
mod authorized;
mod issued_token;
mod loggable;
mod operator;
mod request;
mod service;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

pub use answered::{Answered, RequestContext};
pub use authorized::{Authorized, AuthorizedRequest, Judgement};
pub use issued_token::{DelegationChain, IssuedToken};
pub use loggable::loggable_path;
pub use operator::{AdminEvent, OperatorLine};
pub use request::{Ending, Known, Noteworthy, RequestEvent};
pub use service::ServiceEvent;

use crate::config::Level;

/// The version of the schema. Within it fields and events are added, and none is renamed, removed or given
/// another meaning.
pub const SCHEMA: u32 = 1;

/// Something that happened.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Event<'a> {
    /// An endpoint answered a request.
    Request(&'a Answered),
    /// The authorizer judged a request to an API.
    Authorizer(&'a Authorized<'a>),
    /// What else a process has to say.
    Service(&'a ServiceEvent<'a>),
    /// An operator changed something. It is a record, and in no log.
    Operator(OperatorLine<'a>),
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was carried out.
    Ok,
    /// It was at fault.
    Denied,
    /// A dependency failed.
    Unavailable,
}

impl Event<'_> {
    /// How urgent it is.
    pub fn level(&self) -> Level {
        match self {
            Self::Request(answered) => answered.event.level(),
            Self::Authorizer(authorized) => authorized.judgement.level(),
            Self::Service(event) => event.level(),
            Self::Operator(line) => line.level(),
        }
    }

    /// Writes it as one JSON object on stderr, in one piece, if its level is at least `least`.
    pub fn write(&self, least: Level) {
        let level = self.level();
        if level < least {
            return;
        }
        if let Ok(mut json) = serde_json::to_vec(&self.at(SystemTime::now())) {
            json.push(b'\n');
            // A log that cannot be written must not fail the request.
            let _ = std::io::stderr().write_all(&json);
            // Most processes keep no copy.
            let _ = COPY.try_with(|keep| keep(&json));
        }
    }

    /// Its line, written at `moment`.
    pub fn at(&self, moment: SystemTime) -> Line<'_> {
        Line {
            time: humantime::format_rfc3339_millis(moment).to_string(),
            level: self.level(),
            schema: SCHEMA,
            event: self,
        }
    }
}

/// A line, which begins the same for every event.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    time: String,
    level: Level,
    schema: u32,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

/// Runs `work`, and hands every line that is written in it to `keep` as well, for a host whose log is read by nobody else.
/// A task that `work` spawns is not part of it.
pub async fn copied<F: Future>(keep: KeepsLines, work: F) -> F::Output {
    COPY.scope(keep, work).await
}

/// What keeps a line.
pub type KeepsLines = Arc<dyn Fn(&[u8]) + Send + Sync>;

tokio::task_local! {
    static COPY: KeepsLines;
}
