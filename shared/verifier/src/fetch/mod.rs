//! How documents of the issuer are fetched: a seam, so that an embedder brings the HTTP client it
//! has already, and tests bring none.

mod caching;
#[cfg(feature = "fetch")]
mod client;
mod flight;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use caching::CacheHeaders;
#[cfg(feature = "fetch")]
pub use client::HttpFetch;
pub(crate) use flight::{Flight, Start};

use crate::url::is_protected;

/// A conditional GET (RFC 9110 §13.1.2).
///
/// The crate's feature `fetch` brings one. One's own must not follow redirects to another host,
/// should stop reading after [`FetchRequest::max_bytes`], and needs no time limit.
#[async_trait]
pub trait Fetch: fmt::Debug + Send + Sync {
    /// Gets one document.
    ///
    /// # Errors
    /// [`FetchError`] for everything but 200 and 304.
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError>;
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest<'a> {
    /// An absolute URL: https, or http on loopback.
    pub url: &'a str,
    /// The entity tag of what is here already, for `If-None-Match`.
    pub etag: Option<&'a str>,
    /// The longest body that is accepted, in bytes.
    pub max_bytes: usize,
}

/// What was answered.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// 200, with the body.
    Document(Vec<u8>, CacheHeaders),
    /// 304: what is here already is still right.
    NotModified(CacheHeaders),
}

/// Why there is no document.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not one that may be fetched.
    #[error("the URL is neither https nor http on loopback")]
    ForbiddenUrl,
    /// No answer within the time limit.
    #[error("no answer within the time limit")]
    TimedOut,
    /// The body is longer than was asked for.
    #[error("the answer is too long")]
    TooLong,
    /// Another status than 200 and 304.
    #[error("the answer has status {0}")]
    Status(u16),
    /// No connection, or it broke.
    #[error("{0}")]
    Transport(String),
    /// The document is not what it should be.
    #[error("{0}")]
    Unusable(&'static str),
}

/// Fetches within limits that hold for every [`Fetch`].
pub(crate) async fn fetch_within(
    time_limit: Duration,
    fetch: &dyn Fetch,
    request: FetchRequest<'_>,
) -> Result<Fetched, FetchError> {
    if !is_protected(request.url) {
        return Err(FetchError::ForbiddenUrl);
    }
    let fetched = tokio::time::timeout(time_limit, fetch.fetch(request))
        .await
        .map_err(|_| FetchError::TimedOut)??;
    match &fetched {
        Fetched::Document(body, _) if body.len() > request.max_bytes => Err(FetchError::TooLong),
        Fetched::NotModified(_) if request.etag.is_none() => {
            Err(FetchError::Unusable("304 answers a request without a tag"))
        }
        _ => Ok(fetched),
    }
}
