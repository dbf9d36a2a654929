use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use tokensmith_issuer::Issuer;

use crate::served::endpoint_at;
use tokensmith_verifier::{CacheHeaders, Fetch, FetchError, FetchRequest, Fetched};

/// The issuer as a resource server reaches it.
#[derive(Debug)]
pub struct OverHttp(pub Arc<Issuer>);

#[async_trait]
impl Fetch for OverHttp {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let url: http::Uri = request.url.parse().expect("a URL");
        let endpoint = endpoint_at(url.path()).expect("an endpoint");
        let request = Request::get(url).body(Bytes::new()).expect("a request");
        let answer = self.0.handle(endpoint, request).await;
        match answer.status().as_u16() {
            200 => Ok(Fetched::Document(
                answer.body().to_vec(),
                CacheHeaders::default(),
            )),
            other => Err(FetchError::Status(other)),
        }
    }
}
