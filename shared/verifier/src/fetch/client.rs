use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use http::header::{self, HeaderName};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;

use super::resolver::{NOT_ALLOWED, Resolver};
use super::{CacheHeaders, Fetch, FetchError, FetchRequest, Fetched};

/// The client of the feature `fetch`: HTTP/1.1 over rustls on AWS-LC, with the roots of the
/// operating system. It follows no redirects, and shares no TLS state with the rest of the process.
#[derive(Clone)]
pub struct HttpFetch {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Empty<&'static [u8]>>,
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
}

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
        let http_request = http_request.body(Empty::new()).map_err(transport)?;
        if !self
            .resolver
            .allows(http_request.uri().host().unwrap_or_default())
        {
            return Err(FetchError::Transport(NOT_ALLOWED.to_owned()));
        }
        let response = self.client.request(http_request).await.map_err(transport)?;
        let caching = cache_headers(response.headers());
        match response.status() {
            StatusCode::OK => {
                let body = Limited::new(response.into_body(), request.max_bytes);
                let body =
                    body.collect()
                        .await
                        .map_err(|err| match err.is::<LengthLimitError>() {
                            true => FetchError::TooLong,
                            false => FetchError::Transport(err.to_string()),
                        })?;
                Ok(Fetched::Document(body.to_bytes().into(), caching))
            }
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
