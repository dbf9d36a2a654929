//! The real function binaries, next to emulated AWS, behind the gateway of `cargo lambda watch`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokensmith_issuer::store::Table;
use tokio::runtime::Runtime;

use crate::contents::printed_items;
use crate::emulated::EmulatedAws;
use crate::logged::is_documented;
use crate::process::{Background, free_port};
use crate::tools::{built, tool, workspace};
use crate::{Answer, Connection, HttpRequest, TestIssuer, eventually};

/// What may differ between one set of functions and another.
#[derive(Clone, Debug)]
pub struct Setup {
    /// `kms` or `kms-data-key`.
    pub custody: String,
    /// Variables of the functions besides, or instead of, those that they need.
    pub variables: Vec<(&'static str, String)>,
}

impl Setup {
    /// Functions that see every change at once, and sign people in.
    pub fn new(custody: &str) -> Self {
        Self {
            custody: custody.to_owned(),
            variables: vec![
                ("TOKENSMITH_CACHE_TTL", "0s".to_owned()),
                ("TOKENSMITH_SIGN_IN", "on".to_owned()),
            ],
        }
    }

    /// The same with this variable set.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }
}

/// TestIssuer functions. They, the gateway and the services end with it; if that is because of a panic,
/// their logs are printed.
#[derive(Debug)]
pub struct Functions {
    /// The issuer URL: that of the gateway.
    pub url: String,
    /// The emulated services.
    pub aws: EmulatedAws,
    variables: Vec<(&'static str, String)>,
    running: BTreeMap<&'static str, Background>,
    /// Processes besides, of functions that run more than once.
    others: Vec<Background>,
    gateway: Background,
    logs: TempDir,
}

impl Functions {
    /// Starts everything, makes the first keys, and waits until every function answers.
    pub fn start(setup: &Setup) -> Self {
        let mut functions = Self::new_stack(setup);
        functions.start_function(ROTATE_KEYS);
        functions.rotate_keys();
        for (name, _) in SERVING {
            functions.start_function(name);
        }
        for (name, path) in SERVING {
            // A method that no endpoint has: the answer is the function's own, and free of charge.
            let answer = functions.ask(name, &HttpRequest::new("PATCH", path));
            assert_eq!(answer.status, 405, "{name}: {}", answer.body);
        }
        functions
    }

    /// Starts everything but the functions. The table is empty.
    pub fn new_stack(setup: &Setup) -> Self {
        let logs = TempDir::new().expect("a temporary directory");
        let aws = EmulatedAws::start(logs.path());
        let (gateway, url) = start_gateway(logs.path());
        let mut variables = aws.variables();
        variables.extend([
            ("TOKENSMITH_ISSUER", url.clone()),
            ("TOKENSMITH_TABLE", TABLE.to_owned()),
            ("TOKENSMITH_CUSTODY", setup.custody.clone()),
            ("TOKENSMITH_KMS_KEY", aws.wrapping_key.clone()),
            ("TOKENSMITH_ALGS", "ES256,RS256,PS256,EdDSA".to_owned()),
        ]);
        variables.extend(setup.variables.clone());
        let mut functions = Self {
            url,
            aws,
            variables,
            running: BTreeMap::new(),
            others: Vec::new(),
            gateway,
            logs,
        };
        functions.await_gateway();
        functions
    }

    /// What the functions find in their environment, and `tokensmith --table` needs as well.
    pub fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// The issuer that they are.
    pub fn issuer(&self) -> TestIssuer {
        TestIssuer::functions(&self.url, TABLE, &self.variables)
    }

