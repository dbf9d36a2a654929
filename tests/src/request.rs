use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use tokensmith_verifier::paths;
use url::form_urlencoded::Serializer;

use crate::connection::authority_of;
use crate::{Answer, Connection, TestClient};

/// An HTTP/1.1 request, byte by byte as the test wants it.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// The parameters of a form.
pub type Form<'a> = &'a [(&'a str, &'a str)];

impl HttpRequest {
    /// A request without headers or body.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A GET request.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A POST of a form that is encoded already.
    pub fn post(target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", target)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// A POST of a form.
    pub fn form(target: &str, form: Form<'_>) -> Self {
        let mut encoded = Serializer::new(String::new());
        Self::post(target, encoded.extend_pairs(form).finish())
    }

    /// A client's request for a token of its own (RFC 6749 §4.4).
    pub fn client_credentials(client: &TestClient) -> Self {
        Self::post(paths::TOKEN, "grant_type=client_credentials").by(client)
    }

    /// The exchange of an API key for a token (RFC 8693 §2.1).
    pub fn exchange(api_key: &str) -> Self {
        let form = [
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("subject_token", api_key),
            (
                "subject_token_type",
                "urn:tokensmith:params:oauth:token-type:api-key",
            ),
        ];
        Self::form(paths::TOKEN, &form)
    }

    /// A refresh (RFC 6749 §6).
    pub fn refresh(client: &TestClient, token: &str) -> Self {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        Self::form(paths::TOKEN, &form).by(client)
    }

    /// A revocation (RFC 7009).
    pub fn revoke(client: &TestClient, token: &str) -> Self {
        Self::form(paths::REVOKE, &[("token", token)]).by(client)
    }

    /// An introspection (RFC 7662).
    pub fn introspect(client: &TestClient, token: &str) -> Self {
        Self::form(paths::INTROSPECT, &[("token", token)]).by(client)
    }

    /// A question about the person behind an access token (OpenID Connect Core 1.0 §5.3.1).
    pub fn userinfo(token: &str) -> Self {
        Self::get(paths::USERINFO).header("authorization", format!("Bearer {token}"))
    }

    /// Adds a header; nothing is replaced.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Takes every header of that name away.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers
            .retain(|(present, _)| !present.eq_ignore_ascii_case(name));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds Basic credentials as they are, without form-encoding.
    pub fn basic(self, id: &str, secret: &str) -> Self {
        let credentials = STANDARD.encode(format!("{id}:{secret}"));
        self.header("authorization", format!("Basic {credentials}"))
    }

    /// Adds a client's authentication: Basic credentials, or a public client's id in the form.
    pub fn by(mut self, client: &TestClient) -> Self {
        if let Some(secret) = &client.secret {
            return self.basic(&client.id, secret);
        }
        let separator = if self.body.is_empty() { "" } else { "&" };
        let named = format!("{separator}client_id={}", client.id);
        self.body.extend(named.bytes());
        self
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The headers, in order.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        let headers = self.headers.iter();
        headers.map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Sends the request on a connection of its own.
    pub fn send(&self, base_url: &str) -> Answer {
        self.send_to(authority_of(base_url), base_url)
    }

    /// The same, with another name of the host.
    pub(crate) fn send_to(&self, host: &str, base_url: &str) -> Answer {
        let mut connection = Connection::open(base_url);
        // A server that refuses early may close before it has read everything.
        let _ = connection.write(&self.bytes(host));
        connection.answer()
    }

    /// The same, where the server may go away meanwhile: `None` when there is no whole answer.
    pub fn try_send(&self, base_url: &str) -> Option<Answer> {
        let mut connection = Connection::try_open(base_url).ok()?;
        connection.write(&self.bytes(connection.host())).ok()?;
        let answer = Answer::try_parse(&connection.read_to_end());
        answer.filter(|answer| !answer.body.is_empty())
    }

    /// The request as it goes over a connection that ends with the answer.
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let last = self.clone().header("connection", "close");
        last.keep_alive_bytes(host)
    }

    /// The request as it goes over a connection that stays open.
    pub fn keep_alive_bytes(&self, host: &str) -> Vec<u8> {
        let line = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let length = self.body.len().to_string();
        let host = [("host", host.as_bytes())].into_iter();
        let length = [("content-length", length.as_bytes())];
        let mut bytes = line.into_bytes();
        for (name, value) in host.chain(self.headers()).chain(length) {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// The request as an endpoint in this process gets it.
    pub fn in_process(&self) -> Request<Bytes> {
        self.try_in_process().expect("a request")
    }

    /// The same, where its bytes may be no HTTP request.
    pub(crate) fn try_in_process(&self) -> Option<Request<Bytes>> {
        let request = Request::builder().method(self.method.as_str());
        let headers = self.headers();
        let request = headers.fold(request.uri(&self.target), |request, (name, value)| {
            request.header(name, value)
        });
        request.body(self.body.clone().into()).ok()
    }
}

/// Encodes a form value (RFC 6749 Appendix B), more than it must.
pub fn form_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
