mod host;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

use crate::answer::string;
use crate::assertion::{OwnKey, now};
use crate::connection::authority_of;
use crate::logged::is_documented;
use crate::patience::eventually;
use crate::process::{Background, free_port};
use crate::tools::built;
use crate::turn::Turn;
use crate::{Answer, HttpRequest, TestClient, TestGrant};
use host::{Data, Host, Inside, Serve};

/// An issuer under test, on whichever host: `tokensmith serve`, functions, or this process.
pub struct TestIssuer {
    /// The issuer URL.
    pub url: String,
    host: Host,
    data: Data,
    /// Goes last: the data outlives the process.
    _own_data: Option<TempDir>,
    _turn: Option<Turn>,
}

impl TestIssuer {
    /// The issuer at `ISSUER_URL`; where that is not set, a new `serve` with every algorithm.
    pub fn shared() -> Self {
        Self::taken(Turn::shared)
    }

    /// The same, and no other scenario of this process uses it meanwhile.
    pub fn alone() -> Self {
        Self::taken(Turn::alone)
    }

    fn taken(take_turn: fn() -> Turn) -> Self {
        match std::env::var("ISSUER_URL") {
            Ok(url) if url == "in-process" => Self::in_process(),
            Ok(url) => Self {
                url: url.trim_end_matches('/').to_owned(),
                host: Host::Elsewhere,
                data: Data::of_environment(),
                _own_data: None,
                _turn: Some(take_turn()),
            },
            Err(_) => Self::serve(&["--alg=ES256", "--alg=RS256", "--alg=PS256", "--alg=EdDSA"]),
        }
    }

