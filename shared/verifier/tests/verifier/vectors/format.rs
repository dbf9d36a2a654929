//! The files of `tests/vectors`, as their README describes them. A member or a kind that is not here is an error.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokensmith_verifier::Challenge;

/// `tokens.json`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    pub cases: Vec<TokenCase>,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TokenCase {
    /// A token, sent as `Authorization: Bearer TOKEN`.
    Token(Bearer),
    /// The values of all `Authorization` headers.
    Headers(Headers),
    /// A scope expression, and scopes that meet it or not.
    Expression(Expression),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bearer {
    pub name: String,
    pub now: u64,
    pub issuer: String,
    pub audiences: Vec<String>,
    pub required: String,
    pub token: String,
    pub expected: Outcome,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    pub name: String,
    pub now: u64,
    pub issuer: String,
    pub audiences: Vec<String>,
    pub required: String,
    pub authorization: Vec<String>,
    pub expected: Outcome,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Expression {
    pub name: String,
    pub expression: String,
    pub granted: Vec<String>,
    pub expected: Meaning,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
pub enum Meaning {
    Met { sufficient: String },
    NotMet { sufficient: String },
    Invalid { reason: String },
}

/// What becomes of a request.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    Accept { claims: Value },
    Reject { reason: String, challenge: Answer },
}

/// A [`Challenge`].
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub status: u16,
    pub www_authenticate: Option<String>,
    pub retry_after: Option<u64>,
}

impl From<Challenge> for Answer {
    fn from(challenge: Challenge) -> Self {
        Self {
            status: challenge.status,
            www_authenticate: challenge.www_authenticate,
            retry_after: challenge.retry_after,
        }
    }
}

/// `dpop.json`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dpop {
    pub cases: Vec<DpopCase>,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DpopCase {
    /// Requests to one process, one after the other.
    Requests(Requests),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    pub name: String,
    pub issuer: String,
    pub audiences: Vec<String>,
    pub schemes: Schemes,
    pub required: String,
    pub requests: Vec<Request>,
}

/// What the resource server was told to take.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schemes {
    Bearer,
    DpopAndBearer,
    Dpop,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub now: u64,
    pub method: String,
    pub url: String,
    pub authorization: Vec<String>,
    pub dpop: Vec<String>,
    pub expected: Outcome,
}

/// `feed.json`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    pub hashes: Vec<Hash>,
    pub documents: Vec<Document>,
    pub cases: Vec<FeedCase>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hash {
    pub kind: String,
    pub name: String,
    /// What SHA-256 is taken of, in hexadecimal digits.
    pub input: String,
    pub hash: String,
}

/// One document, judged alone.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub name: String,
    pub now: u64,
    pub issuer: String,
    pub since: u64,
    pub document: String,
    pub expected: Reading,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reading {
    Accept {
        until: u64,
        more: bool,
        entries: usize,
    },
    Reject {
        reason: String,
    },
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FeedCase {
    /// A verifier from its start, as time passes.
    Steps(Steps),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    pub name: String,
    pub issuer: String,
    pub audiences: Vec<String>,
    pub interval: u64,
    pub max_age: u64,
    pub stale: String,
    pub steps: Vec<Step>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub now: u64,
    /// What the URL of the keys answers from now on; absent when that has not changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// The fetches of the feed that are made now, in this order.
    pub fetches: Vec<FeedFetch>,
    pub tokens: Vec<Judged>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FeedFetch {
    pub since: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `null` is an answer of 503.
    pub document: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    pub name: String,
    pub token: String,
    pub expected: Outcome,
}
