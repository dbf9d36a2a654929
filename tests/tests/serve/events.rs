//! `tokensmith events` on the data of `serve`: what outlives it, and what is shown while it happens.

use serde_json::Value;
use tokensmith_tests::{Followed, HttpRequest, TestIssuer};

/// What the command prints.
pub fn events(issuer: &TestIssuer, arguments: &[&str]) -> Vec<Value> {
    let answer = issuer.manage(&[&["events"], arguments].concat());
    answer.as_array().expect("a list").clone()
}

/// A log of `serve` is read also after it has ended, and by nobody else.
#[test]
fn the_events_of_a_directory_outlive_its_serve() {
    use std::os::unix::fs::PermissionsExt;
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    get(&issuer, "/.well-known/jwks.json", 200);
    issuer.terminate();
    let served = events(&issuer, &["--event=served"]);
    assert_eq!(served.len(), 1);
    let file = std::fs::metadata(issuer.data().join("events.jsonl")).expect("the file");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

/// Whatever writes a line: a request, a path that nothing is at, the start, and what a start changes.
#[test]
fn every_line_of_the_log_is_kept() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256", "--fetch-private"]);
    get(&issuer, "/.well-known/jwks.json", 200);
    get(&issuer, "/nothing", 404);
    issuer.terminate();
    issuer.restart_with(&["--alg=ES256", "--issuer=https://moved.example"]);
    issuer.terminate();
    let kept = std::fs::read_to_string(issuer.data().join("events.jsonl")).expect("the file");
    for event in ["fetch_private", "served", "not_routed", "issuer_changed"] {
        assert_eq!(kept.matches(&format!("\"event\":\"{event}\"")).count(), 1);
    }
    let log = issuer.log();
    let lines = log.lines().filter(|line| line.starts_with('{'));
    assert_eq!(kept.lines().collect::<Vec<_>>(), lines.collect::<Vec<_>>());
}

#[test]
fn following_shows_what_happens_until_it_is_asked_to_end() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let others = issuer.register("other", &["--scope=a"]);
    for signal in ["INT", "TERM"] {
        let client = issuer.register("followed", &["--scope=a"]);
        assert_eq!(issuer.token(&client, "").status, 200);
        let followed = Followed::start(&issuer, &["--client", &client.id]);
        for event in ["client_created", "issued"] {
            assert_eq!(followed.next_event()["event"], event);
        }
        assert_eq!(issuer.token(&others, "").status, 200);
        assert_eq!(issuer.token(&client, "&scope=b").status, 400);
        // What was shown already is not shown again, and nothing of others.
        let denied = followed.next_event();
        assert_eq!(denied["reason"], "scope_not_allowed");
        let (code, rest) = followed.end(signal);
        assert_eq!((code, rest.len()), (Some(0), 0), "{signal}: {rest:?}");
    }
}

#[test]
fn following_ends_by_itself_when_it_has_shown_enough() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let mut followed = issuer.command(&["events", "--follow", "--limit=1"]);
    let output = followed.output().expect("it runs");
    assert!(output.status.success());
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(shown.lines().count(), 1, "{shown}");
}

#[test]
fn the_log_of_a_directory_is_in_it_and_nowhere_else() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    for named in ["--stack=tokensmith", "--log-group=tokensmith-IssueLog-1"] {
        let refused = issuer.try_manage(&["events", named]);
        let error = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{error}");
        let message = "--stack and --log-group are for a table";
        assert!(error.contains(message), "{error}");
    }
}

fn get(issuer: &TestIssuer, path: &str, status: u16) {
    assert_eq!(issuer.send(&HttpRequest::get(path)).status, status);
}
