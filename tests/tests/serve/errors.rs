//! What an operator is told when something is wrong outside of the command: one sentence, with the cause and
//! the next step.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tokensmith_tests::{TestIssuer, built, command};

/// The error of a command that fails: one line on stderr.
fn error_of(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let message = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(output.stdout, b"", "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(
        !message.contains("SdkBody") && !message.contains("Error {"),
        "{message}"
    );
    message
        .strip_prefix("error: ")
        .expect("an error")
        .trim()
        .to_owned()
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// `tokensmith client list` on a table, with the variables that it needs and nothing that the SDK could find
/// elsewhere.
fn on_table(endpoint: &str) -> Command {
    let mut command = command();
    command
        .env_clear()
        .env("TOKENSMITH_ISSUER", "https://issuer.example")
        .env("TOKENSMITH_CUSTODY", "kms")
        .env(
            "TOKENSMITH_KMS_KEY",
            "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000",
        )
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        .args(["client", "list", "--table", "prod"]);
    command
}

/// A DynamoDB that refuses everything with this code, until the process ends.
fn refusing(code: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let body = format!("{{\"__type\":\"com.amazonaws.dynamodb.v20120810#{code}\"}}");
            let _ = connection.read(&mut [0; 8192]);
            let answer = format!(
                "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn what_aws_refuses_is_said_with_the_next_step() {
    for (code, parts) in [
        ("AccessDeniedException", ["dynamodb:GetItem", "index"]),
        ("ResourceNotFoundException", ["no such table", "AWS_REGION"]),
        ("ExpiredTokenException", ["ExpiredTokenException", "log in"]),
        ("ValidationException", ["template", "release"]),
    ] {
        assert_says(&error_of(&mut on_table(&refusing(code))), &parts);
    }
}

#[test]
fn a_table_that_cannot_be_reached_and_missing_settings_are_said_with_the_next_step() {
    let nowhere = "http://127.0.0.1:9";
    let unreachable = error_of(&mut on_table(nowhere));
    assert_says(
        &unreachable,
        &["cannot be reached", "AWS_ENDPOINT_URL_DYNAMODB"],
    );
    let without = |names: &[&str]| {
        let mut command = on_table(nowhere);
        for name in names {
            command.env_remove(name);
        }
        error_of(&mut command)
    };
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    assert_says(&without(&keys), &["no AWS credentials", "AWS_PROFILE"]);
    assert_says(&without(&["AWS_REGION"]), &["no AWS Region", "AWS_REGION"]);
    for name in [
        "TOKENSMITH_ISSUER",
        "TOKENSMITH_CUSTODY",
        "TOKENSMITH_KMS_KEY",
    ] {
        assert_says(&without(&[name]), &[name, "functions"]);
    }
    // What the libraries reported is for who asks.
    let debug = on_table(nowhere).arg("--debug").output().expect("it runs");
    let debug = String::from_utf8(debug.stderr).expect("text");
    assert!(
        debug.contains("debug: ") && debug.contains("NoConnection"),
        "{debug}"
    );
}

#[test]
fn a_database_that_is_none_is_said_with_the_next_step() {
    let (issuer, copy) = stopped();
    let file = copy.path().join("data/table.sqlite");
    fs::write(&file, b"not a database, but long enough to look like one").expect("written");
    assert_says(
        &error_of(&mut list(&copy)),
        &["is no database", "backup", "table.sqlite"],
    );
    // The beginning is right, and the rest is not.
    let mut broken = fs::read(issuer.path().join("data/table.sqlite")).expect("read");
    broken[16..].fill(0xa5);
    fs::write(&file, broken).expect("written");
    assert_says(&error_of(&mut list(&copy)), &["table.sqlite", "backup"]);
}

#[test]
fn a_wrapping_key_of_other_data_is_said_with_the_next_step() {
    let (_issuer, copy) = stopped();
    let key = copy.path().join("data/wrapping-key");
    fs::write(&key, [7; 32]).expect("written");
    let data = copy.path().join("data");
    let mut grant = command();
    grant
        .args([
            "grant",
            "create",
            "--client=app",
            "--subject=alice",
            "--data",
        ])
        .arg(&data);
    assert_says(
        &error_of(&mut grant),
        &["a key cannot be used", "wrapping key"],
    );
}

#[test]
fn data_that_cannot_be_written_or_looked_at_are_said_with_the_next_step() {
    let (_issuer, copy) = stopped();
    let user = Unprivileged::new();
    let data = copy.path().join("data");
    set_mode(copy.path(), 0o755);
    user.give(&data);
    set_mode(&data.join("table.sqlite"), 0o400);
    set_mode(&data, 0o500);
    let read_only = error_of(user.command().args(["client", "list", "--data"]).arg(&data));
    assert_says(&read_only, &["cannot be written", "owns it"]);
    set_mode(&data, 0);
    let hidden = error_of(user.command().args(["client", "list", "--data"]).arg(&data));
    assert_says(&hidden, &["Permission denied", "--data"]);
    set_mode(&data, 0o700);
}

#[test]
fn an_address_that_serve_cannot_have_is_said_with_the_next_step() {
    let folder = TempDir::new().expect("a folder");
    let serve = |listen: &str| {
        let mut serve = command();
        serve
            .args(["serve", "--listen", listen, "--data"])
            .arg(folder.path().join("data"));
        serve
    };
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    for host in ["127.0.0.1", "localhost"] {
        let in_use = error_of(&mut serve(&format!("{host}:{port}")));
        assert_says(&in_use, &["another process", "--listen", &port.to_string()]);
    }
    // An address for documentation, which nobody has (RFC 5737).
    let foreign = error_of(serve("192.0.2.1:8080").args(["--issuer", "https://issuer.example"]));
    assert_says(&foreign, &["192.0.2.1", "--listen"]);
    assert_says(
        &error_of(&mut serve("name.invalid:8080")),
        &["name.invalid", "127.0.0.1:8080"],
    );

    let user = Unprivileged::new();
    let mut privileged = user.command();
    privileged
        .args(["serve", "--listen=127.0.0.1:1", "--data"])
        .arg(user.folder.path().join("data"));
    // On a machine that lets everybody use every port, no port is privileged.
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    if first.is_ok_and(|first| first.trim() != "0") {
        assert_says(&error_of(&mut privileged), &["only root", "8080"]);
    }
}

/// Data of an issuer that has ended, and a copy of them.
fn stopped() -> (TempDir, TempDir) {
    let (original, copy) = (
        TempDir::new().expect("a folder"),
        TempDir::new().expect("a folder"),
    );
    let mut issuer = TestIssuer::serve_in(original.path(), &["--alg=ES256"]);
    let create = ["client", "create", "--id=app", "--grant=refresh_token"];
    issuer.manage(&create);
    assert_eq!(issuer.terminate(), Some(0));
    let copied = Command::new("cp")
        .arg("-a")
        .arg(issuer.data())
        .arg(copy.path())
        .status();
    assert!(copied.expect("cp runs").success());
    (original, copy)
}

fn list(copy: &TempDir) -> Command {
    let mut list = command();
    list.args(["client", "list", "--data"])
        .arg(copy.path().join("data"));
    list
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode is set");
}

/// Somebody whom the modes of files bind, also where the tests run as root.
struct Unprivileged {
    folder: TempDir,
    is_root: bool,
}

impl Unprivileged {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        set_mode(folder.path(), 0o777);
        fs::copy(built("tokensmith"), folder.path().join("tokensmith")).expect("a copy");
        let is_root = rustix::process::geteuid().is_root();
        Self { folder, is_root }
    }

    /// Makes the files theirs.
    fn give(&self, directory: &Path) {
        if self.is_root {
            chown(directory, Some(NOBODY), None).expect("it is ours to give");
            for entry in fs::read_dir(directory).expect("a directory") {
                chown(entry.expect("a file").path(), Some(NOBODY), None).expect("ours");
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.folder.path().join("tokensmith"));
        if self.is_root {
            command.uid(NOBODY);
        }
        command
    }
}

const NOBODY: u32 = 65534;
