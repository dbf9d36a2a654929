//! The kinds of response that several endpoints share.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;

use super::Endpoint;
use crate::error::{Denied, Error, ErrorCode};
use crate::limit::Standing;

/// An error as JSON (RFC 6749 §5.2).
pub(super) fn json_error(endpoint: &Endpoint, error: &Error, retry_after: u64) -> Response<Bytes> {
    let (status, code, description) = match error {
        Error::Denied(denied) => (denied.status(), denied.code(), denied.to_string()),
        Error::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::TemporarilyUnavailable,
            "try again later".to_owned(),
        ),
    };
    let mut response = uncached_json(&ErrorBody {
        error: code,
        error_description: &description,
    });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, BASIC_CHALLENGE);
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = HeaderValue::from_static(endpoint.methods);
            headers.insert(header::ALLOW, allowed);
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        }
        _ => {}
    }
    if let Error::Denied(Denied::Limit(reason)) = error {
        add_limit_headers(headers, &[*reason.standing()]);
    }
    response
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorCode,
    error_description: &'a str,
}

/// How those stand that are limited (draft-ietf-httpapi-ratelimit-headers-11 §3, §4).
pub(super) fn add_limit_headers(headers: &mut HeaderMap, standings: &[Standing]) {
    if standings.is_empty() {
        return;
    }
    let policy = |one: &Standing| {
        let (permits, window) = (one.limit.permits(), one.limit.window().as_secs());
        format!("\"{}\";q={permits};w={window}", one.kind.as_str())
    };
    let limit = |one: &Standing| {
        let (remaining, resets_in) = (one.remaining, one.resets_in);
        format!("\"{}\";r={remaining};t={resets_in}", one.kind.as_str())
    };
    let list = |print: &dyn Fn(&Standing) -> String| {
        let items: Vec<_> = standings.iter().map(print).collect();
        items.join(", ")
    };
    for (name, value) in [(RATELIMIT_POLICY, list(&policy)), (RATELIMIT, list(&limit))] {
        // Our own names and numbers are always a valid header value.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}

/// A JSON response that no cache may store (RFC 6749 §5.1).
pub(super) fn uncached_json(body: &impl Serialize) -> Response<Bytes> {
    // These are our own structs of strings and numbers, so serializing them cannot fail.
    let mut response = uncached(serde_json::to_vec(body).unwrap_or_default().into());
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

pub(super) fn uncached(body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// A document that everybody may cache for `fresh_for` seconds, or 304 for a caller that has it already
/// (RFC 9110 §13.1.2).
pub(super) fn public_document(
    body: Bytes,
    content_type: HeaderValue,
    fresh_for: u64,
    headers: &HeaderMap,
) -> Response<Bytes> {
    let hash = digest::digest(&digest::SHA256, &body);
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
    let known = if_none_match(headers, &etag);
    let mut response = Response::new(if known { Bytes::new() } else { body });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
    }
    let headers = response.headers_mut();
    let fresh = HeaderValue::from_str(&format!("public, max-age={fresh_for}"));
    if let Ok(fresh) = fresh {
        headers.insert(header::CACHE_CONTROL, fresh);
    }
    // base64url between quotes is always a valid header value, as is what was just made.
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

fn if_none_match(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter();
    tags.filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag)
}

/// The response to OPTIONS, which lists these methods, and every header that is asked for: browsers
/// add nothing of their own to these requests that would have to be protected.
pub(super) fn preflight(methods: &'static str, asked: &HeaderMap) -> Response<Bytes> {
    let mut response = uncached(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(methods),
    );
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(asked));
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("3600"),
    );
    response
}

/// The headers that are documented, and then those that the preflight asks for.
fn allowed_headers(asked: &HeaderMap) -> HeaderValue {
    let lists = asked.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let lists = lists.iter().map(HeaderValue::as_bytes);
    let names = lists.flat_map(|list| list.split(|byte| *byte == b','));
    let names = names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
    let mut allowed = ALLOWED_HEADERS.to_owned();
    for name in names.take(MAX_REQUESTED_HEADERS) {
        if allowed.len() + name.as_str().len() > MAX_ALLOWED_BYTES {
            break;
        }
        let mut listed = allowed.split(", ");
        if !listed.any(|listed| listed.eq_ignore_ascii_case(name.as_str())) {
            allowed.push_str(", ");
            allowed.push_str(name.as_str());
        }
    }
    // Names of headers and what separates them always make a header.
    HeaderValue::try_from(allowed).unwrap_or(HeaderValue::from_static(ALLOWED_HEADERS))
}

/// Scripts of any origin may read every response. That is safe because browsers send no cookies or
/// other credentials of their own with these requests.
pub(super) fn add_cors_headers(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    if EXPOSED.iter().any(|name| headers.contains_key(name)) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_NAMES);
    }
}

const ALLOWED_HEADERS: &str = "Authorization, Content-Type, DPoP";

/// What a preflight is answered at most: more headers than any request has, in a list that every
/// gateway passes on.
const MAX_REQUESTED_HEADERS: usize = 64;
const MAX_ALLOWED_BYTES: usize = 4096;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const BASIC_CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"tokensmith\"");

/// What scripts may read of an answer besides what they always may. An answer that has none of these
/// does not list them: every token would carry the list for nothing.
const EXPOSED: [HeaderName; 5] = [
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("dpop-nonce"),
    header::RETRY_AFTER,
    RATELIMIT,
    RATELIMIT_POLICY,
];
const EXPOSED_NAMES: HeaderValue = HeaderValue::from_static(
    "WWW-Authenticate, DPoP-Nonce, Retry-After, RateLimit, RateLimit-Policy",
);

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
