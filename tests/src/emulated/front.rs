use std::io::{Result, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::connection::{authority_of, body_of, header_of, listen, read_message};
use crate::patience::PATIENCE;

/// What stands between the functions and the emulated services: it notes what is called, in order, and
/// can hold a call.
#[derive(Debug, Default)]
pub(super) struct Fronts {
    calls: Mutex<Vec<String>>,
    /// What FilterLogEvents was asked for.
    patterns: Mutex<Vec<Option<String>>>,
    /// The operation that is refused, as by a role that does not permit it.
    denied: Mutex<Option<String>>,
    hold: Mutex<Option<Hold>>,
}

/// A call that is to be held.
#[derive(Debug)]
struct Hold {
    /// How many calls come before it.
    after: usize,
    moment: Moment,
    reached: Sender<()>,
    release: Receiver<()>,
}

/// Where a call is held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// The service has not heard of it, and never will.
    Before,
    /// The service has carried it out, and nobody will hear of that.
    After,
}

impl Fronts {
    /// Stands before the service at `upstream`, and returns where.
    pub(super) fn stand_before(self: &Arc<Self>, upstream: &str) -> String {
        let (fronts, upstream) = (self.clone(), authority_of(upstream).to_owned());
        let address = listen(move |client| {
            // Each connection ends with its client's.
            let _ = fronts.forward(client, &upstream);
        });
        format!("http://{address}")
    }

    /// The operations that were called since this was asked last.
    pub(super) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.calls))
    }

    /// The patterns that log groups were searched for since this was asked last.
    pub(super) fn take_patterns(&self) -> Vec<Option<String>> {
        std::mem::take(&mut lock(&self.patterns))
    }

    /// Holds the call that comes after that many others.
    pub(super) fn hold(&self, after: usize, moment: Moment) -> Held {
        let (reached, reaches) = channel();
        let (release, released) = channel();
        *lock(&self.hold) = Some(Hold {
            after,
            moment,
            reached,
            release: released,
        });
        Held {
            reaches,
            _release: release,
        }
    }

    /// Denies this operation from now on, or none.
    pub(super) fn deny(&self, operation: Option<&str>) {
        *lock(&self.denied) = operation.map(str::to_owned);
    }

    fn forward(&self, mut client: TcpStream, upstream: &str) -> Result<()> {
        let mut upstream = TcpStream::connect(upstream)?;
        client.set_nodelay(true)?;
        upstream.set_nodelay(true)?;
        loop {
            let request = read_message(&mut client)?;
            let operation = operation_of(&request);
            if lock(&self.denied).as_ref() == Some(&operation) {
                client.write_all(DENIED)?;
                continue;
            }
            if operation == "FilterLogEvents" {
                lock(&self.patterns).push(pattern_of(&request));
            }
            let hold = self.note(operation);
            if let Some(hold) = &hold
                && hold.moment == Moment::Before
            {
                return hold.wait();
            }
            upstream.write_all(&request)?;
            let answer = read_message(&mut upstream)?;
            if let Some(hold) = hold {
                return hold.wait();
            }
            client.write_all(&answer)?;
            if header_of(&request, "connection").is_some_and(|value| value == "close") {
                return Ok(());
            }
        }
    }

    fn note(&self, operation: String) -> Option<Hold> {
        lock(&self.calls).push(operation);
        let mut hold = lock(&self.hold);
        match &mut *hold {
            Some(hold) if hold.after > 0 => {
                hold.after -= 1;
                None
            }
            _ => hold.take(),
        }
    }
}

impl Hold {
    fn wait(&self) -> Result<()> {
        // Whoever has gone has no use for the call either.
        let _ = self.reached.send(());
        let _ = self.release.recv();
        Ok(())
    }
}

/// A call that is held, until this is dropped; then its connection is closed.
#[derive(Debug)]
pub struct Held {
    reaches: Receiver<()>,
    _release: Sender<()>,
}

impl Held {
    /// Waits until the call is there.
    pub fn await_call(&self) {
        let reached = self.reaches.recv_timeout(PATIENCE);
        reached.expect("the call to be held comes");
    }
}

/// What AWS answers when a role does not permit a call.
const DENIED: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.1\r\n\
    content-length: 67\r\n\r\n{\"__type\":\"AccessDeniedException\",\"Message\":\"a secret of the body\"}";

/// The name behind the dot of `x-amz-target`.
fn operation_of(request: &[u8]) -> String {
    let target = header_of(request, "x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

fn pattern_of(request: &[u8]) -> Option<String> {
    let asked: Value = serde_json::from_slice(body_of(request)?).ok()?;
    asked["filterPattern"].as_str().map(str::to_owned)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
