use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{self, HeaderValue};
use http::{Method, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::ProtectedResource;

/// Answers requests for protected resource metadata (RFC 9728), and passes all others on (feature `tower`).
///
/// It must be outside of the [`BearerLayer`](crate::BearerLayer): whoever looks for the issuer has no token yet.
#[derive(Clone, Debug)]
pub struct ProtectedResourceLayer(Arc<ProtectedResource>);

impl ProtectedResourceLayer {
    /// Serves this document.
    pub fn new(resource: Arc<ProtectedResource>) -> Self {
        Self(resource)
    }
}

impl<S> Layer<S> for ProtectedResourceLayer {
    type Service = ProtectedResourceService<S>;

    fn layer(&self, inner: S) -> ProtectedResourceService<S> {
        ProtectedResourceService {
            resource: self.0.clone(),
            inner,
        }
    }
}

/// A service behind a [`ProtectedResourceLayer`].
#[derive(Clone, Debug)]
pub struct ProtectedResourceService<S> {
    resource: Arc<ProtectedResource>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for ProtectedResourceService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    R: From<Vec<u8>> + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if !is_read || request.uri().path() != self.resource.path() {
            return Box::pin(self.inner.call(request));
        }
        let resource = self.resource.clone();
        Box::pin(async move { Ok(answer(&resource)) })
    }
}

fn answer<R: From<Vec<u8>>>(resource: &ProtectedResource) -> Response<R> {
    let mut response = Response::new(R::from(resource.document().to_vec()));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        // Everybody may know it, and browsers find the issuer by it.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
