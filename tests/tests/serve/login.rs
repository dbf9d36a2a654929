//! `tokensmith login`, a device in a shell (RFC 8628).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokensmith_issuer::Issuer;
use tokensmith_issuer::config::Config;
use tokensmith_issuer::device::{DeviceAnswered, DeviceApproval};
use tokensmith_issuer::keys::KeyAccess;
use tokensmith_issuer::store::records::{SignIn, Subject, SubjectKind};
use tokensmith_local::LocalData;
use tokensmith_tests::terminal::on_terminal;
use tokensmith_tests::{TestIssuer, command};
use tokensmith_verifier::Clock;
use tokio::runtime::Runtime;

#[test]
fn login_prints_a_token_of_the_person_who_has_agreed() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    register(&issuer);
    // The issuer is that of the data of `serve`.
    let mut login = login(&["--scope=read", "--json"]);
    login.env("TOKENSMITH_DATA", issuer.data());
    let (child, code) = started(login);
    assert_eq!(answer(&issuer, &code, true), "approved");
    let output = ended(child);
    let tokens: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let access = tokens["access_token"].as_str().expect("a token");
    let inspected = issuer.manage(&["inspect", access]);
    assert_eq!(inspected["active"], true, "{inspected}");
    assert_eq!(inspected["claims"]["sub"], "alice");
    assert_eq!(inspected["claims"]["scope"], "read");
    assert!(tokens["refresh_token"].is_string());
}

#[test]
fn login_ends_when_the_person_refuses() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    register(&issuer);
    let (child, code) = started(login(&["--issuer", &issuer.url]));
    assert_eq!(answer(&issuer, &code, false), "denied");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(1), &b""[..])
    );
}

#[test]
fn login_says_what_is_missing() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let unknown = fails(login(&["--issuer", &issuer.url]), 1);
    assert!(
        unknown.contains("tokensmith client create --public --id tokensmith-cli"),
        "{unknown}"
    );
    register(&issuer);
    let beyond = fails(login(&["--issuer", &issuer.url, "--scope=nobodys"]), 1);
    assert!(
        beyond.contains("a requested scope is not allowed"),
        "{beyond}"
    );
    let nowhere = fails(login(&["--issuer=http://127.0.0.1:9"]), 1);
    assert!(nowhere.contains("gave no answer"), "{nowhere}");
    let mut unnamed = login(&[]);
    unnamed.env("TOKENSMITH_DATA", "/nonexistent");
    let unnamed = fails(unnamed, 2);
    assert!(unnamed.contains("--issuer"), "{unnamed}");
}

/// RFC 8628 §3.5: an issuer in trouble, and one that says so, is asked less often. On a terminal there is a picture to scan.
#[test]
fn rfc8628_3_5_login_asks_less_often_when_it_is_told_to() {
    let tokens = json!({ "access_token": "the-token", "token_type": "Bearer" });
    let fake = Fake::start(vec![
        (503, json!({})),
        (400, json!({ "error": "slow_down" })),
        (400, json!({ "error": "authorization_pending" })),
        (200, tokens),
    ]);
    let shown = on_terminal(&mut login(&["--issuer", &fake.url]), "");
    assert_eq!(shown.code, Some(0), "{}", shown.shown);
    let (head, token) = shown.shown.trim_end().rsplit_once('\n').expect("two lines");
    assert_eq!(token.trim(), "the-token");
    for text in ["BCDF-GHJK", "/device and", "/device?user_code=BCDF-GHJK"] {
        assert!(head.contains(text), "{text} in {head}");
    }
    let picture: Vec<_> = head
        .lines()
        .filter(|line| line.contains("\x1b[30;107m"))
        .collect();
    assert!((15..30).contains(&picture.len()), "{head}");
    let asked: Vec<Instant> = fake.polls.try_iter().collect();
    let gaps = asked.windows(2).map(|pair| pair[1] - pair[0]);
    for (gap, least) in gaps.zip([2, 7, 7]) {
        assert!(
            gap >= Duration::from_secs(least),
            "{gap:?} instead of {least} s"
        );
    }
}

#[test]
fn login_believes_no_issuer_that_calls_itself_otherwise() {
    let fake = Fake::start(Vec::new());
    let alias = fake.url.replace("127.0.0.1", "localhost");
    let why = fails(login(&["--issuer", &alias]), 1);
    assert!(why.contains("is about another issuer"), "{why}");
}

fn register(issuer: &TestIssuer) {
    let create = "client create --public --id tokensmith-cli --grant device_code --grant refresh_token \
                  --scope read --scope write --audience https://api.example/";
    issuer.manage(&create.split_whitespace().collect::<Vec<_>>());
}

