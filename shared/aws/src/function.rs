use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use lambda_runtime::Context;
use tokensmith_issuer::endpoint::check::{CheckFailed, ExpectedTable};
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::event::ServiceEvent;
use tokensmith_issuer::{Endpoint, Issuer, RequestContext, loggable_path};

use crate::event::{Answer, Event, NotHttp};

/// A function that answers HTTP requests.
#[derive(Debug)]
pub struct Function {
    issuer: Arc<Issuer>,
    endpoints: Vec<&'static Endpoint>,
}

impl Function {
    /// A function that serves these endpoints of `issuer`.
    pub fn new(
        issuer: impl Into<Arc<Issuer>>,
        endpoints: impl IntoIterator<Item = &'static Endpoint>,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            endpoints: endpoints.into_iter().collect(),
        }
    }

    /// Loads the keys that requests need.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail. Requests then load the keys that are missing,
    /// and are answered 503 while they cannot.
    pub async fn warm_up(&self) -> Result<(), Unavailable> {
        for endpoint in &self.endpoints {
            self.issuer.warm_up(endpoint).await?;
        }
        Ok(())
    }

    /// Verifies that requests can be answered: see [`Issuer::check`].
    ///
    /// # Errors
    /// [`CheckFailed`], whose text is for operators.
    pub async fn check(&self, expected: ExpectedTable) -> Result<(), CheckFailed> {
        self.issuer.check(&self.endpoints, expected).await
    }

    /// Answers one request. `context` is what Lambda says about it.
    ///
    /// # Errors
    /// [`NotHttp`] for events that do not come from API Gateway.
    pub async fn answer(&self, event: Event, context: &Context) -> Result<Answer, NotHttp> {
        let format = event.format();
        let Some(endpoint) = self.endpoint_at(event.path()) else {
            return Ok(Answer::new(format, not_found(event.path())));
        };
        let known = RequestContext {
            request_id: event.request_id().unwrap_or(&context.request_id).to_owned(),
            source: event.source_ip().map(str::to_owned),
            trace_id: context.xray_trace_id.as_deref().and_then(trace_id),
        };
        let mut request = event.into_request()?;
        request.extensions_mut().insert(known);
        let response = self.issuer.handle(endpoint, request).await;
        Ok(Answer::new(format, response))
    }

    /// A function with one endpoint serves it at any path, because API Gateway decides where it is.
    fn endpoint_at(&self, path: &str) -> Option<&'static Endpoint> {
        match self.endpoints[..] {
            [only] => Some(only),
            ref several => several.iter().copied().find(|one| one.path == path),
        }
    }
}

/// The name under which X-Ray knows a trace. Lambda's header has it as its `Root`, and says besides which
/// call within the trace this is.
fn trace_id(header: &str) -> Option<String> {
    let mut parts = header.split(';').map(str::trim);
    parts.find_map(|part| part.strip_prefix("Root=").map(str::to_owned))
}

/// The same response that API Gateway gives for a route that it does not have.
fn not_found(path: &str) -> Response<Bytes> {
    let not_routed = ServiceEvent::NotRouted {
        path: Some(&loggable_path(path)),
        status: StatusCode::NOT_FOUND.as_u16(),
        source: None,
    };
    not_routed.write();
    let mut response = Response::new(Bytes::from_static(br#"{"message":"Not Found"}"#));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::trace_id;

    #[test]
    fn a_trace_is_named_as_x_ray_names_it() {
        let root = "1-67891233-abcdef012345678912345678";
        for header in [
            format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=0"),
            format!("Self=1-1-1; Root={root}"),
        ] {
            assert_eq!(trace_id(&header).as_deref(), Some(root), "{header}");
        }
        assert_eq!(trace_id("Sampled=1"), None);
    }
}
