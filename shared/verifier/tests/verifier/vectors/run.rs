//! The verifier of this crate against every vector.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokensmith_verifier::{
    CacheHeaders, Clock, FeedDocument, FeedRejection, FeedSettings, Fetch, FetchError,
    FetchRequest, Fetched, InvalidScopes, ProtectedRequest, Refusal, RequiredScopes, Revocation,
    StalePolicy, VerificationKeys, VerifiedClaims, Verifier, VerifierBuilder,
};

use super::format::{
    Answer, Dpop, DpopCase, Expression, Feed, FeedCase, FeedFetch, Hash, Meaning, Outcome, Reading,
    Requests, Schemes, Steps, TokenCase, Tokens,
};
use super::refusals::all_reasons;
use super::{path_of, read};

/// An issuer that answers what a file says.
#[derive(Default)]
struct Scripted {
    jwks: Mutex<Value>,
    feed: Mutex<VecDeque<FeedFetch>>,
    asked: Mutex<Vec<u64>>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl Fetch for Scripted {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let Some((_, since)) = request.url.split_once("/oauth2/revocations?since=") else {
            let keys = self.jwks.lock().expect("no panic").to_string();
            return Ok(Fetched::Document(
                keys.into_bytes(),
                CacheHeaders::default(),
            ));
        };
        self.asked
            .lock()
            .expect("no panic")
            .push(since.parse().expect("a cursor"));
        let answer = self.feed.lock().expect("no panic").pop_front();
        let answer = answer.ok_or(FetchError::Status(500))?;
        let headers = CacheHeaders {
            cache_control: answer.cache_control,
            ..CacheHeaders::default()
        };
        let document = answer.document.ok_or(FetchError::Status(503))?;
        Ok(Fetched::Document(document.into_bytes(), headers))
    }
}

/// A verifier as a case asks for it.
struct Subject {
    issuer: Arc<Scripted>,
    clock: Arc<AtomicU64>,
    verifier: Verifier,
}

impl Subject {
    fn new(
        issuer: &str,
        audiences: &[String],
        configure: impl FnOnce(VerifierBuilder) -> VerifierBuilder,
    ) -> Self {
        let scripted = Arc::new(Scripted::default());
        *scripted.jwks.lock().expect("no panic") = read("keys.json");
        let clock = Arc::new(AtomicU64::new(0));
        let mut builder = Verifier::builder(issuer)
            .fetch(scripted.clone())
            .clock(Clock::Manual(clock.clone()));
        for audience in audiences {
            builder = builder.audience(audience);
        }
        let verifier = configure(builder).build().expect("a good configuration");
        Self {
            issuer: scripted,
            clock,
            verifier,
        }
    }

    fn set(&self, now: u64) {
        self.clock.store(now, Ordering::SeqCst);
    }

    async fn bearer(&self, authorization: &[String], required: &str) -> Outcome {
        let values = authorization.iter().map(|value| value.as_bytes());
        let required: RequiredScopes = required.parse().expect("an expression");
        self.outcome(self.verifier.authorize(values, &required).await)
    }

    fn outcome(&self, verified: Result<VerifiedClaims, Refusal>) -> Outcome {
        match verified {
            Ok(claims) => Outcome::Accept {
                claims: all_of(&claims),
            },
            Err(refusal) => Outcome::Reject {
                reason: refusal.name().to_owned(),
                challenge: Answer::from(self.verifier.challenge(&refusal)),
            },
        }
    }
}

/// Everything that verified claims say, as a token says it.
fn all_of(claims: &VerifiedClaims) -> Value {
    let others = claims
        .others()
        .map(|(name, value)| (name.to_owned(), value.clone()));
    let mut all: Map<String, Value> = others.collect();
    for (name, value) in [
        ("iss", json!(claims.issuer())),
        ("sub", json!(claims.subject())),
        ("aud", json!(claims.audiences())),
        ("client_id", json!(claims.client_id())),
        ("exp", json!(claims.expires_at())),
        ("iat", json!(claims.issued_at())),
        ("jti", json!(claims.token_id())),
        ("grant_id", json!(claims.grant_id())),
        ("act", json!(claims.actor())),
        ("parents", json!(claims.parents())),
        (
            "scope",
            json!(claims.scopes().collect::<Vec<_>>().join(" ")),
        ),
    ] {
        all.insert(name.to_owned(), value);
    }
    comparable(&Value::Object(all))
}

