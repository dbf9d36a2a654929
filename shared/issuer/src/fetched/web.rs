use std::sync::OnceLock;

use async_trait::async_trait;
use tokensmith_verifier::{
    Fetch, FetchError, FetchRequest, Fetched, HttpFetch, PostRequest, Posted,
};

use super::public::is_public;
use super::url::Reach;
use super::{FETCH_LIMIT, Post};

/// What others publish, as far as one reaches. It is ready at the first fetch: a start reads no root
/// certificates.
#[derive(Debug)]
pub struct Web {
    reach: Reach,
    client: OnceLock<HttpFetch>,
}

impl Web {
    /// The web within `reach`.
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> Result<&HttpFetch, FetchError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = match self.reach {
            Reach::Public => HttpFetch::only_to(is_public),
            Reach::Private => HttpFetch::only_to(|_| true),
        }?;
        Ok(self.client.get_or_init(|| client))
    }
}

#[async_trait]
impl Fetch for Web {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        if !self.reach.has(request.url) {
            return Err(FetchError::Unusable(OUT_OF_REACH));
        }
        self.client()?.fetch(request).await
    }
}

/// By the rule for what is fetched.
#[async_trait]
impl Post for Web {
    async fn post(&self, request: PostRequest<'_>) -> Result<Posted, FetchError> {
        if !self.reach.has(request.url) {
            return Err(FetchError::Unusable(OUT_OF_REACH));
        }
        let posted = tokio::time::timeout(FETCH_LIMIT, self.client()?.post(request));
        posted.await.map_err(|_| FetchError::TimedOut)?
    }
}

const OUT_OF_REACH: &str = "only https on port 443 of a host name is fetched";
