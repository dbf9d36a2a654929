use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::{HttpRequest, HttpResponse};

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
        let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
        while !is_complete(&answer) {
            match self.stream.read(&mut buffer)? {
                0 => return Err(Error::from(ErrorKind::UnexpectedEof)),
                read => answer.extend(&buffer[..read]),
            }
        }
        Ok(HttpResponse::parse(&answer))
    }
}

/// Whether the body is as long as the head says.
fn is_complete(answer: &[u8]) -> bool {
    let mut windows = answer.windows(4);
    let Some(end) = windows.position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| answer.len() - end - 4 >= length)
}