/// Claims in one form: what is absent is left out, one audience is an array, and `nbf` and `cnf`, which verified claims do not
/// tell, are left out.
fn comparable(claims: &Value) -> Value {
    let mut claims = claims.clone();
    let members = claims.as_object_mut().expect("an object");
    if let Some(Value::String(one)) = members.get("aud") {
        let one = json!([one]);
        members.insert("aud".to_owned(), one);
    }
    members.retain(|name, value| {
        let is_absent = value.is_null() || *value == json!([]) || *value == json!("");
        !is_absent && name != "nbf" && name != "cnf"
    });
    claims
}

fn assert_outcome(found: Outcome, expected: Outcome, name: &str) {
    let expected = match expected {
        Outcome::Accept { claims } => Outcome::Accept {
            claims: comparable(&claims),
        },
        refused => refused,
    };
    assert_eq!(found, expected, "{name}");
}

#[tokio::test]
async fn rfc9068_4_every_vector_of_tokens_has_its_verdict() {
    let file: Tokens = read("tokens.json");
    assert!(file.cases.len() >= 220, "{} cases", file.cases.len());
    for case in file.cases {
        match case {
            TokenCase::Token(case) => {
                let subject = Subject::new(&case.issuer, &case.audiences, |builder| builder);
                subject.set(case.now);
                let sent = [format!("Bearer {}", case.token)];
                assert_outcome(
                    subject.bearer(&sent, &case.required).await,
                    case.expected,
                    &case.name,
                );
            }
            TokenCase::Headers(case) => {
                let subject = Subject::new(&case.issuer, &case.audiences, |builder| builder);
                subject.set(case.now);
                let found = subject.bearer(&case.authorization, &case.required).await;
                assert_outcome(found, case.expected, &case.name);
            }
            TokenCase::Expression(case) => {
                assert_eq!(meaning_of(&case), case.expected, "{}", case.name)
            }
        }
    }
}

fn meaning_of(case: &Expression) -> Meaning {
    let required: RequiredScopes = match case.expression.parse() {
        Ok(required) => required,
        Err(reason) => {
            return Meaning::Invalid {
                reason: name_of(reason).to_owned(),
            };
        }
    };
    let sufficient = required.sufficient();
    match required.are_met_by(|scope| case.granted.iter().any(|granted| granted == scope)) {
        true => Meaning::Met { sufficient },
        false => Meaning::NotMet { sufficient },
    }
}

fn name_of(reason: InvalidScopes) -> &'static str {
    match reason {
        InvalidScopes::MissingScope => "missing_scope",
        InvalidScopes::MissingOperator => "missing_operator",
        InvalidScopes::Unbalanced => "unbalanced",
        InvalidScopes::ForbiddenCharacter => "forbidden_character",
        InvalidScopes::TooDeep => "too_deep",
    }
}

#[tokio::test]
async fn rfc9449_7_every_vector_of_bound_tokens_has_its_verdict() {
    let file: Dpop = read("dpop.json");
    assert!(file.cases.len() >= 94, "{} cases", file.cases.len());
    for DpopCase::Requests(case) in file.cases {
        run_requests(case).await;
    }
}

async fn run_requests(case: Requests) {
    let subject = Subject::new(&case.issuer, &case.audiences, |builder| {
        match case.schemes {
            Schemes::Bearer => builder,
            Schemes::DpopAndBearer => builder.dpop(),
            Schemes::Dpop => builder.dpop_only(),
        }
    });
    let required: RequiredScopes = case.required.parse().expect("an expression");
    for (index, request) in case.requests.into_iter().enumerate() {
        subject.set(request.now);
        let sent = ProtectedRequest {
            method: &request.method,
            url: &request.url,
            authorization: request
                .authorization
                .iter()
                .map(|value| value.as_bytes())
                .collect(),
            dpop: request.dpop.iter().map(|value| value.as_bytes()).collect(),
        };
        let found = subject.outcome(subject.verifier.authorize_request(&sent, &required).await);
        assert_outcome(
            found,
            request.expected,
            &format!("{}, request {index}", case.name),
        );
    }
}

