use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::Connection;

/// An HTTP/1.1 request, byte by byte as the test wants it.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

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

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The headers, in order.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        let headers = self.headers.iter();
        headers.map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Sends the request on a connection of its own.
    ///
    /// # Panics
    /// When the server cannot be reached or does not answer in HTTP.
    pub fn send(&self, base_url: &str) -> HttpResponse {
        let mut connection = Connection::open(base_url);
        // A server that refuses early may close before it has read everything.
        let _ = connection.write(&self.bytes(connection.host()));
        connection.answer()
    }

    /// The same, where the server may go away meanwhile: `None` when there is no whole answer.
    pub fn try_send(&self, base_url: &str) -> Option<HttpResponse> {
        let mut connection = Connection::try_open(base_url).ok()?;
        connection.write(&self.bytes(connection.host())).ok()?;
        let answer = HttpResponse::try_parse(&connection.read_to_end());
        answer.filter(|answer| !answer.body.is_empty())
    }

    /// The request as it goes over a connection that ends with the answer.
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let mut bytes = format!(
            "{} {} HTTP/1.1\r\nhost: {host}\r\n",
            self.method, self.target
        )
        .into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend(format!("content-length: {}\r\n", self.body.len()).bytes());
        bytes.extend(b"connection: close\r\n\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// The request as it goes over a connection that stays open.
    pub(crate) fn keep_alive_bytes(&self, host: &str) -> Vec<u8> {
        let line = format!(
            "{} {} HTTP/1.1\r\nhost: {host}\r\n",
            self.method, self.target
        );
        let mut bytes = line.into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).bytes());
        bytes.extend(&self.body);
        bytes
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

/// An HTTP response.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// Reads a response that is followed by nothing.
    ///
    /// # Panics
    /// When the bytes are not a whole response.
    pub fn parse(bytes: &[u8]) -> Self {
        Self::try_parse(bytes)
            .unwrap_or_else(|| panic!("no response: {}", String::from_utf8_lossy(bytes)))
    }

    /// Reads a response that is followed by nothing, if it is whole.
    pub fn try_parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?;
        let response = Self {
            status: status.parse().ok()?,
            headers: lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: bytes[end + 4..].to_vec(),
        };
        let length = response.body.len().to_string();
        let whole = match response.header("content-length") {
            // Answers to HEAD and 304 have the length of the body that they leave out.
            Some(announced) => announced == length || response.body.is_empty(),
            None => true,
        };
        whole.then_some(response)
    }

    /// The value of a header that must not repeat.
    ///
    /// # Panics
    /// When it does repeat.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(present, _)| present == name);
        let first = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} repeats");
        first
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|err| panic!("{err}: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
