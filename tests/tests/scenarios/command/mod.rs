//! The `tokensmith` command next to a running issuer: what it changes is seen, what it prints is
//! JSON, and secrets are shown once.

mod apply;
mod client_keys;
mod clients;
mod clients_of_people;
mod comfort;
mod consent;
mod inspect;
mod keys;
mod limits;
mod lists;
mod restore;
mod secrets;
mod target;
mod users;

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;
use tokensmith_tests::{TestIssuer, command};

#[test]
fn exit_0_is_success_with_json_on_stdout_and_nothing_on_stderr() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("streams", &["--scope=a"]);
    let id = client.id.as_str();
    let commands: [&[&str]; 10] = [
        &["client", "list"],
        &["client", "show", id],
        &["client", "show", "--id", id],
        &["client", "update", id, "--scope=b"],
        &["client", "disable", id, "--yes"],
        &["client", "enable", id],
        &["client", "rotate-secret", id],
        &["key", "list"],
        &["inspect", "garbage"],
        &["client", "delete", id, "--yes"],
    ];
    for arguments in commands {
        let output = issuer.try_manage(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        let _: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    }
    for arguments in [&["--help"][..], &["--version"], &["client", "--help"]] {
        let output = command().args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[test]
fn every_command_that_changes_something_says_when_everybody_acts_on_it() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("changes", &["--scope=a", "--grant=refresh_token"]);
    let id = client.id.as_str();
    let grant = issuer
        .grant(&client, "alice", &["--scope=a"])
        .id
        .to_string();
    let old = issuer.manage(&["key", "list"])[0]["kid"].clone();
    let old = old.as_str().expect("a name").to_owned();
    let commands: [&[&str]; 14] = [
        &["client", "create", "--id=another"],
        &["client", "update", id, "--scope=a"],
        &["client", "rotate-secret", id],
        &[
            "grant",
            "create",
            "--client",
            id,
            "--subject=bob",
            "--scope=a",
        ],
        &["revoke", "--grant", &grant],
        &["revoke", "--client", id, "--yes"],
        &["revoke", "--subject=bob", "--yes"],
        &["client", "disable", id, "--yes"],
        &["client", "enable", id],
        &["client", "delete", id, "--yes"],
        &["key", "rotate", "--hmac"],
        &["key", "rotate", "--now", "--yes"],
        &["key", "retire", &old, "--yes"],
        &["repair", "--yes"],
    ];
    for arguments in commands {
        issuer.change(arguments);
    }
    issuer.change(&["key", "rotate"]);
    issuer.change(&["restore", "--in-use", "--yes"]);
}

#[test]
fn exit_1_is_a_failure_with_a_message_on_stderr() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("fails", &["--scope=a"]);
    let id = client.id.as_str();
    let listening = issuer.url.strip_prefix("http://").expect("plain http");
    let commands: [&[&str]; 13] = [
        &["client", "create", "--id", id],
        &["client", "create", "--id=alg", "--alg=RS256"],
        &["client", "create", "--id=scopes", "--default-scope=a"],
        &["client", "show", "nobody"],
        &["client", "update", "nobody", "--scope=a"],
        &["client", "update", id, "--default-scope=b"],
        &["client", "update", id, "--alg=EdDSA"],
        &["client", "enable", "nobody"],
        &["client", "disable", "nobody", "--yes"],
        &["client", "delete", "nobody", "--yes"],
        &["client", "rotate-secret", "nobody"],
        &["key", "retire", "nobody", "--yes"],
        &["serve", "--listen", listening],
    ];
    let before = issuer.manage(&["client", "list"]);
    for arguments in commands {
        assert_refused(arguments, &issuer.try_manage(arguments), 1);
    }
    assert_eq!(issuer.manage(&["client", "list"]), before);
    assert_eq!(issuer.token(&client, "&scope=a").status, 200);
}

#[test]
fn exit_1_where_there_is_no_data_and_none_is_made() {
    let directory = TempDir::new().expect("a directory");
    let missing = directory.path().join("missing");
    let commands: [&[&str]; 5] = [
        &["client", "list"],
        &["client", "create", "--id=a"],
        &["client", "delete", "a", "--yes"],
        &["key", "list"],
        &["inspect", "garbage"],
    ];
    for data in [directory.path(), &missing] {
        for arguments in commands {
            let output = command().args(arguments).arg("--data").arg(data).output();
            assert_refused(arguments, &output.expect("it runs"), 1);
        }
    }
    assert!(!missing.exists());
    let entries = std::fs::read_dir(directory.path()).expect("a directory");
    assert_eq!(entries.count(), 0);
}

#[test]
fn exit_2_is_a_command_that_cannot_be_understood() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("usage", &["--scope=a"]);
    let id = client.id.as_str();
    let long = "x".repeat(129);
    let create = |option: &'static str| vec!["client", "create", "--id=usage", option];
    let mut commands = vec![
        vec![],
        vec!["unknown"],
        vec!["client"],
        vec!["client", "unknown"],
        vec!["client", "create"],
        vec!["client", "show"],
        vec!["client", "show", id, "--id", id],
        vec!["client", "update", id, "--unknown"],
        vec!["client", "rotate-secret", id, "--overlap=soon"],
        vec!["client", "rotate-secret", id, "--overlap=-1s"],
        vec!["key"],
        vec!["key", "rotate", "--alg=HS256"],
        vec!["key", "rotate", "--hmac", "--now"],
        vec!["key", "rotate", "--hmac", "--alg=ES256"],
        vec!["key", "retire"],
        vec!["inspect"],
        vec!["inspect", "a", "b"],
        vec!["serve", "--listen=nowhere"],
        vec!["serve", "--alg=HS256"],
        vec!["serve", "--issuer=http://issuer.example"],
        vec!["serve", "--issuer=https://issuer.example/path"],
    ];
    for id in ["", "a b", "a/b", "a#b", "ä", &long] {
        commands.push(vec!["client", "create", "--id", id]);
    }
    commands.extend([
        create("--scope=a b"),
        create("--scope=a\"b"),
        create("--scope=a\\b"),
        create("--scope="),
        create("--default-scope=ä"),
        create("--audience=relative"),
        create("--audience=/path"),
        create("--audience=https://api.example/#part"),
        create("--grant=password"),
        create("--auth=tls_client_auth"),
        create("--alg=none"),
        create("--alg=HS256"),
        create("--access-ttl=0s"),
        create("--access-ttl=25h"),
        create("--access-ttl=soon"),
    ]);
    let before = issuer.manage(&["client", "show", id]);
    for arguments in &commands {
        assert_refused(arguments, &issuer.try_manage(arguments), 2);
    }
    assert_eq!(issuer.manage(&["client", "show", id]), before);
    assert_eq!(
        issuer
            .try_manage(&["client", "show", "usage"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn invariant_1_nobody_else_may_read_the_data_directory() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(issuer.data()), 0o700);
    assert_eq!(mode(&issuer.data().join("wrapping-key")), 0o600);
}

fn assert_refused(arguments: &[&str], output: &Output, code: i32) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert!(!message.is_empty(), "{arguments:?}");
    assert!(!message.contains("panicked"), "{arguments:?}: {message}");
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}