#[test]
fn every_vector_of_hashes_is_that_of_an_entry() {
    let file: Feed = read("feed.json");
    assert_eq!(file.hashes.len(), 6);
    for example in file.hashes {
        let Hash {
            kind,
            name,
            input,
            hash,
        } = &example;
        let made = match kind.as_str() {
            "token" => Revocation::of_token(name, 0),
            "grant" => Revocation::of_grant(name, 0),
            "client" => Revocation::of_client(name, 0, 0),
            "subject" => Revocation::of_subject(name, 0, 0),
            "key" => Revocation::of_key(name, 0),
            "api_key" => Revocation::of_api_key(name, 0, 0),
            other => panic!("a kind that this test does not know: {other}"),
        };
        assert_eq!(json!(made)["hash"], **hash, "{name}");
        let end: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(input.ends_with(&format!("00{end}")), "{input}");
    }
}

/// `docs/feed.md` has one of them as its example.
#[test]
fn the_example_of_the_feeds_page_is_a_vector() {
    let page = std::fs::read_to_string(path_of("../../docs/feed.md")).expect("docs/feed.md");
    let file: Feed = read("feed.json");
    let example = file.hashes.iter().find(|example| example.kind == "api_key");
    let example = example.expect("an example");
    for text in [&example.name, &example.input, &example.hash] {
        assert!(page.contains(text.as_str()), "{text}");
    }
}

#[test]
fn every_vector_of_feed_documents_has_its_verdict() {
    let file: Feed = read("feed.json");
    assert!(
        file.documents.len() >= 49,
        "{} documents",
        file.documents.len()
    );
    let keys = serde_json::to_vec(&read::<Value>("keys.json")).expect("JSON");
    let keys = VerificationKeys::usable_in(&keys).expect("keys");
    for case in file.documents {
        let verified =
            FeedDocument::verified(&case.document, &keys, &case.issuer, case.since, case.now);
        let found = match verified {
            Ok((_, document)) => Reading::Accept {
                until: document.until,
                more: document.more,
                entries: document.entries.len(),
            },
            Err(reason) => Reading::Reject {
                reason: name_of_feed(reason).to_owned(),
            },
        };
        assert_eq!(found, case.expected, "{}", case.name);
    }
}

fn name_of_feed(reason: FeedRejection) -> &'static str {
    match reason {
        FeedRejection::Rejected(reason) => reason.name(),
        FeedRejection::Gap => "gap",
        FeedRejection::NoProgress => "no_progress",
        FeedRejection::FromTheFuture => "from_the_future",
        FeedRejection::Older => "older",
    }
}

#[tokio::test]
async fn invariant_4_every_vector_of_the_feed_has_its_verdicts() {
    let file: Feed = read("feed.json");
    assert!(file.cases.len() >= 17, "{} cases", file.cases.len());
    for FeedCase::Steps(case) in file.cases {
        run_steps(case).await;
    }
}

async fn run_steps(case: Steps) {
    let settings = FeedSettings {
        interval: Duration::from_secs(case.interval),
        stale: StalePolicy {
            max_age: Duration::from_secs(case.max_age),
            then: case.stale.parse().expect("closed or open"),
        },
    };
    let subject = Subject::new(&case.issuer, &case.audiences, |builder| {
        builder.revocation_feed(settings)
    });
    for step in case.steps {
        let at = format!("{}, at {}", case.name, step.now);
        subject.set(step.now);
        if let Some(jwks) = step.jwks {
            *subject.issuer.jwks.lock().expect("no panic") = jwks;
        }
        let cursors: Vec<u64> = step.fetches.iter().map(|fetch| fetch.since).collect();
        *subject.issuer.feed.lock().expect("no panic") = step.fetches.into();
        subject.verifier.refresh_revocations().await;
        for judged in step.tokens {
            let found = subject
                .bearer(&[format!("Bearer {}", judged.token)], "")
                .await;
            assert_outcome(found, judged.expected, &format!("{at}: {}", judged.name));
        }
        let asked = std::mem::take(&mut *subject.issuer.asked.lock().expect("no panic"));
        assert_eq!(asked, cursors, "{at}");
    }
}

/// Each reason for which a request is refused, and the feed's, has a vector.
#[test]
fn every_reason_has_a_vector() {
    let mut found = BTreeSet::new();
    for file in ["tokens.json", "feed.json", "dpop.json"] {
        reasons_in(&read(file), &mut found);
    }
    let of_feed = ["gap", "no_progress", "from_the_future"];
    for reason in all_reasons().chain(of_feed) {
        assert!(found.contains(reason), "{reason}");
    }
}

fn reasons_in(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| reasons_in(item, found)),
        Value::Object(members) => {
            let reason = members.get("reason").and_then(Value::as_str);
            found.extend(reason.map(str::to_owned));
            members.values().for_each(|value| reasons_in(value, found));
        }
        _ => {}
    }
}
