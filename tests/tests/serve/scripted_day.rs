//! What happened on a day that is written down here is what `tokensmith events` tells, in the order in which it happened. A new
//! kind of event is a line of the day, and a line of the list.

use serde_json::{Value, json};
use tokensmith_tests::{HttpRequest, TestIssuer, documented::Documented};

/// What an event has of a client or grant of the day, and why.
fn told(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
    format!("{} {} {}", text("event"), text("outcome"), text("reason"))
}

#[test]
fn the_events_of_a_scripted_day_are_exactly_these() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register(
        "day",
        &[
            "--scope=a",
            "--grant=client_credentials",
            "--grant=refresh_token",
        ],
    );
    let grant = issuer.grant(&client, "alice", &[]);
    let access = issuer.token(&client, "").access_token();
    let first = issuer.send(&HttpRequest::refresh(&client, &grant.token));
    let second = issuer.send(&HttpRequest::refresh(&client, &first.refresh_token()));
    assert_eq!(second.status, 200);
    assert_eq!(issuer.introspect(&client, &access)["active"], true);
    // Its successor has been used: two parties have it.
    let reused = issuer.send(&HttpRequest::refresh(&client, &grant.token));
    assert_eq!(reused.status, 400);
    assert_eq!(
        issuer.send(&HttpRequest::revoke(&client, &access)).status,
        200
    );
    let stranger = client.with_wrong_secret();
    for _ in 0..2 {
        assert_eq!(issuer.token(&stranger, "").status, 401);
    }
    assert_eq!(issuer.token(&client, "&scope=b").status, 400);
    assert_eq!(
        issuer
            .send(&HttpRequest::get("/.well-known/jwks.json"))
            .status,
        200
    );
    issuer.manage(&["client", "update", &client.id, "--access-ttl=10m"]);
    issuer.manage(&["client", "rotate-secret", &client.id]);
    issuer.manage(&["key", "rotate"]);
    issuer.manage(&["revoke", "--client", &client.id, "--yes"]);
    issuer.manage(&["client", "disable", &client.id, "--yes"]);
    let nothing = issuer.try_manage(&["client", "enable", "nobody-at-all"]);
    assert_eq!(nothing.status.code(), Some(1));
    issuer.manage(&["client", "delete", &client.id, "--yes"]);

    let all = events(&issuer, &["--since=1h"]);
    let told: Vec<String> = all.iter().map(told).collect();
    let expected = [
        // The first start makes the demo client.
        "client_created done -",
        "client_created done -",
        "grant_created done -",
        "issued ok -",
        "refreshed ok -",
        "refreshed ok -",
        "introspected ok -",
        "reused denied refresh_token_reused",
        "revoked ok -",
        "denied denied wrong_client_secret",
        "denied denied wrong_client_secret",
        "denied denied scope_not_allowed",
        "served ok -",
        "client_updated done -",
        "secret_rotated done -",
        "keys_rotated done -",
        "client_revoked done -",
        "client_disabled done -",
        "client_enabled refused no client nobody-at-all",
        "client_deleted done -",
    ];
    assert_eq!(told, expected);
    assert_of_one(&issuer, &client.id, &grant.id.to_string(), &all);
    assert_no_secret(&all, &[client.secret(), &grant.token, &access]);
    assert!(issuer.log().contains("\"event\":\"issued\""));
}

/// Every event is one of the page, operators are named, and the filters find what they are about.
fn assert_of_one(issuer: &TestIssuer, client: &str, grant: &str, all: &[Value]) {
    let page = Documented::read(include_str!("../../../docs/events.md"));
    for event in all {
        assert_eq!(page.check(event), Ok(()));
    }
    let operators: Vec<_> = all.iter().filter(|event| event["by"].is_string()).collect();
    assert_eq!(operators.len(), 10);
    assert!(operators.iter().all(|one| one["by"] == operators[0]["by"]));
    let named = |name: &str, value: &str| -> Vec<Value> {
        let of = all.iter().filter(|event| event[name] == value);
        of.cloned().collect()
    };
    for (name, arguments) in [
        (("client", client), ["--client", client]),
        (("grant", grant), ["--grant", grant]),
        (("event", "issued"), ["--event", "issued"]),
        (("outcome", "denied"), ["--outcome", "denied"]),
    ] {
        let found = events(issuer, &arguments);
        assert!(!found.is_empty());
        assert_eq!(found, named(name.0, name.1), "{arguments:?}");
    }
    assert_eq!(
        events(issuer, &["--until=1h", "--since=2h"]),
        [json!(null); 0]
    );
}

fn assert_no_secret(all: &[Value], secrets: &[&str]) {
    let text = format!("{all:?}");
    for secret in secrets {
        let end = &secret[secret.len() - 20..];
        assert!(!text.contains(&secret[4..24]) || secret.starts_with("eyJ"));
        assert!(!text.contains(end));
    }
}

fn events(issuer: &TestIssuer, arguments: &[&str]) -> Vec<Value> {
    let answer = issuer.manage(&[&["events"], arguments].concat());
    answer.as_array().expect("a list").clone()
}

/// A log of `serve` is read also after it has ended, and by nobody else.
#[test]
fn the_events_of_a_directory_outlive_its_serve() {
    use std::os::unix::fs::PermissionsExt;
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    assert_eq!(
        issuer
            .send(&HttpRequest::get("/.well-known/jwks.json"))
            .status,
        200
    );
    issuer.terminate();
    let served = events(&issuer, &["--event=served"]);
    assert_eq!(served.len(), 1);
    let file = std::fs::metadata(issuer.data().join("events.jsonl")).expect("the file");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}
