//! One JSON line on stderr for each request. No field holds a secret.

use std::time::Instant;

use tokensmith_issuer::Level;
use tokensmith_issuer::event::{Authorized, AuthorizedRequest, Judgement};
use tokensmith_issuer::store::aws_calls;
use tokensmith_verifier::{InvalidRequest, Refusal, Rejection};

use crate::decision::Decision;

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
    let request = AuthorizedRequest {
        request_id: known.request_id,
        route: known.route.as_deref(),
        latency_us: known.started.elapsed().as_micros(),
        aws_calls: aws_calls::so_far(),
        feed_age_s: known.feed_age,
    };
    Authorized::new(judgement(decision), request).write(least);
}

fn judgement(decision: &Decision) -> Judgement<'_> {
    match decision {
        Decision::Allowed(claims) => Judgement::Allowed {
            client: claims.client_id(),
            grant: claims.grant_id(),
        },
        Decision::Forbidden(claims, reason) => Judgement::Refused {
            client: Some(claims.client_id()),
            grant: claims.grant_id(),
            reason: reason.as_str(),
            is_security_event: false,
        },
        Decision::Unverified(refusal) => Judgement::Refused {
            client: None,
            grant: None,
            reason: reason_of(refusal),
            is_security_event: *refusal == Refusal::Rejected(Rejection::KeyWithdrawn),
        },
        Decision::Unavailable(failure) => Judgement::Unavailable {
            failure: failure.to_string(),
        },
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
            Rejection::KeyWithdrawn => "withdrawn_key",
        },
    }
}