    /// The issuer that functions are: at `url`, with this table in this environment.
    pub fn functions(url: &str, table: &str, environment: &[(&'static str, String)]) -> Self {
        let data = Data::Table(table.to_owned(), environment.to_vec());
        Self::on(Host::Elsewhere, url.to_owned(), data)
    }

    /// A new issuer in this process, with every algorithm, on a data directory of its own.
    pub fn in_process() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let url = format!("http://127.0.0.1:{}", free_port());
        let data = directory.path().join("data");
        let host = Host::Inside(Box::new(Inside::start(&data, &url)));
        let data = Data::Directory(data);
        Self {
            _own_data: Some(directory),
            ..Self::on(host, url, data)
        }
    }

    /// A new `tokensmith serve` on a free port, with `arguments` besides its own.
    pub fn serve(arguments: &[&str]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let served = Self::serve_in(directory.path(), arguments);
        Self {
            _own_data: Some(directory),
            ..served
        }
    }

    /// The same with its data below `directory`, where an earlier or another process may have
    /// made them already.
    pub fn serve_in(directory: &Path, arguments: &[&str]) -> Self {
        Self::serve_at("127.0.0.1:0", directory, arguments)
    }

    /// The same, where it listens on this address.
    pub fn serve_at(listen: &str, directory: &Path, arguments: &[&str]) -> Self {
        let data = directory.join("data");
        let serve = Serve::start(listen, directory, &data, arguments);
        let url = serve.url();
        Self::on(Host::Serve(serve), url, Data::Directory(data))
    }

    fn on(host: Host, url: String, data: Data) -> Self {
        Self {
            url,
            host,
            data,
            _own_data: None,
            _turn: None,
        }
    }

    /// What `serve` wrote on stdout until it was ready.
    pub fn greeting(&self) -> &str {
        match &self.host {
            Host::Serve(serve) => &serve.greeting,
            _ => "",
        }
    }

    /// Kills the process (SIGKILL) and starts it again on the same data.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Kills the process (SIGKILL).
    pub fn kill(&mut self) {
        self.process().kill();
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
        self.process().wait().code()
    }

    /// Starts the process again on the same data.
    pub fn restart(&mut self) {
        let serve = self.own_serve();
        serve.restart();
        self.url = serve.url();
    }

    /// Starts the process again on the same data and address, with these arguments besides.
    pub fn restart_with(&mut self, arguments: &[&str]) {
        self.own_serve().set_arguments(arguments);
        self.restart();
    }

    /// The process id of the started issuer.
    pub fn process_id(&mut self) -> u32 {
        self.process().id()
    }

    /// Everything that the started issuer has logged.
    pub fn log(&mut self) -> String {
        let log = &self.own_serve().log;
        let log = std::fs::read_to_string(log).expect("the log can be read");
        let lines = log.lines().filter(|line| line.starts_with('{'));
        let lines = lines.filter_map(|line| serde_json::from_str(line).ok());
        lines.for_each(|line| is_documented(&line));
        log
    }

    fn process(&mut self) -> &mut Background {
        &mut self.own_serve().process
    }

    fn own_serve(&mut self) -> &mut Serve {
        match &mut self.host {
            Host::Serve(serve) => serve,
            _ => panic!("this scenario needs a `serve` that it has started itself"),
        }
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        match &self.data {
            Data::Directory(data) => data,
            Data::Table(..) => panic!("this scenario needs an issuer with a data directory"),
        }
    }

    /// Every item of the table, printed, in a fixed order.
    pub fn table_items(&self) -> Vec<String> {
        self.data.printed_items()
    }

    /// Whether it is functions behind a gateway.
    pub fn is_behind_gateway(&self) -> bool {
        matches!(self.data, Data::Table(..))
    }

    /// Whether it has no port, and requests do not become bytes.
    pub(crate) fn is_in_process(&self) -> bool {
        matches!(self.host, Host::Inside(_))
    }

    /// What `tokensmith` has to be told of the data.
    pub fn data_arguments(&self) -> [OsString; 2] {
        match &self.data {
            Data::Directory(data) => ["--data".into(), data.into()],
            Data::Table(name, _) => ["--table".into(), name.into()],
        }
    }

    /// Runs `tokensmith` on this issuer's data and returns the JSON that it prints.
    pub fn manage(&self, arguments: &[&str]) -> Value {
        let output = self.try_manage(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        serde_json::from_slice(&output.stdout).expect("the command prints JSON")
    }

    /// The same for a command that changes something. It must name the issuer and the data, and when
    /// everybody acts on it; these are left out of what is returned.
    pub fn change(&self, arguments: &[&str]) -> Value {
        let mut answer = self.manage(arguments);
        let members = answer.as_object_mut().expect("an object");
        let effective_by = members
            .remove("effective_by")
            .expect("when it is effective");
        let effective_by = effective_by.as_str().expect("a time");
        humantime::parse_rfc3339(effective_by).expect("RFC 3339");
        assert_eq!(members.remove("issuer"), Some(self.url.as_str().into()));
        self.assert_named(&members.remove("target").expect("a target"));
        answer
    }

    /// Whether a target is this issuer's data.
    pub fn assert_named(&self, target: &Value) {
        match &self.data {
            Data::Directory(data) => {
                let data = data.canonicalize().expect("it is there");
                assert_eq!(target["data"].as_str(), data.to_str());
            }
            Data::Table(table, _) => assert_eq!(target["table"], table.as_str()),
        }
    }

    /// Runs `tokensmith` on this issuer's data.
    pub fn try_manage(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.output().expect("the command runs")
    }

    /// The same with `input` on its standard input.
    pub fn try_manage_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut running = piped.spawn().expect("the command runs");
        let mut stdin = running.stdin.take().expect("a pipe");
        // A command that is refused before does not read it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        running.wait_with_output().expect("it ends")
    }

    /// `tokensmith` with these arguments and this issuer's data.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.args(arguments).args(self.data_arguments());
        if let Data::Table(_, environment) = &self.data {
            command.envs(environment.iter().cloned());
        }
        command
    }