fn login(arguments: &[&str]) -> Command {
    let mut login = command();
    login.arg("login").args(arguments).stdin(Stdio::null());
    for name in ["TOKENSMITH_ISSUER", "TOKENSMITH_DATA", "TOKENSMITH_TABLE"] {
        login.env_remove(name);
    }
    login
}

/// The command, once it shows its code.
fn started(mut login: Command) -> (Child, String) {
    let login = login.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = login.spawn().expect("the command starts");
    let mut line = String::new();
    let mut messages = BufReader::new(child.stderr.take().expect("a pipe"));
    messages.read_line(&mut line).expect("it says what to do");
    let code = line.trim().rsplit(' ').next().expect("a code");
    let code = code.to_owned();
    // It goes on writing.
    thread::spawn(move || messages.read_to_string(&mut String::new()));
    (child, code)
}

fn ended(child: Child) -> Output {
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    output
}

fn fails(mut login: Command, code: i32) -> String {
    let output = login.output().expect("the command runs");
    let message = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{message}");
    message
}

/// What alice answers the device that shows this code.
fn answer(issuer: &TestIssuer, code: &str, approves: bool) -> &'static str {
    let runtime = Runtime::new().expect("a runtime");
    let config = Config::new(issuer.url.parse().expect("a URL"));
    runtime.block_on(async {
        let data = LocalData::open(issuer.data()).await.expect("the data");
        let keys = KeyAccess::all(&data.custody);
        let issuer = Issuer::new(config, data.table, keys, Clock::System);
        let found = issuer.find_by_user_code(code, Clock::System.now()).await;
        let request = found.expect("a read").expect("a request");
        if !approves {
            let denied = issuer.deny_device(&request).await.expect("it is answered");
            assert_eq!(denied, DeviceAnswered::Denied);
            return "denied";
        }
        let approval = DeviceApproval {
            request: &request,
            scopes: &request.scopes,
            subject: &Subject::new("alice", SubjectKind::User),
            subject_name: &"alice".parse().expect("a subject"),
            sign_in: SignIn {
                at: Clock::System.now(),
                methods: vec!["pwd".to_owned()],
                session: None,
            },
        };
        let approved = issuer
            .approve_device(approval)
            .await
            .expect("it is answered");
        assert!(
            matches!(approved, DeviceAnswered::Approved(_)),
            "{approved:?}"
        );
        "approved"
    })
}

/// An issuer that answers what it is told to.
struct Fake {
    url: String,
    /// When it was polled.
    polls: Receiver<Instant>,
}

impl Fake {
    fn start(answers: Vec<(u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (polled, polls) = mpsc::channel();
        let base: Arc<str> = url.as_str().into();
        thread::spawn(move || {
            let mut answers = answers.into_iter();
            for connection in listener.incoming() {
                let mut connection = connection.expect("a connection");
                let path = read_path(&connection);
                let (status, body) = match path.as_str() {
                    "/oauth2/token" => {
                        // Nobody may listen any more.
                        let _ = polled.send(Instant::now());
                        answers.next().expect("an answer")
                    }
                    "/oauth2/device_authorization" => (200, code_of(&base)),
                    _ => (200, metadata_of(&base)),
                };
                let body = body.to_string();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(answer.as_bytes()).expect("it is read");
            }
        });
        Self { url, polls }
    }
}

/// Reads a whole request, and says where it went.
fn read_path(connection: &std::net::TcpStream) -> String {
    let mut lines = BufReader::new(connection);
    let (mut first, mut length) = (String::new(), 0);
    lines.read_line(&mut first).expect("a request");
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).expect("a header");
        match line.trim().split_once(": ") {
            Some(("content-length", number)) => length = number.parse().expect("a number"),
            Some(_) => {}
            None => break,
        }
    }
    lines.read_exact(&mut vec![0; length]).expect("a body");
    first.split(' ').nth(1).expect("a path").to_owned()
}

fn metadata_of(base: &str) -> Value {
    json!({
        "issuer": base,
        "token_endpoint": format!("{base}/oauth2/token"),
        "device_authorization_endpoint": format!("{base}/oauth2/device_authorization"),
    })
}

fn code_of(base: &str) -> Value {
    json!({
        "device_code": "d",
        "user_code": "BCDF-GHJK",
        "verification_uri": format!("{base}/device"),
        "verification_uri_complete": format!("{base}/device?user_code=BCDF-GHJK"),
        "expires_in": 600,
        "interval": 1,
    })
}
