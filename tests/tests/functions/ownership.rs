//! Invariant 14: a table names its issuer and its wrapping key, and nobody else uses it by mistake.

use std::process::Output;

use serde_json::{Value, json};
use tokensmith_issuer::store::records::Settings;
use tokensmith_tests::functions::{INTROSPECT, ISSUE, JWKS, REVOCATIONS, REVOKE, ROTATE_KEYS};
use tokensmith_tests::{Functions, HttpRequest, Setup, World, rotation_event};
use tokio::runtime::Runtime;

const OTHER: &str = "https://other.example";

fn events<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn settings_of(functions: &Functions) -> Settings {
    Runtime::new().expect("a runtime").block_on(async {
        let settings = functions.table().await.get(&Settings::only_key()).await;
        settings.expect("a read").expect("settings").record
    })
}

/// It rewrote the issuer of whatever table it was given, which took the other stack down.
#[test]
fn invariant_14_rotate_keys_refuses_the_table_of_another_stack() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let other_key = format!("{}0", functions.aws.wrapping_key);
    let before = functions.table_items();
    for (name, value) in [
        ("TOKENSMITH_ISSUER", OTHER),
        ("TOKENSMITH_KMS_KEY", other_key.as_str()),
    ] {
        // Every key is due.
        let due = [(name, value), ("TOKENSMITH_KEY_PERIOD", "1s")];
        functions.start_with(
            ROTATE_KEYS,
            &[&due[..], &[("TOKENSMITH_KEY_PUBLISH_AHEAD", "0s")]].concat(),
        );
        let answer = functions.ask(ROTATE_KEYS, &rotation_event());
        assert!(answer.status >= 400, "{}", answer.body);
        let message = answer.json()["errorMessage"].to_string();
        for named in [&functions.url, value] {
            assert!(message.contains(named), "{named}: {message}");
        }
        assert_eq!(functions.table_items(), before, "{name}");
    }
    let log = functions.log(ROTATE_KEYS);
    let foreign = events(&log, "foreign_table");
    assert_eq!(foreign.len(), 2, "{log:?}");
    assert_eq!(foreign[0]["level"], "error");
    assert_eq!(foreign[0]["found"]["issuer"], functions.url.as_str());
    assert_eq!(foreign[0]["expected"]["issuer"], OTHER);
    assert_eq!(foreign[1]["expected"]["wrapping_key"], other_key.as_str());
    assert_eq!(
        foreign[1]["found"]["wrapping_key"],
        functions.aws.wrapping_key.as_str()
    );
}

/// Nothing in the table of another issuer decides on a request: neither its clients nor its keys.
#[test]
fn invariant_14_a_function_on_a_foreign_table_is_503() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let world = World::new(functions.issuer());
    let tokens = world.refresh(&world.grant().token);
    let requests = [
        (ISSUE, HttpRequest::client_credentials(&world.client)),
        (ISSUE, world_refresh(&world)),
        (REVOKE, HttpRequest::revoke(&world.client, &tokens.refresh)),
        (
            INTROSPECT,
            HttpRequest::introspect(&world.client, &tokens.refresh),
        ),
        (
            INTROSPECT,
            HttpRequest::introspect(&world.server, &tokens.access),
        ),
        (REVOCATIONS, HttpRequest::get("/oauth2/revocations")),
        (JWKS, HttpRequest::get("/.well-known/jwks.json")),
    ];
    let before = functions.table_items();
    for (function, request) in &requests {
        functions.start_with(function, &[("TOKENSMITH_ISSUER", OTHER)]);
        for _ in 0..2 {
            let answer = functions.ask(function, request);
            assert_eq!(answer.status, 503, "{function}: {}", answer.body);
            assert_eq!(answer.json()["error"], "temporarily_unavailable");
            assert!(!answer.body.contains(OTHER), "{}", answer.body);
        }
        let log = functions.log(function);
        let foreign = events(&log, "foreign_table");
        let foreign = foreign.last().expect("an event");
        assert_eq!(foreign["level"], "error");
        assert_eq!(foreign["found"]["issuer"], functions.url.as_str());
        assert_eq!(foreign["expected"]["issuer"], OTHER);
        assert!(foreign["message"].to_string().contains("restore"));
        functions.start_function(function);
    }
    assert_eq!(functions.table_items(), before);
    // What belongs to it works as before.
    assert!(world.is_active(&tokens.access));
}

