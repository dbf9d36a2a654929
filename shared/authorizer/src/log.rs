//! One JSON line on stderr for each request. No field holds a secret.

use std::time::Instant;

use tokensmith_issuer::Level;
use tokensmith_issuer::credential::ApiKeyId;
use tokensmith_issuer::event::{Authorized, AuthorizedRequest, Judgement};
use tokensmith_issuer::store::aws_calls;
use tokensmith_verifier::{Refusal, Rejection};

use crate::decision::{Decision, Unverified};

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
        Decision::Allowed(principal) => Judgement::Allowed {
            client: principal.client_id(),
            grant: principal.grant_id(),
            key: principal.key_id(),
        },
        Decision::Forbidden(principal, reason) => Judgement::Refused {
            client: Some(principal.client_id()),
            grant: principal.grant_id(),
            key: principal.key_id(),
            reason: reason.as_str(),
            is_security_event: false,
        },
        Decision::Limited(principal, standing) => Judgement::Limited {
            client: principal.client_id(),
            grant: principal.grant_id(),
            key: principal.key_id(),
            limit_of: standing.kind.as_str(),
            reason: LIMIT_EXCEEDED,
        },
        Decision::Unverified(unverified) => Judgement::Refused {
            client: None,
            grant: None,
            key: match unverified {
                Unverified::ApiKey { key, .. } => key.as_ref().map(ApiKeyId::as_str),
                Unverified::Token(_) | Unverified::SeveralCredentials => None,
            },
            reason: match unverified {
                Unverified::Token(refusal) => refusal.name(),
                Unverified::ApiKey { reason, .. } => reason.into(),
                Unverified::SeveralCredentials => "several_credentials",
            },
            is_security_event: is_security_event(unverified),
        },
        Decision::Unavailable(failure) => Judgement::Unavailable {
            failure: failure.clone(),
        },
    }
}

/// Somebody has a token by a key that was withdrawn, or an API key that has ended or may be used elsewhere only.
fn is_security_event(unverified: &Unverified) -> bool {
    match unverified {
        Unverified::Token(Refusal::Rejected(Rejection::KeyWithdrawn)) => true,
        Unverified::ApiKey { reason, .. } => reason.is_security_event(),
        Unverified::Token(_) | Unverified::SeveralCredentials => false,
    }
}

/// The reason of a request beyond a limit, the same as at the issuer.
const LIMIT_EXCEEDED: &str = "limit_exceeded";
