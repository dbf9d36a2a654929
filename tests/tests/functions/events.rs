//! `tokensmith events` with a table: the records of what operators changed, and the log groups that are named.

use std::process::Stdio;

use serde_json::Value;
use tokensmith_tests::emulated::Moment::{After, Before};
use tokensmith_tests::functions::{ISSUE, JWKS};
use tokensmith_tests::{Followed, Functions, HttpRequest, Setup, TestClient, TestIssuer};

/// Functions whose lines are in log groups, and who used them.
struct World {
    functions: Functions,
    issuer: TestIssuer,
    client: TestClient,
    other: TestClient,
    /// The public id of an API key of the client, and the key.
    key: String,
    api_key: String,
}

impl World {
    fn new() -> Self {
        let functions = Functions::start(&Setup::new("kms-data-key"));
        let issuer = functions.issuer();
        let [client, other] = ["events", "other"].map(|prefix| {
            let options = ["--scope=a", "--audience=https://api.example/"];
            issuer.register(prefix, &options)
        });
        let create = ["api-key", "create", "--name=job", "--scope=a", "--client"];
        let made = issuer.manage(&[&create[..], &[&client.id]].concat());
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        let exchange = HttpRequest::exchange(&text("api_key"));
        assert_eq!(issuer.send(&exchange).status, 200);
        for client in [&client, &other] {
            assert_eq!(issuer.token(client, "").status, 200);
        }
        let key_set = HttpRequest::get("/.well-known/jwks.json");
        assert_eq!(issuer.send(&key_set).status, 200);
        let world = Self {
            functions,
            issuer,
            client,
            other,
            key: text("key_id"),
            api_key: text("api_key"),
        };
        world.write_groups();
        world
    }

