use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

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

    /// Sends the request on a connection of its own.
    ///
    /// # Panics
    /// When the server cannot be reached or does not answer in HTTP.
    pub fn send(&self, base_url: &str) -> HttpResponse {
        let host = base_url
            .strip_prefix("http://")
            .expect("tests speak plain http");
        let mut stream = TcpStream::connect(host).expect("the issuer listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time limit can be set");
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
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(&bytes);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the issuer answers");
        HttpResponse::parse(&answer)
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
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("the response has a head");
        let head = std::str::from_utf8(&bytes[..end]).expect("the head is ASCII");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        Self {
            status: status
                .and_then(|code| code.parse().ok())
                .expect("a status line"),
            headers: lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: bytes[end + 4..].to_vec(),
        }
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
