//! One JSON line on stderr for each request. No field holds a secret.

use std::io::Write;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use serde::Serialize;
use tokensmith_verifier::KeyId;

use crate::config::Level;
use crate::credential::random_id;
use crate::credential::{ApiKeyId, GrantId};
use crate::error::Error;
use crate::fetched::DocumentUrl;
use crate::names::{ClientId, FederationName, IssuerUrl};
use crate::store::records::{ForeignTable, GrantType, HOW_TO_MEND_IT};
use crate::store::{StoreError, aws_calls};
use crate::token::MintedToken;

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

/// What is logged about a request, filled in while it is answered.
#[derive(Clone, Debug, Serialize)]
pub struct RequestLog {
    /// The endpoint's name.
    pub event: &'static str,
    /// What the host knows about it.
    #[serde(flatten)]
    pub context: RequestContext,
    /// Its method, cut after 16 characters.
    pub method: String,
    /// What became of it.
    pub outcome: Outcome,
    #[serde(skip)]
    level: Level,
    /// Why it was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What the limit is about that was exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit_of: Option<&'static str>,
    /// What failed, of a request that could not be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The client that it names.
    #[serde(rename = "client", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The federation rule by which a token of another issuer speaks for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<FederationName>,
    /// The public id of the API key by which the client has authenticated.
    #[serde(rename = "key", skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<ApiKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grant_type: Option<GrantType>,
    #[serde(rename = "grant", skip_serializing_if = "Option::is_none")]
    pub(crate) grant_id: Option<GrantId>,
    /// Whether there was something to revoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<bool>,
    /// What introspection answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) active: Option<bool>,
    #[serde(rename = "kid", skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<KeyId>,
    /// The access token that was issued.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) issued: Option<IssuedLog>,
}

/// What is logged of an access token: what names it, and what it allows.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct IssuedLog {
    jti: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    aud: String,
}

impl IssuedLog {
    /// A client can have many scopes and audiences, and each byte of a log line costs: long ones are cut.
    pub(crate) fn of(minted: &MintedToken) -> Self {
        Self {
            jti: minted.token_id.clone(),
            scope: bounded(&minted.scopes.to_string()),
            aud: bounded(&minted.audiences.join(" ")),
        }
    }
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(LONGEST_LOGGED) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A path that nothing is served at, as far as it can be logged: a caller can put anything into it, also a
/// credential. It ends at the first character that no path of ours has, and where a credential or a token
/// begins.
pub fn loggable_path(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let plain = path
        .bytes()
        .take(LONGEST_LOGGED)
        .take_while(|byte| is_plain(*byte))
        .count();
    let begins = |secret: &str| path[..plain].find(secret);
    let end = SECRETS_BEGIN
        .into_iter()
        .filter_map(begins)
        .min()
        .unwrap_or(plain);
    match end == path.len() {
        true => path.to_owned(),
        false => format!("{}…", &path[..end]),
    }
}

/// How our credentials begin, and every JWT.
const SECRETS_BEGIN: [&str; 2] = ["tksm", "eyJ"];

const LONGEST_LOGGED: usize = 120;

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

impl RequestLog {
    pub(crate) fn new(
        endpoint: &'static str,
        method: &Method,
        context: Option<RequestContext>,
    ) -> Self {
        Self {
            event: endpoint,
            level: Level::Info,
            context: context.unwrap_or_else(|| RequestContext {
                request_id: random_id(),
                source: None,
                trace_id: None,
            }),
            // The caller chooses the method's text, so only a bounded part of it is logged.
            method: method.as_str().chars().take(16).collect(),
            outcome: Outcome::Ok,
            reason: None,
            limit_of: None,
            failure: None,
            client_id: None,
            rule: None,
            api_key_id: None,
            grant_type: None,
            grant_id: None,
            revoked: None,
            active: None,
            key_id: None,
            issued: None,
        }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.context.request_id
    }

