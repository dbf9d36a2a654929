//! One JSON line on stderr for each request. No field holds a secret.

use std::time::Instant;

use serde::Serialize;
use tokensmith_issuer::store::aws_calls;
use tokensmith_issuer::{Level, write_line};
use tokensmith_verifier::{InvalidRequest, Refusal, Rejection};

use crate::decision::{Decision, Unverified};
use crate::principal::Principal;

/// What is logged about a request besides its verdict.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) route: Option<String>,
    pub(crate) started: Instant,
    /// The age of the view of revocations, in seconds; absent while the view is cold.
    pub(crate) feed_age: Option<u64>,
}

/// Writes the line, if its level is at least `least`.
pub(crate) fn write(least: Level, known: &Known<'_>, decision: &Decision) {
    let (level, outcome) = match decision {
        Decision::Allowed(_) => (Level::Info, "ok"),
        Decision::Unverified(unverified) if is_security_event(unverified) => {
            (Level::Warn, "denied")
        }
        Decision::Forbidden(..) | Decision::Limited(..) | Decision::Unverified(_) => {
            (Level::Info, "denied")
        }
        Decision::Unavailable(_) | Decision::Uncounted(..) => (Level::Error, "unavailable"),
    };
    if level < least {
        return;
    }
    let principal = match decision {
        Decision::Allowed(principal)
        | Decision::Forbidden(principal, _)
        | Decision::Limited(principal, _)
        | Decision::Uncounted(principal, _) => Some(principal),
        Decision::Unverified(_) | Decision::Unavailable(_) => None,
    };
    let line = Authorized {
        event: "authorize",
        request_id: known.request_id,
        outcome,
        reason: match decision {
            Decision::Allowed(_) | Decision::Unavailable(_) | Decision::Uncounted(..) => None,
            Decision::Forbidden(_, reason) => Some(reason.as_str()),
            Decision::Limited(..) => Some("limit_exceeded"),
            Decision::Unverified(Unverified::Token(refusal)) => Some(reason_of(refusal)),
            Decision::Unverified(Unverified::ApiKey(reason)) => Some(reason.into()),
            Decision::Unverified(Unverified::SeveralCredentials) => Some("several_credentials"),
        },
        limit_of: match decision {
            Decision::Limited(_, standing) => Some(standing.kind.as_str()),
            _ => None,
        },
        failure: match decision {
            Decision::Unavailable(failure) | Decision::Uncounted(_, failure) => Some(failure),
            _ => None,
        },
        client: principal.map(Principal::client_id),
        grant: principal.and_then(Principal::grant_id),
        key: principal.and_then(Principal::key_id),
        route: known.route.as_deref(),
        latency_us: known.started.elapsed().as_micros(),
        aws_calls: aws_calls::so_far(),
        feed_age_s: known.feed_age,
    };
    write_line(level, &line);
}

/// Writes that API Gateway would not take the answer.
pub(crate) fn write_too_long(request_id: &str, bytes: usize) {
    let event = "authorize_answer_too_long";
    let line = TooLong {
        event,
        request_id,
        bytes,
    };
    write_line(Level::Error, &line);
}

#[derive(Serialize)]
struct TooLong<'a> {
    event: &'static str,
    request_id: &'a str,
    bytes: usize,
}

#[derive(Serialize)]
struct Authorized<'a> {
    event: &'static str,
    request_id: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_of: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    latency_us: u128,
    aws_calls: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_age_s: Option<u64>,
}

/// Somebody has a token by a key that was withdrawn, or an API key that has ended or may be used elsewhere only.
fn is_security_event(unverified: &Unverified) -> bool {
    match unverified {
        Unverified::Token(Refusal::Rejected(Rejection::KeyWithdrawn)) => true,
        Unverified::ApiKey(reason) => reason.is_security_event(),
        Unverified::Token(_) | Unverified::SeveralCredentials => false,
    }
}

fn reason_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NoToken => "no_token",
        Refusal::InvalidRequest(InvalidRequest::RepeatedHeader) => "repeated_header",
        Refusal::InvalidRequest(InvalidRequest::MalformedToken) => "malformed_header",
        Refusal::InsufficientScope(_) => "insufficient_scope",
        Refusal::Unavailable(_) => "unavailable",
        Refusal::Rejected(rejection) => match rejection {
            Rejection::TooLong => "too_long",
            Rejection::Malformed => "malformed",
            Rejection::UnsupportedHeader => "unsupported_header",
            Rejection::WrongType => "wrong_type",
            Rejection::UnknownKey => "unknown_key",
            Rejection::WrongAlgorithm => "wrong_algorithm",
            Rejection::BadSignature => "bad_signature",
            Rejection::WrongIssuer => "wrong_issuer",
            Rejection::WrongAudience => "wrong_audience",
            Rejection::Expired => "expired",
            Rejection::NotYetValid => "not_yet_valid",
            Rejection::TokenRevoked => "token_revoked",
            Rejection::GrantRevoked => "grant_revoked",
            Rejection::ClientRevoked => "client_revoked",
            Rejection::SubjectRevoked => "subject_revoked",
            Rejection::ApiKeyEnded => "api_key_ended",
            Rejection::KeyWithdrawn => "withdrawn_key",
        },
    }
}
