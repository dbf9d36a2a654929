use std::io::{ErrorKind, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::{HttpRequest, HttpResponse, read_message};

/// A connection for one request after the other, to an issuer that may go away.
pub struct KeepAlive {
    host: String,
    stream: TcpStream,
}

impl KeepAlive {
    /// Connects to `http://HOST:PORT`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(base_url: &str) -> Result<Self> {
        let host = base_url
            .strip_prefix("http://")
            .ok_or(ErrorKind::InvalidInput)?;
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self {
            host: host.to_owned(),
            stream,
        })
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// When no whole answer came. Whether the request was carried out is not known then.
    pub fn send(&mut self, request: &HttpRequest) -> Result<HttpResponse> {
        self.stream
            .write_all(&request.keep_alive_bytes(&self.host))?;
        let answer = read_message(&mut self.stream)?;
        Ok(HttpResponse::parse(&answer))
    }
}