    pub(crate) fn refused(&mut self, error: &Error) {
        match error {
            Error::Denied(denied) => {
                self.outcome = Outcome::Denied;
                self.reason = Some(denied.reason());
                self.limit_of = denied.limit_of();
                if denied.is_security_event() {
                    self.level = Level::Warn;
                }
            }
            Error::Unavailable(unavailable) => {
                self.outcome = Outcome::Unavailable;
                self.failure = Some(unavailable.to_string());
                self.level = Level::Error;
            }
        }
    }

    /// Notes a token by a key that was withdrawn, which somebody still presents.
    pub(crate) fn names_withdrawn_key(&mut self) {
        self.reason = Some("withdrawn_key");
        self.level = Level::Warn;
    }

    /// What is logged once the request is answered.
    pub(crate) fn answered(self, status: StatusCode, latency: Duration) -> Answered {
        Answered {
            request: self,
            status: status.as_u16(),
            latency_us: latency.as_micros(),
            aws_calls: aws_calls::so_far(),
        }
    }
}

/// What is logged about a request that was answered. A host finds it among the extensions of the
/// response, whatever the level of the log is.
#[derive(Clone, Debug, Serialize)]
pub struct Answered {
    /// What was known before the answer.
    #[serde(flatten)]
    pub request: RequestLog,
    /// The HTTP status.
    pub status: u16,
    /// How long the answer took, in microseconds.
    pub latency_us: u128,
    /// How many calls to AWS were made for it.
    pub aws_calls: u32,
}

impl Answered {
    /// Writes the line, if its level is at least `least`.
    pub(crate) fn write(&self, least: Level) {
        if self.request.level >= least {
            write_line(self.request.level, self);
        }
    }
}

/// Writes that the table belongs to another issuer or wrapping key, which nothing here may use.
pub fn write_foreign_table(foreign: &ForeignTable) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'static str,
        #[serde(flatten)]
        foreign: &'a ForeignTable,
        message: &'static str,
    }
    let event = "foreign_table";
    let message = HOW_TO_MEND_IT;
    write_line(
        Level::Error,
        &Line {
            event,
            foreign,
            message,
        },
    );
}

/// Writes that a document was not fetched, or that what was fetched could not be recorded. Of the URL it has
/// the host alone, and of the document nothing.
pub(crate) fn write_fetch_failed(url: &DocumentUrl, reason: &str) {
    #[derive(Serialize)]
    struct FetchFailed<'a> {
        event: &'static str,
        host: &'a str,
        message: String,
    }
    write_line(
        Level::Warn,
        &FetchFailed {
            event: "fetch_failed",
            host: url.host(),
            message: bounded(reason),
        },
    );
}

/// Writes that the last use of an API key could not be noted.
pub(crate) fn write_last_use_failed(key: &ApiKeyId, err: &StoreError) {
    #[derive(Serialize)]
    struct LastUseFailed<'a> {
        event: &'static str,
        key: &'a ApiKeyId,
        message: String,
    }
    write_line(
        Level::Warn,
        &LastUseFailed {
            event: "last_use_failed",
            key,
            message: err.to_string(),
        },
    );
}

/// Writes that data in use were given to another issuer.
pub(crate) fn write_issuer_changed(from: &IssuerUrl, to: &IssuerUrl) {
    #[derive(Serialize)]
    struct IssuerChanged<'a> {
        event: &'static str,
        from: &'a IssuerUrl,
        to: &'a IssuerUrl,
        message: &'static str,
    }
    write_line(
        Level::Warn,
        &IssuerChanged {
            event: "issuer_changed",
            from,
            to,
            message: "tokens of the old issuer URL are no longer accepted",
        },
    );
}

/// Writes `line` as one JSON object on stderr, in one piece.
pub fn write_line(level: Level, line: &impl Serialize) {
    #[derive(Serialize)]
    struct Line<'a, T> {
        time: String,
        level: Level,
        #[serde(flatten)]
        line: &'a T,
    }
    let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    if let Ok(mut json) = serde_json::to_vec(&Line { time, level, line }) {
        json.push(b'\n');
        // A log that cannot be written must not fail the request.
        let _ = std::io::stderr().write_all(&json);
    }
}
