use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::HttpResponse;
use crate::patience::PATIENCE;

/// A TCP connection to an issuer, for requests that come in pieces or not at all.
pub struct Connection {
    host: String,
    stream: TcpStream,
}

impl Connection {
    /// Connects to `http://HOST:PORT`.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn open(base_url: &str) -> Self {
        Self::try_open(base_url).expect("the issuer listens")
    }

    /// The same, where it may be that nobody listens.
    ///
    /// # Errors
    /// What the connection fails with.
    pub fn try_open(base_url: &str) -> Result<Self> {
        let host = base_url
            .strip_prefix("http://")
            .expect("tests speak plain http");
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            host: host.to_owned(),
            stream,
        })
    }

    /// The value of the `Host` header.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends `bytes` as they are.
    ///
    /// # Errors
    /// When the other side has closed the connection.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)
    }

    /// Everything that comes until the other side closes the connection.
    ///
    /// # Panics
    /// When it stays silent without closing the connection.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut answer = Vec::new();
        match self.stream.read_to_end(&mut answer) {
            Ok(_) => {}
            // Who closes without having read everything resets the connection.
            Err(err) if err.kind() == ErrorKind::ConnectionReset => {}
            Err(err) => panic!("the issuer neither answers nor closes: {err}"),
        }
        answer
    }

    /// What comes until, and with, `end`.
    ///
    /// # Panics
    /// When the other side closes the connection or stays silent before.
    pub fn read_until(&mut self, end: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        while !answer.ends_with(end) {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).expect("more to read");
            answer.extend(byte);
        }
        answer
    }

    /// Sends a byte whenever the other side has been silent for half a second, until it closes the
    /// connection.
    ///
    /// # Panics
    /// When it is still open after the last byte.
    pub fn drip(&mut self, bytes: &[u8]) {
        let pause = Some(Duration::from_millis(500));
        self.stream.set_read_timeout(pause).expect("a time limit");
        for byte in bytes {
            match self.stream.read(&mut [0; 1024]) {
                Err(err) if err.kind() == ErrorKind::WouldBlock => {}
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
            if self.stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
        panic!("the issuer waits for ever");
    }

    /// The one response that comes until the other side closes the connection.
    ///
    /// # Panics
    /// When there is none.
    pub fn answer(&mut self) -> HttpResponse {
        HttpResponse::parse(&self.read_to_end())
    }
}
