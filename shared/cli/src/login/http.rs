//! The requests of a device: a few, each with a small JSON answer.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use crate::Failure;

/// HTTP/1.1, over TLS unless the URL is on loopback. It follows no redirects.
pub struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    /// A client without connections.
    ///
    /// # Errors
    /// When the operating system has no root certificates.
    pub fn new() -> Result<Self, Failure> {
        let builder = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(aws_lc_rs::default_provider())
            .map_err(|err| Failure::new(format!("no root certificates: {err}")))?;
        // Plain http is possible here because every URL was checked before: only loopback may use it.
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Gets a JSON object.
    ///
    /// # Errors
    /// What kept it from coming, for people.
    pub async fn get(&self, url: &str) -> Result<Answer, String> {
        self.send(url, Request::get(url).body(Full::default()))
            .await
    }

    /// Posts a form, and reads a JSON object.
    ///
    /// # Errors
    /// What kept it from coming, for people.
    pub async fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, String> {
        let form = Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(form));
        self.send(url, request).await
    }

    async fn send(
        &self,
        url: &str,
        request: http::Result<Request<Full<Bytes>>>,
    ) -> Result<Answer, String> {
        let unreachable = |why: &dyn std::fmt::Display| format!("{url} gave no answer: {why}");
        let mut request = request.map_err(|err| unreachable(&err))?;
        let headers = request.headers_mut();
        headers.insert(
            header::ACCEPT,
            header::HeaderValue::from_static("application/json"),
        );
        headers.insert(
            header::USER_AGENT,
            header::HeaderValue::from_static(USER_AGENT),
        );
        let exchange = async {
            let response = self.0.request(request).await;
            let response = response.map_err(|err| unreachable(&with_causes(&err)))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), MAX_ANSWER)
                .collect()
                .await;
            let body = body.map_err(|err| unreachable(&err))?.to_bytes();
            // Whoever answers an error may be a proxy, which knows nothing of JSON.
            let body = serde_json::from_slice(&body).unwrap_or_default();
            Ok(Answer { status, body })
        };
        let answer = tokio::time::timeout(TIME_LIMIT, exchange).await;
        answer.unwrap_or_else(|_| Err(unreachable(&"it took too long")))
    }
}

/// The text of an error with its causes, because hyper's own text leaves them out.
fn with_causes(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text.push_str(&format!(": {err}"));
        cause = err.source();
    }
    text
}

/// An answer; the body is empty if it is no JSON object.
pub struct Answer {
    pub status: u16,
    pub body: Map<String, Value>,
}

impl Answer {
    /// A member that is text.
    ///
    /// # Errors
    /// When there is no such member.
    pub fn text(&self, name: &str) -> Result<String, Failure> {
        let text = self.body.get(name).and_then(Value::as_str);
        let text = text.map(str::to_owned);
        text.ok_or_else(|| Failure::new(format!("the issuer's answer has no {name}")))
    }

    /// A member that is shown on a terminal, which nobody else shall write to.
    ///
    /// # Errors
    /// When there is no such member, or when it is more than a line of plain text.
    pub fn shown(&self, name: &str) -> Result<String, Failure> {
        let text = self.text(name)?;
        match text.len() <= MAX_SHOWN && !text.chars().any(char::is_control) {
            true => Ok(text),
            false => Err(Failure::new(format!(
                "the issuer's {name} is no line of text"
            ))),
        }
    }

    /// The `error` of a refusal (RFC 6749 §5.2).
    pub fn error(&self) -> &str {
        let error = self.body.get("error").and_then(Value::as_str);
        error.unwrap_or_default()
    }

    /// What a refusal says, as far as it can be shown.
    pub fn description(&self) -> String {
        let names = ["error_description", "error"].into_iter();
        let said = names.filter_map(|name| self.shown(name).ok()).next();
        said.unwrap_or_else(|| "it does not say why".to_owned())
    }
}

const USER_AGENT: &str = concat!("tokensmith/", env!("CARGO_PKG_VERSION"));

/// The longest that the command waits for an answer.
const TIME_LIMIT: Duration = Duration::from_secs(15);

const MAX_ANSWER: usize = 64 * 1024;

const MAX_SHOWN: usize = 512;
