use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{self, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Challenge, Refusal, RequiredScopes, VerifiedClaims, Verifier};

/// Passes only requests with a valid bearer token to a service (feature `tower`).
///
/// The service finds the [`VerifiedClaims`] in the request's extensions. All other requests are
/// answered as RFC 6750 §3 says, with an empty body. CORS preflight requests have no token, so a
/// layer that answers them must be outside of this one.
#[derive(Clone, Debug)]
pub struct BearerLayer {
    verifier: Arc<Verifier>,
    required: Arc<RequiredScopes>,
}

impl BearerLayer {
    /// Requires a valid token with any scopes.
    pub fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            verifier,
            required: Arc::default(),
        }
    }

    /// Requires these scopes as well.
    pub fn requiring(mut self, required: RequiredScopes) -> Self {
        self.required = Arc::new(required);
        self
    }

    async fn admit(&self, headers: &HeaderMap) -> Result<VerifiedClaims, Refusal> {
        let values = headers.get_all(header::AUTHORIZATION).into_iter();
        let values = values.map(HeaderValue::as_bytes);
        self.verifier.authorize(values, &self.required).await
    }
}

impl<S> Layer<S> for BearerLayer {
    type Service = BearerService<S>;

    fn layer(&self, inner: S) -> BearerService<S> {
        BearerService {
            layer: self.clone(),
            inner,
        }
    }
}

/// A service behind a [`BearerLayer`].
#[derive(Clone, Debug)]
pub struct BearerService<S> {
    layer: BearerLayer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for BearerService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let layer = self.layer.clone();
        // The request must be passed to the service that was polled ready, not to its clone.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        Box::pin(async move {
            let headers = std::mem::take(request.headers_mut());
            let admitted = layer.admit(&headers).await;
            *request.headers_mut() = headers;
            match admitted {
                Ok(claims) => {
                    request.extensions_mut().insert(claims);
                    inner.call(request).await
                }
                Err(refusal) => Ok(answer(&refusal.challenge(layer.verifier.realm()))),
            }
        })
    }
}

/// The response to a refused request, without a body.
fn answer<R: Default>(challenge: &Challenge) -> Response<R> {
    let mut response = Response::new(R::default());
    // Every challenge has a valid HTTP status, so the fallback is never used.
    *response.status_mut() =
        StatusCode::from_u16(challenge.status).unwrap_or(StatusCode::UNAUTHORIZED);
    let headers = response.headers_mut();
    let value = challenge.www_authenticate.as_deref();
    if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
        headers.insert(header::WWW_AUTHENTICATE, value);
    }
    if let Some(seconds) = challenge.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
