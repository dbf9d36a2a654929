//! `tokensmith events --follow`, in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::TestIssuer;
use crate::patience::PATIENCE;
use crate::process::Background;

/// A command that shows events until it is asked to end.
#[derive(Debug)]
pub struct Followed {
    process: Background,
    lines: Receiver<Value>,
    errors: NamedTempFile,
}

impl Followed {
    /// Starts it on the data of `issuer`, with these arguments besides.
    pub fn start(issuer: &TestIssuer, arguments: &[&str]) -> Self {
        let errors = NamedTempFile::new().expect("a temporary file");
        let mut command = issuer.command(&[&["events", "--follow"], arguments].concat());
        let (process, stdout) = Background::start_piped(&mut command, errors.path());
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let line = serde_json::from_str(&line.expect("text")).expect("a line of JSON");
                // Nobody waits for it once the test has failed.
                let _ = send.send(line);
            }
        });
        Self {
            process,
            lines,
            errors,
        }
    }

    /// Waits for the next event that it shows.
    pub fn next_event(&self) -> Value {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|err| {
            let errors = std::fs::read_to_string(self.errors.path());
            panic!("no event ({err}): {}", errors.unwrap_or_default())
        })
    }

    /// Sends it a signal, waits until it ends, and returns its exit code and what it has shown since.
    pub fn end(mut self, signal: &str) -> (Option<i32>, Vec<Value>) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.expect("kill runs").success());
        let code = self.process.wait().code();
        (code, self.lines.iter().collect())
    }
}
