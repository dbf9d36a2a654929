use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::tools::built;
use crate::turn::Turn;
use crate::{HttpRequest, HttpResponse, contents};

/// A running issuer: one that the test has started, or the one at `ISSUER_URL`.
pub struct Running {
    /// The issuer URL.
    pub url: String,
    /// What the process wrote on stdout until it was ready.
    pub greeting: String,
    store: Store,
    process: Option<Process>,
    /// Goes last: the data outlives the process.
    _own_data: Option<TempDir>,
    _turn: Option<Turn>,
}

/// Which data the command works on.
enum Store {
    /// Those of `serve`.
    Directory(PathBuf),
    /// Those of functions: the name of the table, and the environment in which it is found.
    Table(String, Vec<(&'static str, String)>),
}

struct Process {
    child: Child,
    arguments: Vec<String>,
    log: PathBuf,
}

impl Running {
    /// The issuer at `ISSUER_URL`, or a new one with every algorithm on a free port.
    pub fn issuer() -> Self {
        Self::taken(Turn::shared)
    }

    /// The same, and no other scenario of this process uses it meanwhile.
    pub fn issuer_alone() -> Self {
        Self::taken(Turn::alone)
    }

    fn taken(take_turn: fn() -> Turn) -> Self {
        match std::env::var("ISSUER_URL") {
            Ok(url) => Self {
                url: url.trim_end_matches('/').to_owned(),
                greeting: String::new(),
                store: Store::of_environment(),
                process: None,
                _own_data: None,
                _turn: Some(take_turn()),
            },
            Err(_) => Self::start(&["--alg=ES256", "--alg=RS256", "--alg=PS256", "--alg=EdDSA"]),
        }
    }

    /// The issuer that functions are: at `url`, with this table in this environment.
    pub fn functions(url: &str, table: &str, environment: &[(&'static str, String)]) -> Self {
        Self {
            url: url.to_owned(),
            greeting: String::new(),
            store: Store::Table(table.to_owned(), environment.to_vec()),
            process: None,
            _own_data: None,
            _turn: None,
        }
    }

    /// A new `tokensmith serve` on a free port, with `arguments` besides its own.
    pub fn start(arguments: &[&str]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let mut running = Self::start_in(directory.path(), arguments);
        running._own_data = Some(directory);
        running
    }

    /// The same with its data below `directory`, where an earlier or another process may have
    /// made them already.
    pub fn start_in(directory: &Path, arguments: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", directory, arguments)
    }

    /// The same, listening there.
    pub fn start_at(listen: &str, directory: &Path, arguments: &[&str]) -> Self {
        let data = directory.join("data");
        let log = directory.join(format!(
            "log-{}",
            tokensmith_issuer::credential::random_id()
        ));
        let mut all = vec!["serve".to_owned(), format!("--listen={listen}")];
        all.push(format!("--data={}", data.display()));
        all.extend(arguments.iter().map(ToString::to_string));
        let (child, greeting) = spawn(&all, &log);
        Self {
            url: listening_on(&greeting),
            greeting,
            store: Store::Directory(data),
            process: Some(Process {
                child,
                arguments: all,
                log,
            }),
            _own_data: None,
            _turn: None,
        }
    }

    /// Kills the process (SIGKILL) and starts it again on the same data.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Kills the process (SIGKILL).
    pub fn kill(&mut self) {
        let process = self.own();
        process.child.kill().expect("the process can be killed");
        process.child.wait().expect("it ends");
    }

    /// Asks the process to end (SIGTERM), and returns its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.exit_code()
    }

    /// Sends a signal to the process.
    pub fn signal(&mut self, name: &str) {
        let id = self.process_id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits until the process ends, and returns its exit code.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.own().child.wait().expect("it ends").code()
    }

    /// Starts the process again on the same data.
    pub fn restart(&mut self) {
        let process = self.own();
        let (child, greeting) = spawn(&process.arguments, &process.log);
        process.child = child;
        self.url = listening_on(&greeting);
        self.greeting = greeting;
    }

    /// Starts the process again on the same data and address, with these arguments besides.
    pub fn restart_with(&mut self, arguments: &[&str]) {
        let all = &mut self.own().arguments;
        all.truncate(OWN_ARGUMENTS);
        all.extend(arguments.iter().map(ToString::to_string));
        self.restart();
    }

    /// The process id of the started issuer.
    pub fn process_id(&mut self) -> u32 {
        self.own().child.id()
    }

    /// Everything that the started issuer has logged.
    pub fn log(&mut self) -> String {
        let log = self.own().log.clone();
        std::fs::read_to_string(log).expect("the log can be read")
    }

    /// The data directory.
    ///
    /// # Panics
    /// When the data are in a table of functions.
    pub fn data(&self) -> &Path {
        match &self.store {
            Store::Directory(data) => data,
            Store::Table(..) => panic!("this scenario needs an issuer with a data directory"),
        }
    }

    /// Every item of the table, printed, in a fixed order.
    ///
    /// # Panics
    /// When the table cannot be read.
    pub fn table_items(&self) -> Vec<String> {
        match &self.store {
            Store::Directory(data) => contents::of_directory(data),
            Store::Table(name, environment) => contents::of_table(name, environment),
        }
    }

    /// Whether it is functions behind a gateway, and not `serve`.
    pub(crate) fn is_behind_gateway(&self) -> bool {
        matches!(self.store, Store::Table(..))
    }

    /// What `tokensmith` has to be told of the data.
    pub fn data_arguments(&self) -> [OsString; 2] {
        match &self.store {
            Store::Directory(data) => ["--data".into(), data.into()],
            Store::Table(name, _) => ["--table".into(), name.into()],
        }
    }

    /// Runs `tokensmith` on this issuer's data and returns the JSON that it prints.
    ///
    /// # Panics
    /// When the command fails.
    pub fn manage(&self, arguments: &[&str]) -> Value {
        let output = self.try_manage(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        serde_json::from_slice(&output.stdout).expect("the command prints JSON")
    }

    /// Runs `tokensmith` on this issuer's data.
    pub fn try_manage(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = self.command(arguments);
        command.output().expect("the command runs")
    }

    /// `tokensmith` with these arguments and this issuer's data.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.args(arguments).args(self.data_arguments());
        if let Store::Table(_, environment) = &self.store {
            command.envs(environment.iter().cloned());
        }
        command
    }

    /// Registers a client whose id starts with `prefix`.
    pub fn register(&self, prefix: &str, arguments: &[&str]) -> Registered {
        let id = unique(prefix);
        let created = self.manage(&[&["client", "create", "--id", &id], arguments].concat());
        let text = |name: &str| created[name].as_str().expect("a string").to_owned();
        Registered {
            id: text("client_id"),
            secret: text("client_secret"),
        }
    }

    /// Registers a public client whose id starts with `prefix`, and returns the id.
    pub fn register_public(&self, prefix: &str, arguments: &[&str]) -> String {
        let id = unique(prefix);
        let create = ["client", "create", "--public", "--id", &id];
        let created = self.manage(&[&create, arguments].concat());
        assert_eq!(created, serde_json::json!({ "client_id": id }));
        id
    }

    /// Sends a request to this issuer.
    pub fn send(&self, request: &HttpRequest) -> HttpResponse {
        request.send(&self.url)
    }

    /// Asks for a token with `client_credentials` and Basic authentication.
    pub fn token(&self, client: &Registered, more: &str) -> HttpResponse {
        let body = format!("grant_type=client_credentials{more}");
        let request = HttpRequest::post("/oauth2/token", body);
        self.send(&request.basic(&client.id, &client.secret))
    }

    fn own(&mut self) -> &mut Process {
        let process = self.process.as_mut();
        process.expect("this scenario needs an issuer that it has started itself")
    }
}

/// `serve`, where to listen, and the data.
const OWN_ARGUMENTS: usize = 3;

impl Store {
    /// `TOKENSMITH_TABLE`, or else `TOKENSMITH_DATA`.
    fn of_environment() -> Self {
        let variable = |name| std::env::var(name).ok();
        match (variable("TOKENSMITH_TABLE"), variable("TOKENSMITH_DATA")) {
            // The command inherits the rest of its environment.
            (Some(table), _) => Self::Table(table, Vec::new()),
            (None, Some(data)) => Self::Directory(data.into()),
            (None, None) => {
                panic!("TOKENSMITH_DATA or TOKENSMITH_TABLE names the data of ISSUER_URL")
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

/// A registered client and its secret.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The client id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// A name that starts with `prefix` and that nobody else takes, so that scenarios can run again and
/// again against one `ISSUER_URL`.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", tokensmith_issuer::credential::random_id())
}

/// The `tokensmith` command of this build.
///
/// # Panics
/// When it has not been built.
pub fn command() -> Command {
    Command::new(built("tokensmith"))
}

fn spawn(arguments: &[String], log: &Path) -> (Child, String) {
    let log = File::options().create(true).append(true).open(log);
    let mut child = command()
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.expect("the log can be written"))
        .spawn()
        .expect("the issuer starts");
    let stdout = child.stdout.take().expect("stdout is a pipe");
    let mut greeting = String::new();
    for line in BufReader::new(stdout).lines() {
        greeting.push_str(&line.expect("stdout is text"));
        greeting.push('\n');
        if listening_line(&greeting).is_some() {
            return (child, greeting);
        }
    }
    let ended = child.wait().expect("the issuer has ended");
    panic!("the issuer ended before it was ready ({ended}): {greeting}");
}

fn listening_on(greeting: &str) -> String {
    listening_line(greeting)
        .expect("the issuer is listening")
        .to_owned()
}

fn listening_line(greeting: &str) -> Option<&str> {
    greeting
        .lines()
        .find_map(|line| line.strip_prefix("listening on "))
}
