//! The last requests, kept in memory for the page.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use maud::{Markup, html};
use tokensmith_issuer::event::{Answered, Outcome};

use super::time;

/// What the last requests were, and what became of them: no more of each than its log line may hold.
#[derive(Debug, Default)]
pub(crate) struct LastRequests(Mutex<VecDeque<(SystemTime, Noted)>>);

/// What is kept of a request.
#[derive(Debug)]
pub(crate) enum Noted {
    /// It was one to an endpoint.
    Answered(Box<Answered>),
    /// There is nothing at its path, which is kept as far as it can be logged.
    NotRouted(String),
}

impl LastRequests {
    pub(crate) fn note(&self, noted: Noted) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(KEPT - 1);
        kept.push_front((SystemTime::now(), noted));
    }

    /// Their section of the page, newest first.
    pub(super) fn section(&self) -> Markup {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        html! {
            section aria-labelledby="requests" {
                h2 id="requests" { "Last requests" }
                @if kept.is_empty() {
                    p { "None since this process started." }
                } @else {
                    div .scroll role="region" aria-labelledby="requests" tabindex="0" {
                        table {
                            thead { tr {
                                th scope="col" { "Time (UTC)" }
                                th scope="col" { "Request" }
                                th scope="col" { "Outcome" }
                                th scope="col" { "Client" }
                                th scope="col" .number { "Status" }
                                th scope="col" .number { "Took" }
                                th scope="col" { "Request id" }
                            } }
                            tbody {
                                @for (at, noted) in kept.iter() { (row(*at, noted)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn row(at: SystemTime, noted: &Noted) -> Markup {
    match noted {
        Noted::Answered(answered) => answered_row(at, answered),
        Noted::NotRouted(path) => html! {
            tr {
                td .nowrap { (time(at)) }
                th scope="row" { code { (path) } }
                td { span .state.denied { "denied" } " " code .reason { "not_routed" } }
                td {}
                td .number { "404" }
                td {}
                td {}
            }
        },
    }
}

fn answered_row(at: SystemTime, answered: &Answered) -> Markup {
    let event = &answered.event;
    let (class, outcome) = match event.outcome() {
        Outcome::Ok => ("ok", "ok"),
        Outcome::Denied => ("denied", "denied"),
        Outcome::Unavailable => ("failed", "unavailable"),
    };
    let milliseconds = Duration::from_micros(answered.latency_us.try_into().unwrap_or(u64::MAX));
    html! {
        tr {
            td .nowrap { (time(at)) }
            th scope="row" .nowrap { code { (answered.method) " " (answered.endpoint) } }
            td { span .state.(class) { (outcome) } @if let Some(reason) = event.why() { " " code .reason { (reason) } } }
            td { @if let Some(client) = event.client() { code { (client) } } }
            td .number { (answered.status) }
            td .number.nowrap { (format!("{:.1} ms", milliseconds.as_secs_f64() * 1000.0)) }
            td .nowrap { code { (answered.context.request_id) } }
        }
    }
}

/// Bounds the memory that requests of strangers can take.
const KEPT: usize = 100;