fn world_refresh(world: &World) -> HttpRequest {
    HttpRequest::refresh(&world.client, &world.grant().token)
}

#[test]
fn invariant_14_the_command_refuses_a_foreign_table() {
    let functions = Functions::start(&Setup::new("kms-data-key"));
    let client = functions.issuer().register("app", &["--scope=a"]);
    let other_key = format!("{}0", functions.aws.wrapping_key);
    let before = functions.table_items();
    let commands: [&[&str]; 8] = [
        &["client", "create", "--id=another"],
        &["client", "disable", &client.id, "--yes"],
        &["client", "list"],
        &["grant", "list", "--subject=alice"],
        &["key", "rotate", "--now", "--yes"],
        &["revoke", "--client", &client.id, "--yes"],
        &["repair", "--yes"],
        &["inspect", "garbage"],
    ];
    for (name, value) in [
        ("TOKENSMITH_ISSUER", OTHER),
        ("TOKENSMITH_KMS_KEY", other_key.as_str()),
    ] {
        let stranger = functions.issuer_with(&[(name, value)]);
        for arguments in commands {
            let output = stranger.try_manage(arguments);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            assert!(output.stdout.is_empty(), "{arguments:?}");
            let error = stderr(&output);
            for named in [functions.url.as_str(), value, "tokensmith restore"] {
                assert!(error.contains(named), "{arguments:?}: {error}");
            }
        }
    }
    assert_eq!(functions.table_items(), before);
}

/// `restore` is how a table is given to another issuer: its clients are there, and every key is new.
#[test]
fn a_restore_gives_a_table_to_another_issuer() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let old = functions.issuer();
    let client = old.register("app", &["--scope=a", "--default-scope=a"]);
    let token = old.token(&client, "").token().text;
    let new = functions.issuer_with(&[("TOKENSMITH_ISSUER", OTHER)]);
    // DynamoDB did not make this table from a backup: functions may use it.
    let refused = new.try_manage(&["restore", "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--in-use"), "{refused:?}");
    let mut restored = new.manage(&["restore", "--in-use", "--yes"]);
    assert_eq!(restored["issuer"], OTHER);
    let settings = json!({
        "issuer": functions.url,
        "wrapping_key": functions.aws.wrapping_key,
    });
    assert_eq!(restored["belonged_to"].take(), settings);
    // The functions of the old issuer notice it, and say so.
    let answer = functions.ask(ISSUE, &HttpRequest::client_credentials(&client));
    assert_eq!(answer.status, 503, "{}", answer.body);
    let log = functions.log(ISSUE);
    let changed = events(&log, "issuer_changed");
    assert_eq!(changed.len(), 1, "{log:?}");
    assert_eq!(changed[0]["level"], "warn");
    assert_eq!(changed[0]["from"], functions.url.as_str());
    assert_eq!(changed[0]["to"], OTHER);
    assert_eq!(events(&log, "foreign_table").len(), 1);
    // So does the command.
    let output = old.try_manage(&["client", "list"]);
    assert_eq!(output.status.code(), Some(1));

    for function in [ISSUE, INTROSPECT, ROTATE_KEYS] {
        functions.start_with(function, &[("TOKENSMITH_ISSUER", OTHER)]);
        let answer = functions.check(function);
        assert_eq!(answer.status, 200, "{function}: {}", answer.body);
    }
    let answer = functions.ask(ISSUE, &HttpRequest::client_credentials(&client));
    let issued = answer.token();
    assert_eq!(issued.claims["iss"], OTHER);
    // The client was registered without an audience: it has the issuer's.
    assert_eq!(issued.claims["aud"], OTHER);
    let of_both = [(token, false), (issued.text, true)];
    for (token, is_active) in of_both {
        let answer = functions.ask(INTROSPECT, &HttpRequest::introspect(&client, &token));
        assert_eq!(answer.json()["active"], is_active);
    }
    // Once more: there is nothing to give away.
    let again = new.manage(&["restore", "--in-use", "--yes"]);
    assert_eq!(again["belonged_to"], Value::Null);
}

