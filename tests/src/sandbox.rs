//! A stand-in for Lambda's runtime API: one function, one event after the other.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::connection::{listen, read_message};

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
    /// Starts `program` with these variables.
    pub fn start(program: &Path, variables: &[(&str, String)]) -> Self {
        Self::start_by(Command::new(program), variables, |_| Instant::now())
    }

    /// Starts a function by a command, which becomes its program when it is released.
    pub fn start_by(
        mut command: Command,
        variables: &[(&str, String)],
        release: impl FnOnce(&mut Child) -> Instant,
    ) -> Self {
        let (send, requests) = channel();
        let address = listen(move |connection| {
            serve(connection, &send);
        });
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
        let mut child = command.spawn().expect("the function is built");
        let started = release(&mut child);
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

    /// Its process id.
    pub fn process_id(&self) -> u32 {
        self.child.id()
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