    /// Registers a client whose id starts with `prefix`.
    pub fn register(&self, prefix: &str, arguments: &[&str]) -> TestClient {
        let id = unique(prefix);
        let created = self.manage(&[&["client", "create", "--id", &id], arguments].concat());
        assert_eq!(created["client_id"], id.as_str());
        TestClient::new(&id, &string(&created, "client_secret"))
    }

    /// Registers a public client whose id starts with `prefix`.
    pub fn register_public(&self, prefix: &str, arguments: &[&str]) -> TestClient {
        let id = unique(prefix);
        let create = ["client", "create", "--public", "--id", &id];
        let created = self.change(&[&create, arguments].concat());
        assert_eq!(created, json!({ "client_id": id }));
        TestClient::public(&id)
    }

    /// Registers a client whose id starts with `prefix`, and which signs assertions with `keys`.
    pub fn register_keys(&self, prefix: &str, keys: &[&OwnKey], arguments: &[&str]) -> TestClient {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        self.register_jwks(prefix, &json!({ "keys": keys }), arguments)
    }

    /// The same with this JWK Set.
    pub fn register_jwks(&self, prefix: &str, jwks: &Value, arguments: &[&str]) -> TestClient {
        let id = unique(prefix);
        let file = NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), jwks.to_string()).expect("a file");
        let jwks = file.path().to_str().expect("a path");
        let create = ["client", "create", "--auth=private_key_jwt", "--jwks", jwks];
        let created = self.change(&[&create, &["--id", &id][..], arguments].concat());
        assert_eq!(created, json!({ "client_id": id }));
        TestClient::public(&id)
    }

    /// Registers a resource with these scopes.
    pub fn register_resource(&self, uri: &str, scopes: &[&str], arguments: &[&str]) -> Value {
        let described = scopes
            .iter()
            .map(|scope| format!("--scope={scope}={scope} things"));
        let described: Vec<String> = described.collect();
        let mut create = vec!["resource", "create", uri];
        create.extend(described.iter().map(String::as_str));
        self.change(&[&create, arguments].concat())
    }

    /// Makes a grant of `subject` to `client`.
    pub fn grant(&self, client: &TestClient, subject: &str, arguments: &[&str]) -> TestGrant {
        let of = ["--client", &client.id, "--subject", subject];
        let created = self.manage(&[&["grant", "create"], &of[..], arguments].concat());
        let grant = TestGrant::of(string(&created, "refresh_token"));
        assert_eq!(created["grant_id"], grant.id.to_string());
        grant
    }

    /// Waits until functions see a federation rule that was made just now: they look again where a token would be
    /// refused, once in a second. `serve` sees it at once.
    pub fn await_rule(&self) {
        let made = now();
        if self.is_behind_gateway() {
            eventually("the next second", || (now() > made).then_some(()));
        }
    }

    /// Sends a request to this issuer.
    pub fn send(&self, request: &HttpRequest) -> Answer {
        self.send_to(authority_of(&self.url), request)
    }

    /// Sends a request to this issuer that names another host.
    pub fn send_to(&self, host: &str, request: &HttpRequest) -> Answer {
        match &self.host {
            Host::Inside(inside) => inside.send(&request.clone().header("host", host)),
            _ => request.send_to(host, &self.url),
        }
    }

    /// Asks for a token with `client_credentials` and Basic authentication.
    pub fn token(&self, client: &TestClient, more: &str) -> Answer {
        let form = format!("grant_type=client_credentials{more}");
        self.send(&HttpRequest::post("/oauth2/token", form).by(client))
    }

    /// What `client` is told of a token.
    pub fn introspect(&self, client: &TestClient, token: &str) -> Value {
        let answer = self.send(&HttpRequest::introspect(client, token));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }
}

/// A name that starts with `prefix` and that nobody else takes, so that scenarios can run again and
/// again against one `ISSUER_URL`.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", tokensmith_issuer::credential::random_id())
}

/// The `tokensmith` command of this build.
pub fn command() -> Command {
    Command::new(built("tokensmith"))
}
