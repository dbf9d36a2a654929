//! HTTP requests as API Gateway passes them to a function, and the responses that it takes: of HTTP
//! APIs and function URLs (payload format 2.0), and of REST APIs (format 1.0).
//!
//! The events are parsed by our own code, because a malformed query or header must be answered 400
//! and must not end the process.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use serde::{Deserialize, Serialize};
use tokensmith_issuer::endpoint::check::{Asked, ExpectedTable};
use url::form_urlencoded::Serializer;

/// A request in either format. Members that only the other format has stay empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    /// API Gateway's events have no such member: whoever may invoke the function asks for a check.
    tokensmith: Option<Asked>,
    #[serde(rename = "new_table")]
    new_table: bool,

    /// Format 1.0 has it here.
    http_method: Option<String>,
    path: Option<String>,
    multi_value_headers: Option<HashMap<String, Vec<String>>>,
    query_string_parameters: Option<BTreeMap<String, String>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,

    raw_path: Option<String>,
    raw_query_string: Option<String>,
    cookies: Option<Vec<String>>,

    headers: Option<HashMap<String, String>>,
    body: Option<String>,
    is_base64_encoded: bool,
    request_context: EventContext,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EventContext {
    request_id: Option<String>,
    stage: Option<String>,
    /// Format 2.0.
    http: Option<Http>,
    /// Format 1.0.
    identity: Option<Identity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    source_ip: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    source_ip: Option<String>,
}

/// How API Gateway writes requests and reads answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// REST APIs, and HTTP APIs that are configured so.
    V1,
    /// HTTP APIs and function URLs.
    V2,
}

impl Event {
    /// The check that it asks for, if it is no request.
    pub fn check(&self) -> Option<ExpectedTable> {
        ExpectedTable::asked(self.tokensmith, self.new_table)
    }

    /// The event's format, which the response must have as well.
    pub fn format(&self) -> Format {
        match self.request_context.http {
            Some(_) => Format::V2,
            None => Format::V1,
        }
    }

    /// API Gateway's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_context.request_id.as_deref()
    }

    /// Where it came from.
    pub fn source_ip(&self) -> Option<&str> {
        let EventContext { http, identity, .. } = &self.request_context;
        let v2 = http.as_ref().and_then(|http| http.source_ip.as_deref());
        v2.or_else(|| identity.as_ref()?.source_ip.as_deref())
    }

    /// The path below the issuer URL. Format 2.0 puts the name of the stage before it.
    pub fn path(&self) -> &str {
        let raw = self.raw_path.as_deref().or(self.path.as_deref());
        let raw = raw.unwrap_or_default();
        let stage = self.request_context.stage.as_deref().unwrap_or_default();
        let below = raw
            .strip_prefix('/')
            .and_then(|raw| raw.strip_prefix(stage));
        match below {
            Some(path) if self.format() == Format::V2 && path.starts_with('/') => path,
            _ => raw,
        }
    }

    /// The request itself.
    ///
    /// # Errors
    /// [`NotHttp`] for an event that API Gateway does not send.
    pub fn into_request(self) -> Result<Request<Bytes>, NotHttp> {
        let uri = match self.query() {
            query if query.is_empty() => Uri::from_static("/"),
            query => Uri::try_from(format!("/?{query}")).map_err(|_| NotHttp)?,
        };
        let headers = self.header_map();
        let v2 = self.request_context.http.map(|http| http.method);
        let method = v2.or(self.http_method);
        let method = Method::from_bytes(method.unwrap_or_default().as_bytes());
        let body = self.body.unwrap_or_default();
        let body = match self.is_base64_encoded {
            true => STANDARD.decode(body).map_err(|_| NotHttp)?,
            false => body.into_bytes(),
        };
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method.map_err(|_| NotHttp)?;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn query(&self) -> String {
        if let Some(raw) = &self.raw_query_string {
            return escaped(raw);
        }
        let several = self.multi_value_query_string_parameters.as_ref();
        let mut query = Serializer::new(String::new());
        for (name, values) in several.into_iter().flatten() {
            for value in values {
                query.append_pair(name, value);
            }
        }
        for (name, value) in self.query_string_parameters.iter().flatten() {
            if !several.is_some_and(|several| has_values(several.get(name))) {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// Leaves out what is not a valid header, because no endpoint could read it.
    fn header_map(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut append = |name: &str, value: &str| {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_bytes(value.as_bytes());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        };
        let several = self.multi_value_headers.as_ref();
        for (name, values) in several.into_iter().flatten() {
            values.iter().for_each(|value| append(name, value));
        }
        // Format 1.0 has the last value of each in `headers` as well, or there alone: who makes an
        // event by hand, and some gateways, leave the other empty.
        let is_there = |name: &str| {
            let mut several = several.into_iter().flatten();
            several
                .any(|(other, values)| other.eq_ignore_ascii_case(name) && has_values(Some(values)))
        };
        for (name, value) in self.headers.iter().flatten() {
            if !is_there(name) {
                append(name, value);
            }
        }
        if let Some(cookies) = &self.cookies {
            append(header::COOKIE.as_str(), &cookies.join("; "));
        }
        headers
    }
}

/// The event is not an HTTP request.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the event is no HTTP request of API Gateway")]
pub struct NotHttp;

fn has_values(values: Option<&Vec<String>>) -> bool {
    values.is_some_and(|values| !values.is_empty())
}

/// The query, with every character escaped that a query may not contain (RFC 3986 §3.4).
fn escaped(query: &str) -> String {
    let mut escaped = String::with_capacity(query.len());
    for byte in query.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte) {
            true => escaped.push(char::from(byte)),
            false => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// An answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    status_code: u16,
    #[serde(flatten)]
    headers: Headers,
    body: String,
    is_base64_encoded: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Headers {
    V1 {
        multi_value_headers: BTreeMap<String, Vec<String>>,
    },
    V2 {
        headers: BTreeMap<String, String>,
        cookies: Vec<String>,
    },
}

impl Answer {
    /// `response` in `format`.
    pub fn new(format: Format, response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status_code: head.status.as_u16(),
            headers: Headers::new(format, &head.headers),
            // All responses of the endpoints are text.
            body: String::from_utf8_lossy(&body).into_owned(),
            is_base64_encoded: false,
        }
    }
}

impl Headers {
    fn new(format: Format, headers: &HeaderMap) -> Self {
        let mut several: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            several.entry(name.to_string()).or_default().push(value);
        }
        match format {
            Format::V1 => Self::V1 {
                multi_value_headers: several,
            },
            Format::V2 => Self::V2 {
                // The one header whose values must not be joined.
                cookies: several.remove("set-cookie").unwrap_or_default(),
                headers: several
                    .into_iter()
                    .map(|(name, values)| (name, values.join(", ")))
                    .collect(),
            },
        }
    }
}
