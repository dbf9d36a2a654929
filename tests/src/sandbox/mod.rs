//! A stand-in for Lambda's runtime API: one function, one event after the other.

mod quota;

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::connection::{listen, read_message};
use crate::process::resident;

pub use quota::Quota;

/// A started function.
#[derive(Debug)]
pub struct Sandbox {
    child: Child,
    /// When its program was started.
    pub started: Instant,
    requests: Receiver<Request>,
    /// The request for the next event, until there is one.
    waiting: Option<Request>,
}

#[derive(Debug)]
struct Request {
    text: String,
    reply: Sender<String>,
}

impl Sandbox {
    /// Starts `program` with these variables, and with a share of a processor if there is a quota.
    pub fn start(program: &Path, variables: &[(&str, String)], quota: Option<&Quota>) -> Self {
        let (send, requests) = channel();
        let address = listen(move |connection| {
            serve(connection, &send);
        });
        let mut command = match quota {
            Some(quota) => quota.command(program),
            None => Command::new(program),
        };
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "cold")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs(variables.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn().expect("the function is built");
        let started = match quota {
            Some(quota) => quota.release(&mut child),
            None => started,
        };
        Self {
            child,
            started,
            requests,
            waiting: None,
        }
    }

    /// Waits until the function asks for an event.
    pub fn next(&mut self) {
        let request = self.request();
        assert!(request.text.starts_with("GET "), "{}", request.text);
        self.waiting = Some(request);
    }

    /// Gives it the event.
    pub fn invoke(&mut self, event: &Value) {
        let event = event.to_string();
        let deadline = Duration::from_secs(4_000_000_000).as_millis();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
             lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
             lambda-runtime-deadline-ms: {deadline}\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:cold\r\n\
             content-length: {}\r\n\r\n",
            event.len()
        );
        let waiting = self.waiting.take().expect("the function has asked");
        waiting
            .reply
            .send(head + &event)
            .expect("the function listens");
    }

    /// Waits for its answer, and takes it.
    pub fn answer(&mut self) -> Value {
        let request = self.request();
        let (head, body) = request.text.split_once("\r\n\r\n").expect("a request");
        assert!(
            head.starts_with("POST ") && head.contains("/response "),
            "{}",
            request.text
        );
        let answer = serde_json::from_str(body).expect("an answer");
        let accepted = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
        request
            .reply
            .send(accepted.to_owned())
            .expect("the function listens");
        answer
    }

    /// The processor time that the function has used so far.
    pub fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("proc");
        let of_task = |task: std::io::Result<std::fs::DirEntry>| {
            let schedule = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            schedule.split(' ').next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(tasks.filter_map(of_task).sum())
    }

    /// Its resident memory, in bytes.
    pub fn resident(&self) -> u64 {
        resident(self.child.id())
    }

    fn request(&self) -> Request {
        let request = self.requests.recv_timeout(Duration::from_secs(30));
        request.expect("the function asks or answers")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes requests to whoever answers them, until the function is gone.
fn serve(mut connection: TcpStream, requests: &Sender<Request>) -> Option<()> {
    connection.set_nodelay(true).ok()?;
    loop {
        let text = String::from_utf8(read_message(&mut connection).ok()?).ok()?;
        let (reply, replied) = channel();
        requests.send(Request { text, reply }).ok()?;
        connection.write_all(replied.recv().ok()?.as_bytes()).ok()?;
    }
}