    /// Each function has a log group, and so has what is no function, and another stack whose name begins like this one's.
    fn write_groups(&self) {
        let aws = &self.functions.aws;
        for (group, lines) in [
            (ISSUE_LOG, self.lines(ISSUE)),
            ("day-JwksLog-2b", self.lines(JWKS)),
            ("day-ApiLog-3c", vec![r#"{"event":"no"}"#.to_owned()]),
            ("day-two-IssueLog-4d", self.lines(ISSUE)),
        ] {
            aws.make_log_group(group);
            aws.write_log(group, &lines);
        }
    }

    /// What a function has logged, and a line of Lambda's own.
    fn lines(&self, function: &str) -> Vec<String> {
        let own = self.functions.log(function);
        let of_lambda = "START RequestId: 1 Version: $LATEST".to_owned();
        let lines = own.iter().map(Value::to_string).chain([of_lambda]);
        lines.collect()
    }

    /// The names of the events that the command shows.
    fn shown(&self, arguments: &[&str]) -> Vec<String> {
        let answer = self.issuer.manage(&[&["events"], arguments].concat());
        let events = answer.as_array().expect("a list").iter();
        let names = events.map(|event| event["event"].as_str().expect("a name").to_owned());
        names.collect()
    }

    /// Why the command shows nothing.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.issuer.try_manage(&[&["events"], arguments].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        String::from_utf8(output.stderr).expect("text")
    }
}

const ISSUE_LOG: &str = "day-IssueLog-1a";
const RECORDS: [&str; 3] = ["client_created", "client_created", "api_key_created"];

#[test]
fn events_of_a_table_are_its_records_and_the_logs_that_are_named() {
    let world = World::new();
    assert_eq!(world.shown(&[]), RECORDS);
    let output = world.issuer.try_manage(&["events"]);
    let note = String::from_utf8_lossy(&output.stderr);
    assert!(
        note.contains("only the records of changes are shown"),
        "{note}"
    );

    // The harness has asked each function with a method that it does not have.
    let issued = ["denied", "issued", "issued", "issued"];
    let served = ["denied", "served"];
    let about = |arguments: &[&str]| {
        let mut shown = world.shown(arguments);
        shown.retain(|name| !RECORDS.contains(&name.as_str()));
        shown.sort();
        shown
    };
    assert_eq!(about(&["--log-group", ISSUE_LOG]), issued);
    let mut both = [&issued[..], &served].concat();
    both.sort();
    assert_eq!(about(&["--stack=day"]), both);
    assert_eq!(about(&["--stack=day-two"]), issued);
    let named = ["--stack=day-two", "--log-group=day-JwksLog-2b"];
    assert_eq!(about(&named), both);

    let (stack, client, key) = ("--stack=day", world.client.id.as_str(), world.key.as_str());
    let of_client = ["client_created", "api_key_created", "issued", "issued"];
    assert_eq!(world.shown(&[stack, "--client", client]), of_client);
    let of_other = ["client_created", "issued"];
    assert_eq!(world.shown(&[stack, "--client", &world.other.id]), of_other);
    let of_key = ["api_key_created", "issued"];
    assert_eq!(world.shown(&[stack, "--key", key]), of_key);
    let grant = "A".repeat(43);
    for (chosen, pattern) in [
        (vec!["--event=issued"], None),
        (vec!["--key", key], Some(format!("{{ $.key = \"{key}\" }}"))),
        (
            vec!["--key", key, "--client", client, "--grant", &grant],
            Some(format!(
                "{{ $.client = \"{client}\" && $.grant = \"{grant}\" && $.key = \"{key}\" }}"
            )),
        ),
    ] {
        world.functions.aws.take_patterns();
        world.shown(&[&["--log-group", ISSUE_LOG], &chosen[..]].concat());
        assert_eq!(world.functions.aws.take_patterns(), [pattern]);
    }
    assert!(world.shown(&[stack, "--since=2h", "--until=1h"]).is_empty());

    let nobody = world.refused(&["--stack=nobodys"]);
    assert!(
        nobody.starts_with("error: no log group of the stack nobodys is in"),
        "{nobody}"
    );
    let nowhere = world.refused(&["--log-group=nowhere"]);
    let reason = "FilterLogEvents of nowhere failed (ResourceNotFoundException)";
    assert!(nowhere.contains(reason), "{nowhere}");
    for (operation, named) in [
        ("FilterLogEvents", ["--log-group", ISSUE_LOG]),
        ("DescribeLogGroups", ["--stack", "day"]),
    ] {
        world.functions.aws.deny(Some(operation));
        let denied = world.refused(&named);
        let allow =
            format!("(AccessDeniedException): let these credentials use `logs:{operation}`");
        assert!(denied.contains(&allow), "{denied}");
        assert!(!denied.contains("a secret of the body"), "{denied}");
        world.functions.aws.deny(None);
    }
}

#[test]
fn following_a_log_group_shows_a_line_once_it_is_there() {
    let world = World::new();
    let arguments = ["--log-group", ISSUE_LOG, "--key", &world.key];
    let followed = Followed::start(&world.issuer, &arguments);
    for event in ["api_key_created", "issued"] {
        assert_eq!(followed.next_event()["event"], event);
    }
    let before = world.functions.log(ISSUE).len();
    let exchange = HttpRequest::exchange(&world.api_key);
    assert_eq!(world.issuer.send(&exchange).status, 200);
    let new = &world.functions.log(ISSUE)[before..];
    let new: Vec<String> = new.iter().map(Value::to_string).collect();
    world.functions.aws.write_log(ISSUE_LOG, &new);
    let shown = followed.next_event();
    assert_eq!(vec![shown.to_string()], new);
    world.issuer.manage(&["api-key", "revoke", &world.key]);
    assert_eq!(followed.next_event()["event"], "api_key_revoked");
    let (code, rest) = followed.end("TERM");
    assert_eq!((code, rest.len()), (Some(0), 0), "{rest:?}");
}

/// With a process that is killed (SIGKILL) before and after each call of a change.
#[test]
fn invariant_14_a_command_that_is_killed_leaves_its_record() {
    let functions = Functions::new_stack(&Setup::new("kms-data-key"));
    let issuer = functions.issuer();
    let disable = |client: &TestClient| {
        let mut command = issuer.command(&["client", "disable", &client.id, "--yes"]);
        command.stdout(Stdio::null());
        command
    };
    let client = issuer.register("whole", &[]);
    functions.aws.take_calls();
    let whole = disable(&client).status().expect("the command runs");
    assert!(whole.success());
    let calls = functions.aws.take_calls();
    println!("calls of a change: {}", calls.join(", "));
    // The record, the change, and what became of it.
    let begins = calls.iter().position(|call| call == "PutItem");
    let begins = begins.expect("a record is written");
    let changes = calls.iter().position(|call| call == "UpdateItem");
    let (changes, completes) = (changes.expect("the change"), calls.len() - 1);
    assert!(begins < changes && changes < completes);
    assert_eq!(calls[completes], "UpdateItem");

    for (call, moment) in (0..calls.len()).flat_map(|n| [(n, Before), (n, After)]) {
        let client = issuer.register("killed", &[]);
        let held = functions.aws.hold(call, moment);
        let mut process = disable(&client).spawn().expect("the command runs");
        held.await_call();
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
        drop(held);
        let carried_out = call + usize::from(moment == After);
        let outcome = match carried_out {
            _ if carried_out > completes => Some("done"),
            _ if carried_out > begins => Some("begun"),
            _ => None,
        };
        let about = ["events", "--event=client_disabled", "--client", &client.id];
        let records = issuer.manage(&about);
        assert_eq!(records[0]["outcome"].as_str(), outcome, "{call} {moment:?}");
        let shown = issuer.manage(&["client", "show", &client.id]);
        let is_disabled = carried_out > changes;
        assert_eq!(shown["disabled"], is_disabled, "{call} {moment:?}");
    }
}