/// Such a table was written before tables had settings.
#[test]
fn a_table_with_keys_and_without_settings_gets_them_when_keys_are_rotated() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let settings = settings_of(&functions);
    Runtime::new().expect("a runtime").block_on(async {
        let deleted = functions.table().await.delete(&Settings::only_key()).await;
        deleted.expect("they are deleted");
    });
    assert_eq!(functions.check(ISSUE).status, 200);
    let client = functions.issuer().register("app", &["--scope=a"]);
    assert_eq!(functions.issuer().token(&client, "").status, 200);
    functions.rotate_keys();
    assert_eq!(settings_of(&functions), settings);
    assert_eq!(settings.issuer.as_str(), functions.url);
    assert_eq!(
        settings.wrapping_key.as_deref(),
        Some(functions.aws.wrapping_key.as_str())
    );
}

/// Also where only what somebody should look at is logged.
#[test]
fn a_withdrawn_key_that_is_still_presented_is_logged() {
    let setup = Setup::new("kms-data-key").with("TOKENSMITH_LOG", "warn");
    let mut functions = Functions::start(&setup);
    let world = World::new(functions.issuer());
    let issuer = &world.issuer;
    let tokens = world.refresh(&world.grant().token);
    issuer.change(&["restore", "--in-use", "--yes"]);
    for function in [ISSUE, INTROSPECT, REVOKE] {
        // A function goes on with the HMAC keys that it has opened, until it reads them again.
        functions.start_function(function);
    }
    let present = [
        (ISSUE, HttpRequest::refresh(&world.client, &tokens.refresh)),
        (
            INTROSPECT,
            HttpRequest::introspect(&world.client, &tokens.refresh),
        ),
        (
            INTROSPECT,
            HttpRequest::introspect(&world.client, &tokens.access),
        ),
        (REVOKE, HttpRequest::revoke(&world.client, &tokens.refresh)),
        (REVOKE, HttpRequest::revoke(&world.client, &tokens.access)),
    ];
    for (function, request) in present {
        let logged = withdrawn(&functions, function);
        let answer = issuer.send(&request);
        match function {
            ISSUE => assert_eq!(answer.json()["error"], "invalid_grant"),
            INTROSPECT => assert_eq!(answer.body, r#"{"active":false}"#),
            _ => assert_eq!((answer.status, answer.body.as_str()), (200, "{}")),
        }
        assert_eq!(withdrawn(&functions, function), logged + 1, "{function}");
    }
    // Whoever only writes the name of a withdrawn key into a token is not heard.
    let (signed, _) = tokens.access.rsplit_once('.').expect("a signature");
    let made_up = format!("{signed}.{}", "A".repeat(86));
    let logged = withdrawn(&functions, INTROSPECT);
    issuer.send(&HttpRequest::introspect(&world.client, &made_up));
    assert_eq!(withdrawn(&functions, INTROSPECT), logged);
}

/// How many lines say so, all of which are warnings.
fn withdrawn(functions: &Functions, function: &str) -> usize {
    let log = functions.log(function);
    let lines = log.iter().filter(|line| line["reason"] == "withdrawn_key");
    let levels: Vec<_> = lines.map(|line| line["level"].clone()).collect();
    assert!(levels.iter().all(|level| level == "warn"), "{log:?}");
    levels.len()
}
