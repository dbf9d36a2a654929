//! The endpoints as functions from request to response, without a framework: the same behind
//! Lambda, behind the local router and in a test.
//!
//! What every endpoint shares is here: methods, CORS, caching headers, the time limit, and how an
//! error becomes an answer and a log line.

pub(crate) mod form;
mod introspect;
mod metadata;
mod paths;
mod revocations;
mod revoke;
mod token;

pub use paths::Endpoint;

use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde::Serialize;

use crate::Issuer;
use crate::client::PresentedCredentials;
use crate::endpoint::form::Form;
use crate::error::{Denied, Error, ErrorCode, Unavailable};
use crate::event::{RequestContext, RequestLog};
use crate::grant::GrantType;
use crate::store::aws_calls;

impl Issuer {
    /// Answers one request and writes its log line. Never fails: whatever goes wrong is an answer.
    ///
    /// The host may attach a [`RequestContext`] as a request extension.
    pub async fn handle(&self, endpoint: Endpoint, request: Request<Bytes>) -> Response<Bytes> {
        aws_calls::counted(self.answer(endpoint, request)).await
    }

    async fn answer(&self, endpoint: Endpoint, request: Request<Bytes>) -> Response<Bytes> {
        let started = Instant::now();
        let context = request.extensions().get::<RequestContext>().cloned();
        let mut log = RequestLog::new(endpoint, request.method(), context);
        let time_limit = self.config.request_timeout;
        // Boxed: it is large, and every layer around it would move and hold a copy of its size.
        let work = Box::pin(self.dispatch(endpoint, &request, &mut log));
        let mut response = match tokio::time::timeout(time_limit, work).await {
            Ok(Ok(response)) => response,
            Ok(Err(refusal)) => self.refuse(endpoint, refusal, &mut log),
            Err(_) => self.refuse(endpoint, Unavailable::Timeout.into(), &mut log),
        };
        if endpoint.has_cors() {
            add_cors_headers(response.headers_mut());
        }
        if let Ok(id) = HeaderValue::from_str(log.request_id()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if request.method() == Method::HEAD {
            let length = HeaderValue::from(response.body().len());
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
            *response.body_mut() = Bytes::new();
        }
        log.write(self.config.log_level, response.status(), started.elapsed());
        response
    }

    async fn dispatch(
        &self,
        endpoint: Endpoint,
        request: &Request<Bytes>,
        log: &mut RequestLog,
    ) -> Result<Response<Bytes>, Error> {
        if !endpoint.allows(request.method()) {
            return Err(Denied::MethodNotAllowed.into());
        }
        if request.method() == Method::OPTIONS {
            return Ok(preflight(endpoint));
        }
        match endpoint {
            Endpoint::Token => self.token(request, &GrantType::ALL, log).await,
            Endpoint::Refresh => self.token(request, &[GrantType::RefreshToken], log).await,
            Endpoint::Revoke => self.revoke(request, log).await,
            Endpoint::Introspect => self.introspect(request, log).await,
            Endpoint::Revocations => self.revocations(request).await,
            Endpoint::Jwks => self.jwks(request.headers()).await,
            Endpoint::AuthorizationServerMetadata | Endpoint::OpenidConfiguration => {
                Ok(self.metadata(request.headers()))
            }
        }
    }

    /// RFC 6749 §5.2.
    fn refuse(&self, endpoint: Endpoint, refusal: Error, log: &mut RequestLog) -> Response<Bytes> {
        log.refused(&refusal);
        let (status, error, description) = match &refusal {
            Error::Denied(denied) => (denied.status(), denied.code(), denied.to_string()),
            Error::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorCode::TemporarilyUnavailable,
                "try again later".to_owned(),
            ),
        };
        let mut response = uncached_json(&ErrorBody {
            error,
            error_description: &description,
        });
        *response.status_mut() = status;
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, BASIC_CHALLENGE);
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                let allowed = HeaderValue::from_static(endpoint.allowed_methods());
                headers.insert(header::ALLOW, allowed);
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, self.retry_after(&refusal));
            }
            _ => {}
        }
        response
    }

    /// In seconds (RFC 9110 §10.2.3).
    fn retry_after(&self, refusal: &Error) -> HeaderValue {
        match refusal {
            Error::Unavailable(Unavailable::JustRevoked(until)) => {
                HeaderValue::from(until.since(self.clock.now()).as_secs() + 1)
            }
            _ => HeaderValue::from_static("1"),
        }
    }
}

fn read_form(request: &Request<Bytes>) -> Result<Form, Denied> {
    Form::parse(request.uri(), request.headers(), request.body())
}

/// Who a request claims to come from.
fn read_credentials(
    request: &Request<Bytes>,
    form: &Form,
    log: &mut RequestLog,
) -> Result<PresentedCredentials, Denied> {
    let presented = PresentedCredentials::from_request(request.headers(), form)?;
    log.client_id = Some(presented.client_id().clone());
    Ok(presented)
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorCode,
    error_description: &'a str,
}

/// A JSON answer that nobody may keep (RFC 6749 §5.1).
fn uncached_json(body: &impl Serialize) -> Response<Bytes> {
    // Our own structs of strings and numbers: printing them cannot fail.
    let mut response = uncached(serde_json::to_vec(body).unwrap_or_default().into());
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

fn uncached(body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

fn preflight(endpoint: Endpoint) -> Response<Bytes> {
    let mut response = uncached(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let allowed = HeaderValue::from_static(endpoint.allowed_methods());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, allowed);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Authorization, Content-Type, DPoP"),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("3600"),
    );
    response
}

/// The browser may read every answer; no credentials of its own are ever sent along.
fn add_cors_headers(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const BASIC_CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"tokensmith\"");
const EXPOSED: HeaderValue = HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce, Retry-After");

/// The request id, echoed so that a caller can name the log line.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
