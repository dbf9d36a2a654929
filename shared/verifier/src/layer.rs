use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{self, HeaderValue};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use crate::dpop::DPOP_HEADER;
use crate::{
    Challenge, ProtectedRequest, ProtectedResource, Refusal, RequiredScopes, VerifiedClaims,
    Verifier,
};

/// Passes only requests with a valid access token to a service (feature `tower`).
///
/// The service finds the [`VerifiedClaims`] in the request's extensions. All other requests are
/// answered as RFC 6750 §3 and RFC 9449 §7 say, with an empty body. CORS preflight requests have no token, so a
/// layer that answers them must be outside of this one.
#[derive(Clone, Debug)]
pub struct BearerLayer {
    verifier: Arc<Verifier>,
    required: Arc<RequiredScopes>,
    url: Option<Arc<str>>,
    resource: Option<Arc<ProtectedResource>>,
}

impl BearerLayer {
    /// Requires a valid token with any scopes.
    pub fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            verifier,
            required: Arc::default(),
            url: None,
            resource: None,
        }
    }

    /// Takes tokens that are bound to a key as well, if the verifier was built with [`dpop`](crate::VerifierBuilder::dpop): with
    /// proofs for `url` and the path of the request (RFC 9449 §7). It is what stands before that path in the URLs that callers
    /// know, such as `https://api.example`. A layer within a nested router sees a shorter path: put this one outside of it.
    pub fn at(mut self, url: &str) -> Self {
        self.url = Some(url.strip_suffix('/').unwrap_or(url).into());
        self
    }

    /// Requires these scopes as well.
    pub fn requiring(mut self, required: RequiredScopes) -> Self {
        self.required = Arc::new(required);
        self
    }

    /// Names the protected resource metadata in every challenge (RFC 9728 §5.1), which a
    /// [`ProtectedResourceLayer`](crate::ProtectedResourceLayer) serves.
    pub fn described_by(mut self, resource: Arc<ProtectedResource>) -> Self {
        self.resource = Some(resource);
        self
    }

    async fn admit(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<VerifiedClaims, Refusal> {
        let values = |name| headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
        let authorization = values(header::AUTHORIZATION);
        let Some(url) = &self.url else {
            return self.verifier.authorize(authorization, &self.required).await;
        };
        let request = ProtectedRequest {
            method: method.as_str(),
            url: &format!("{url}{path}"),
            authorization: authorization.collect(),
            dpop: values(HeaderName::from_static(DPOP_HEADER)).collect(),
        };
        self.verifier
            .authorize_request(&request, &self.required)
            .await
    }

    /// Without a URL no proof can be checked, so that none is asked for.
    fn challenge(&self, refusal: &Refusal) -> Challenge {
        let mut challenge = match self.url {
            Some(_) => self.verifier.challenge(refusal),
            None => refusal.challenge(self.verifier.realm()),
        };
        if let (Some(resource), Some(value)) = (&self.resource, &mut challenge.www_authenticate) {
            value.push_str(&format!(r#", resource_metadata="{}""#, resource.url()));
        }
        challenge
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
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let admitted = layer.admit(&method, &path, &headers).await;
            *request.headers_mut() = headers;
            match admitted {
                Ok(claims) => {
                    request.extensions_mut().insert(claims);
                    inner.call(request).await
                }
                Err(refusal) => Ok(Response::from(&layer.challenge(&refusal))),
            }
        })
    }
}

/// The response to a refused request, without a body (feature `tower`).
impl<B: Default> From<&Challenge> for Response<B> {
    fn from(challenge: &Challenge) -> Self {
        let mut response = Self::new(B::default());
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
}
