use std::fmt;
use std::io::Cursor;
use std::net::IpAddr;

use async_trait::async_trait;
use http::header::{self, HeaderName, HeaderValue};
use http::response::Parts;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;

use super::resolver::{NOT_ALLOWED, Resolver};
use super::{CacheHeaders, Fetch, FetchError, FetchRequest, Fetched, PostRequest, Posted};

/// The client of the feature `fetch`: HTTP/1.1 over rustls on AWS-LC, with the roots of the
/// operating system. It follows no redirects, and shares no TLS state with the rest of the process.
#[derive(Clone)]
pub struct HttpFetch {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Body>,
    resolver: Resolver,
}

impl HttpFetch {
    /// A client without connections.
    ///
    /// # Errors
    /// [`FetchError::Transport`] when the operating system has no root certificates.
    pub fn new() -> Result<Self, FetchError> {
        Self::with(|_| true, usize::MAX)
    }

    /// The same, which connects only to allowed addresses, however a host is written, and anew for each
    /// document: for URLs that somebody else has chosen, and seldom fetches.
    ///
    /// # Errors
    /// As [`HttpFetch::new`].
    pub fn only_to(allowed: fn(IpAddr) -> bool) -> Result<Self, FetchError> {
        Self::with(allowed, 0)
    }

    fn with(allowed: fn(IpAddr) -> bool, idle_connections: usize) -> Result<Self, FetchError> {
        let resolver = Resolver::new(allowed);
        let builder = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(aws_lc_rs::default_provider())
            .map_err(|err| FetchError::Transport(format!("no root certificates: {err}")))?;
        // Plain http is allowed here because every URL was checked before: only loopback may use
        // it.
        let mut http = HttpConnector::new_with_resolver(resolver.clone());
        http.enforce_http(false);
        let connector = builder.https_or_http().enable_http1().wrap_connector(http);
        Ok(Self {
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(idle_connections)
                .build(connector),
            resolver,
        })
    }

    /// Sends a form by POST, under the same rules, and returns the answer whatever its status is.
    ///
    /// # Errors
    /// [`FetchError`] when there is no answer, or one that is too long.
    pub async fn post(&self, request: PostRequest<'_>) -> Result<Posted, FetchError> {
        let mut http_request = Request::post(request.url)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::USER_AGENT, USER_AGENT);
        if let Some(authorization) = request.authorization {
            let mut value = HeaderValue::from_str(authorization).map_err(transport)?;
            value.set_sensitive(true);
            http_request = http_request.header(header::AUTHORIZATION, value);
        }
        let body = Full::new(Cursor::new(request.form.as_bytes().to_vec()));
        let (parts, body) = self
            .send(http_request.body(body), request.max_bytes, |_| true)
            .await?;
        Ok(Posted {
            status: parts.status.as_u16(),
            body,
        })
    }

    /// Sends a request to an allowed address, and reads so much of an answer whose status is worth reading.
    async fn send(
        &self,
        request: Result<Request<Body>, http::Error>,
        max_bytes: usize,
        is_read: fn(StatusCode) -> bool,
    ) -> Result<(Parts, Vec<u8>), FetchError> {
        let request = request.map_err(transport)?;
        let host = request.uri().host().unwrap_or_default();
        if !self.resolver.allows(host) {
            return Err(FetchError::Transport(NOT_ALLOWED.to_owned()));
        }
        let response = self.client.request(request).await.map_err(transport)?;
        let (parts, body) = response.into_parts();
        if !is_read(parts.status) {
            return Ok((parts, Vec::new()));
        }
        let read = Limited::new(body, max_bytes).collect().await;
        let body = read.map_err(|err| match err.is::<LengthLimitError>() {
            true => FetchError::TooLong,
            false => FetchError::Transport(err.to_string()),
        })?;
        Ok((parts, body.to_bytes().into()))
    }
}

type Body = Full<Cursor<Vec<u8>>>;

#[async_trait]
impl Fetch for HttpFetch {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        // Some servers refuse requests that do not say who asks.
        let mut http_request = Request::get(request.url)
            .header(header::ACCEPT, "*/*")
            .header(header::USER_AGENT, USER_AGENT);
        if let Some(etag) = request.etag {
            http_request = http_request.header(header::IF_NONE_MATCH, etag);
        }
        let body = Full::new(Cursor::new(Vec::new()));
        let (parts, body) = self
            .send(http_request.body(body), request.max_bytes, |status| {
                status == StatusCode::OK
            })
            .await?;
        let caching = cache_headers(&parts.headers);
        match parts.status {
            StatusCode::OK => Ok(Fetched::Document(body, caching)),
            StatusCode::NOT_MODIFIED => Ok(Fetched::NotModified(caching)),
            status => Err(FetchError::Status(status.as_u16())),
        }
    }
}

impl fmt::Debug for HttpFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpFetch")
    }
}

const USER_AGENT: &str = concat!("tokensmith/", env!("CARGO_PKG_VERSION"));

fn cache_headers(headers: &HeaderMap) -> CacheHeaders {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
    CacheHeaders {
        etag: text(header::ETAG),
        cache_control: text(header::CACHE_CONTROL),
        age: text(header::AGE),
    }
}

/// The text of an error with its causes, because hyper's own text leaves them out.
fn transport(err: impl std::error::Error) -> FetchError {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text.push_str(&format!(": {err}"));
        cause = err.source();
    }
    FetchError::Transport(text)
}
