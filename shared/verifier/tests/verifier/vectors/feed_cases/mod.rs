//! The feed as time passes: each step sets the clock, renews what is overdue, and judges tokens.

mod ends;
mod key_changes;
mod reading;
mod staleness;

use serde_json::{Value, json};

use super::feed::{document, entry, payload};
use super::format::{FeedCase, FeedFetch, Judged, Outcome, Schemes, Step, Steps};
use super::keys::{Keys, signed};
use super::refusals::refused;
use super::tokens::{claims, claims_with};
use crate::support::{AUDIENCE, Forger, ISSUER, START};

/// Until when an entry matters, where that does not matter.
const LONG: u64 = START + 100_000;

pub fn made(keys: &Keys) -> Vec<FeedCase> {
    let cases = [
        ends::each_kind(keys),
        ends::parents_and_actors(keys),
        ends::unknown_kinds(keys),
        ends::later_until(keys),
        reading::cursors(keys),
        reading::freshness(keys),
        reading::pages(keys),
        ends::ends_of_entries(keys),
        key_changes::withdrawn_key(keys),
        key_changes::new_key(keys),
        reading::bad_documents(keys),
        reading::replay(keys),
        staleness::stale(keys, "closed"),
        staleness::stale(keys, "open"),
        staleness::cold(keys, "closed"),
        staleness::cold(keys, "open"),
        staleness::frozen(keys),
    ];
    cases.into_iter().map(FeedCase::Steps).collect()
}

fn case(keys: &Keys, name: &str, mut steps: Vec<Step>) -> Steps {
    steps[0].jwks = Some(keys.published());
    Steps {
        name: name.to_owned(),
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        interval: 5,
        max_age: 120,
        stale: "closed".to_owned(),
        steps,
    }
}

fn step(now: u64, fetches: Vec<FeedFetch>, tokens: Vec<Judged>) -> Step {
    Step {
        now,
        jwks: None,
        fetches,
        tokens,
    }
}

fn fetch(since: u64, document: String) -> FeedFetch {
    FeedFetch {
        since,
        cache_control: None,
        document: Some(document),
    }
}

fn failed(since: u64) -> FeedFetch {
    FeedFetch {
        since,
        cache_control: None,
        document: None,
    }
}

/// The first document, which is made at [`START`].
fn first(keys: &Keys, entries: Value) -> FeedFetch {
    fetch(0, document(&keys.eddsa, &payload(0, START, entries)))
}

/// One of 5 s later.
fn second(keys: &Keys, entries: Value) -> FeedFetch {
    fetch(
        START - 30,
        document(&keys.eddsa, &payload(START - 30, START + 5, entries)),
    )
}

fn token(key: &Forger, claims: &Value) -> String {
    signed(key, &key.header(), claims)
}

fn good(keys: &Keys, name: &str, claims: Value) -> Judged {
    Judged {
        name: name.to_owned(),
        token: token(&keys.eddsa, &claims),
        expected: Outcome::Accept { claims },
    }
}

fn bad(keys: &Keys, name: &str, claims: &Value, reason: &str) -> Judged {
    bad_by(&keys.eddsa, name, claims, reason)
}

fn bad_by(key: &Forger, name: &str, claims: &Value, reason: &str) -> Judged {
    Judged {
        name: name.to_owned(),
        token: token(key, claims),
        expected: refused(reason, Schemes::Bearer),
    }
}

/// The same claims, but valid until the end of the case.
fn long_lived(claims: &Value) -> Value {
    let mut claims = claims.clone();
    claims["exp"] = json!(START + 7200);
    claims
}
