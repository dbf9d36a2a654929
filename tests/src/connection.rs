//! What goes over TCP, byte by byte.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::patience::PATIENCE;
use crate::{Answer, HttpRequest};

/// A TCP connection to an issuer, for requests that come in pieces or not at all.
pub struct Connection {
    host: String,
    stream: TcpStream,
}

impl Connection {
    /// Connects to `http://HOST:PORT`.
    pub fn open(base_url: &str) -> Self {
        Self::try_open(base_url).expect("the issuer listens")
    }

    /// The same, where it may be that nobody listens.
    ///
    /// # Errors
    /// What the connection fails with.
    pub fn try_open(base_url: &str) -> Result<Self> {
        let host = authority_of(base_url).to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { host, stream })
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
    pub fn answer(&mut self) -> Answer {
        Answer::parse(&self.read_to_end())
    }

    /// Sends a request and reads its whole answer; the connection stays open.
    ///
    /// # Errors
    /// When no whole answer came. Whether the request was carried out is not known then.
    pub fn ask(&mut self, request: &HttpRequest) -> Result<Answer> {
        self.write(&request.keep_alive_bytes(&self.host))?;
        let answer = read_message(&mut self.stream)?;
        Ok(Answer::parse(&answer))
    }
}

/// `HOST:PORT` of a URL of plain HTTP.
pub fn authority_of(url: &str) -> &str {
    url.strip_prefix("http://")
        .expect("tests speak plain http")
        .trim_end_matches('/')
}

/// Listens on a free port until the test's process ends, gives each connection to `serve` on a thread
/// of its own, and returns `HOST:PORT`.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(client));
        }
    });
    address.to_string()
}

/// Reads a request or a response that says how long it is, or has no body.
///
/// # Errors
/// When the other side goes away before it is whole.
pub fn read_message(stream: &mut impl Read) -> Result<Vec<u8>> {
    let (mut message, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    while body_of(&message).is_none() {
        match stream.read(&mut buffer)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => message.extend(&buffer[..read]),
        }
    }
    Ok(message)
}

/// The body of a message, once it is as long as the head says.
pub fn body_of(message: &[u8]) -> Option<&[u8]> {
    let mut windows = message.windows(4);
    let end = windows.position(|window| window == b"\r\n\r\n")?;
    let length = header_of(&message[..end], "content-length");
    let length = length.and_then(|length| length.parse::<usize>().ok());
    let length = length.or_else(|| message.starts_with(b"GET ").then_some(0))?;
    message.get(end + 4..end + 4 + length)
}

/// A header of a message.
pub(crate) fn header_of(message: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    let mut lines = text.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        let same = found.eq_ignore_ascii_case(name);
        same.then(|| value.trim().to_owned())
    })
}