    /// The command with these variables instead of those of the functions.
    pub fn issuer_with(&self, more: &[(&'static str, &str)]) -> TestIssuer {
        let more = more
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let variables: Vec<_> = self.variables.iter().cloned().chain(more).collect();
        TestIssuer::functions(&self.url, TABLE, &variables)
    }

    /// The table, as an operator reaches it.
    pub async fn table(&self) -> Table {
        Table::new(self.aws.clients().await.dynamodb, TABLE)
    }

    /// Every item of the table, printed, in a fixed order.
    pub fn table_items(&self) -> Vec<String> {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async { printed_items(&self.aws.clients().await.dynamodb).await })
    }

    /// Asks a function whether it can work, which is answered 200 if it can.
    pub fn check(&mut self, function: &'static str) -> Answer {
        self.ask(function, &invocation(function, r#"{"tokensmith":"check"}"#))
    }

    /// The same for a stack that is just being made.
    pub fn check_new(&mut self, function: &'static str) -> Answer {
        let event = r#"{"tokensmith":"check","new_table":true}"#;
        self.ask(function, &invocation(function, event))
    }

    /// Lets keys rotate, and returns what that has done.
    pub fn rotate_keys(&mut self) -> Value {
        let answer = self.ask(ROTATE_KEYS, &rotation_event());
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// The lines that a function has logged, one for each request and event.
    pub fn log(&self, function: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(self.log_file(function)).expect("a log");
        log.lines()
            .map(|line| serde_json::from_str(line).expect("a line is one JSON object"))
            .inspect(is_documented)
            .collect()
    }

    /// The process id of a function.
    pub fn process_id(&self, function: &str) -> u32 {
        self.running[function].id()
    }

    /// Kills a function (SIGKILL), wherever it is.
    pub fn kill(&mut self, function: &str) {
        let process = self.running.get_mut(function);
        process.expect("the function runs").kill();
    }

    /// Starts a function again.
    pub fn start_function(&mut self, name: &'static str) {
        self.start_with(name, &[]);
    }

    /// Starts a function in place of the one that runs, with these variables besides, or instead of, those
    /// that all have.
    pub fn start_with(&mut self, name: &'static str, more: &[(&str, &str)]) {
        self.running.remove(name);
        let process = self.process(name, more, &self.log_file(name));
        self.running.insert(name, process);
    }

    /// Starts one more process of a function: the gateway gives a request to whichever waits for one.
    pub fn start_another(&mut self, name: &'static str) {
        let log = self.log_file(&format!("{name}-{}", self.others.len() + 2));
        let process = self.process(name, &[], &log);
        self.others.push(process);
    }

    fn process(&self, name: &str, more: &[(&str, &str)], log: &Path) -> Background {
        let mut command = Command::new(built(name));
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", format!("{}/.rt/{name}", self.url))
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs(self.variables.iter().cloned())
            .envs(more.iter().copied());
        Background::start(&mut command, log)
    }

    /// The answer of a function to `request`, which leads to it.
    pub fn ask(&mut self, function: &'static str, request: &HttpRequest) -> Answer {
        let (send, answered) = mpsc::channel();
        let (url, request) = (self.url.clone(), request.clone());
        std::thread::spawn(move || {
            // Nobody waits for it once the function has ended.
            let _ = send.send(request.send(&url));
        });
        let process = self.running.get_mut(function).expect("the function runs");
        eventually("the function answers", || {
            assert_eq!(process.ended(), None, "{function} has ended");
            answered.recv_timeout(Duration::from_millis(20)).ok()
        })
    }

    fn await_gateway(&mut self) {
        eventually("the gateway listens", || {
            assert_eq!(self.gateway.ended(), None, "the gateway has ended");
            Connection::try_open(&self.url).ok()
        });
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.logs.path().join(format!("{name}.log"))
    }
}

impl Drop for Functions {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print_logs();
        }
    }
}

impl Functions {
    /// Prints what everybody has logged.
    pub fn print_logs(&self) {
        let mut files: Vec<_> = std::fs::read_dir(self.logs.path())
            .into_iter()
            .flatten()
            .flatten()
            .map(|file| file.path())
            .collect();
        files.sort();
        for file in files {
            let log = std::fs::read_to_string(&file).unwrap_or_default();
            eprintln!("--- {}\n{log}", file.display());
        }
    }
}

fn start_gateway(logs: &Path) -> (Background, String) {
    let port = free_port();
    let mut command = Command::new(tool("cargo-lambda"));
    command
        .args(["lambda", "watch", "--only-lambda-apis"])
        .args(["--invoke-address", "127.0.0.1"])
        .args(["--invoke-port", &port.to_string()])
        .current_dir(workspace());
    let gateway = Background::start(&mut command, &logs.join("gateway.log"));
    (gateway, format!("http://{}:{port}", Ipv4Addr::LOCALHOST))
}

/// What makes the function rotate keys, as the schedule does.
pub fn rotation_event() -> HttpRequest {
    invocation(ROTATE_KEYS, "{}")
}

/// Invokes a function with this event.
pub fn invocation(function: &str, event: &str) -> HttpRequest {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    HttpRequest::new("POST", &path)
        .header("content-type", "application/json")
        .body(event)
}

/// `POST /oauth2/token`.
pub const ISSUE: &str = "tokensmith-issue";
/// `POST /oauth2/refresh`.
pub const REFRESH: &str = "tokensmith-refresh";
/// `POST /oauth2/revoke`.
pub const REVOKE: &str = "tokensmith-revoke";
/// `POST /oauth2/introspect`.
pub const INTROSPECT: &str = "tokensmith-introspect";
/// `GET /oauth2/revocations`.
pub const REVOCATIONS: &str = "tokensmith-revocations";
/// `GET /.well-known/*`.
pub const JWKS: &str = "tokensmith-jwks";
/// `/oauth2/authorize`, and every page.
pub const AUTHORIZE: &str = "tokensmith-authorize";
/// Makes the keys.
pub const ROTATE_KEYS: &str = "tokensmith-rotate-keys";
/// The authorizer of an API. It is started by the tests that need it.
pub const AUTHORIZER: &str = "tokensmith-authorizer";

/// The functions that serve requests, each with a path.
pub const SERVING: [(&str, &str); 7] = [
    (ISSUE, "/oauth2/token"),
    (REFRESH, "/oauth2/refresh"),
    (REVOKE, "/oauth2/revoke"),
    (INTROSPECT, "/oauth2/introspect"),
    (REVOCATIONS, "/oauth2/revocations"),
    (JWKS, "/.well-known/jwks.json"),
    (AUTHORIZE, "/oauth2/authorize"),
];

const TABLE: &str = "tokensmith";
