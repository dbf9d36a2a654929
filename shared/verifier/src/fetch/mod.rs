//! How documents of the issuer are fetched: a trait, so that an embedder can use its own HTTP
//! client, and tests need none.

mod caching;
#[cfg(feature = "fetch")]
mod client;
mod flight;
#[cfg(feature = "fetch")]
mod resolver;

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
/// The crate's feature `fetch` has an implementation. An implementation of your own must not follow
/// redirects to another host, should stop reading after [`FetchRequest::max_bytes`], and needs no
/// time limit.
#[async_trait]
pub trait Fetch: fmt::Debug + Send + Sync {
    /// Gets one document.
    ///
    /// # Errors
    /// [`FetchError`] for everything but 200 and 304.
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError>;
}

/// The document to fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest<'a> {
    /// An absolute URL: https, or http on loopback.
    pub url: &'a str,
    /// The entity tag of the copy that the verifier has, for `If-None-Match`.
    pub etag: Option<&'a str>,
    /// The longest body that is accepted, in bytes.
    pub max_bytes: usize,
}

/// The response to a [`FetchRequest`].
#[derive(Clone, Debug)]
pub enum Fetched {
    /// 200, with the body.
    Document(Vec<u8>, CacheHeaders),
    /// 304: the copy that the verifier has is still current.
    NotModified(CacheHeaders),
}

/// A form that [`HttpFetch::post`] sends.
#[cfg(feature = "fetch")]
#[derive(Clone, Copy)]
pub struct PostRequest<'a> {
    /// An absolute URL: https, or http on loopback.
    pub url: &'a str,
    /// The value of `Authorization`, if there is one.
    pub authorization: Option<&'a str>,
    /// The body, as `application/x-www-form-urlencoded`.
    pub form: &'a str,
    /// The longest body of an answer that is accepted, in bytes.
    pub max_bytes: usize,
}

/// What is sent may be secret.
#[cfg(feature = "fetch")]
impl fmt::Debug for PostRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostRequest({})", self.url)
    }
}

/// The answer to a [`PostRequest`]. It may have a secret in it.
#[cfg(feature = "fetch")]
pub struct Posted {
    /// Its HTTP status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

#[cfg(feature = "fetch")]
impl fmt::Debug for Posted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Posted({})", self.status)
    }
}

/// Why there is no document.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not https, nor http on loopback.
    #[error("the URL is neither https nor http on loopback")]
    ForbiddenUrl,
    /// No answer within the time limit.
    #[error("no answer within the time limit")]
    TimedOut,
    /// The body is longer than the limit.
    #[error("the answer is too long")]
    TooLong,
    /// The status is neither 200 nor 304.
    #[error("the answer has status {0}")]
    Status(u16),
    /// There was no connection, or it broke.
    #[error("{0}")]
    Transport(String),
    /// The document is not the one that was expected.
    #[error("{0}")]
    Unusable(&'static str),
}

/// Fetches with the limits on URL, time and size that hold for every [`Fetch`].
///
/// # Errors
/// [`FetchError`] when a limit is not kept, and for everything but 200 and 304.
pub async fn fetch_within(
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
