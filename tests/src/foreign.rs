//! A server of somebody else, from which the issuer fetches, well-behaved or not.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;

use crate::connection::{header_of, listen, read_message};

/// How it answers.
#[derive(Clone, Debug)]
pub enum Behavior {
    /// With these bytes, and then it closes the connection.
    Answers(Vec<u8>),
    /// With these bytes, and then it is silent until the other side gives up.
    Stops(Vec<u8>),
    /// With these bytes, and then with one more whenever a while has passed.
    Drips(Vec<u8>),
    /// With these bytes, and then with more without end.
    Floods(Vec<u8>),
}

/// A server on 127.0.0.1.
#[derive(Clone, Debug)]
pub struct ForeignServer {
    address: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    behavior: Mutex<Behavior>,
    requests: Mutex<Vec<String>>,
    flooded: Mutex<usize>,
    asked: Notify,
}

impl ForeignServer {
    /// It publishes this document at every path.
    pub fn publishing(body: &str) -> Self {
        let state = Arc::new(State {
            behavior: Mutex::new(published("", body)),
            requests: Mutex::default(),
            flooded: Mutex::default(),
            asked: Notify::new(),
        });
        let serving = state.clone();
        Self {
            address: listen(move |client| serving.serve(client)),
            state,
        }
    }

    /// `http://HOST:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it publishes this, with these header lines.
    pub fn publish(&self, headers: &str, body: &str) {
        self.behave(published(headers, body));
    }

    /// From now on it answers like this.
    pub fn behave(&self, behavior: Behavior) {
        *lock(&self.state.behavior) = behavior;
    }

    /// The requests since this was last asked.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state.requests))
    }

    /// How many bytes of floods it got rid of.
    pub fn flooded(&self) -> usize {
        *lock(&self.state.flooded)
    }

    /// Waits for a request.
    pub async fn asked(&self) {
        self.state.asked.notified().await;
    }
}

impl State {
    fn serve(&self, mut client: TcpStream) {
        let Ok(request) = read_message(&mut client) else {
            return;
        };
        lock(&self.requests).push(String::from_utf8_lossy(&request).into_owned());
        self.asked.notify_one();
        let behavior = lock(&self.behavior).clone();
        // The other side may go away at any time.
        let _ = match behavior {
            Behavior::Answers(answer) => client.write_all(&answer_to(&request, answer)),
            Behavior::Stops(beginning) => stop(&mut client, &beginning),
            Behavior::Drips(beginning) => drip(&mut client, &beginning),
            Behavior::Floods(beginning) => self.flood(&mut client, &beginning),
        };
    }

    fn flood(&self, client: &mut TcpStream, beginning: &[u8]) -> std::io::Result<()> {
        client.write_all(beginning)?;
        loop {
            client.write_all(&[b' '; 4096])?;
            *lock(&self.flooded) += 4096;
        }
    }
}

/// 304, if the request has the tag of the answer (RFC 9110 §13.1.2).
fn answer_to(request: &[u8], answer: Vec<u8>) -> Vec<u8> {
    let (tag, known) = (
        header_of(&answer, "etag"),
        header_of(request, "if-none-match"),
    );
    match tag.is_some() && tag == known {
        true => b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec(),
        false => answer,
    }
}

fn stop(client: &mut TcpStream, beginning: &[u8]) -> std::io::Result<()> {
    client.write_all(beginning)?;
    client.read(&mut [0]).map(|_| ())
}

fn drip(client: &mut TcpStream, beginning: &[u8]) -> std::io::Result<()> {
    client.write_all(beginning)?;
    client.set_read_timeout(Some(Duration::from_millis(100)))?;
    loop {
        match client.read(&mut [0]) {
            Err(err) if err.kind() == ErrorKind::WouldBlock => client.write_all(b" ")?,
            _ => return Ok(()),
        }
    }
}

fn published(headers: &str, body: &str) -> Behavior {
    let length = body.len();
    Behavior::Answers(
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n{body}").into_bytes(),
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test has panicked here")
}
