//! What happened on a day that is written down here is what `tokensmith events` tells, in the order in which it happened. A new
//! kind of event is a line of the day, and a line of the list.

use std::pin::pin;
use std::sync::Arc;

use serde_json::Value;
use tokensmith_issuer::admin::Administrator;
use tokensmith_issuer::config::Config;
use tokensmith_issuer::keys::Custody;
use tokensmith_local::{LocalData, make_table};
use tokensmith_tests::documented::Documented;
use tokensmith_tests::faults::FaultyDynamo;
use tokensmith_tests::{
    HttpRequest, Secrets, TestClient, TestGrant, TestIssuer, TestOperator, all_bytes, contains,
    eventually,
};
use tokensmith_verifier::Clock;

use super::events::events;

#[test]
fn the_events_of_a_scripted_day_are_exactly_these() {
    await_time_before_midnight();
    let mut day = Day::begin();
    day.clients_and_their_grants();
    day.failed_logins();
    day.api_keys();
    day.limits();
    day.operators();
    day.a_kill();

    let all = events(&day.issuer, &["--since=1h"]);
    let told: Vec<String> = all.iter().map(told).collect();
    let expected = [
        // The first start makes the demo client and the demo user.
        "client_created done -",
        "user_created done -",
        // A client and its grant.
        "client_created done -",
        "grant_created done -",
        "issued ok -",
        "refreshed ok -",
        "refreshed ok -",
        "introspected ok -",
        "reused denied refresh_token_reused",
        "revoked ok -",
        "served ok -",
        // Failed logins.
        "denied denied wrong_client_secret",
        "denied denied wrong_client_secret",
        "denied denied scope_not_allowed",
        // An API key, and the one that replaces it.
        "api_key_created done -",
        "issued ok -",
        "introspected ok -",
        "introspected ok -",
        "api_key_rotated done -",
        "denied denied api_key_expired",
        "issued ok -",
        "api_key_revoked done -",
        "denied denied api_key_revoked",
        "introspected ok -",
        "denied denied malformed_api_key",
        // Limits.
        "client_created done -",
        "issued ok -",
        "limited denied limit_exceeded",
        // What operators do.
        "client_updated done -",
        "secret_rotated done -",
        "keys_rotated done -",
        "client_revoked done -",
        "client_disabled done -",
        "client_enabled refused no client nobody-at-all",
        "client_deleted done -",
        // A kill.
        "client_created done -",
        "client_disabled begun -",
    ];
    assert_eq!(told, expected);
    day.assert_documented_and_filtered(&all);
    day.assert_no_secret(&all);
}

/// What an event has of a client or grant of the day, and why.
fn told(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
    format!("{} {} {}", text("event"), text("outcome"), text("reason"))
}

/// The limit of the day is by the day (UTC).
fn await_time_before_midnight() {
    const DAY: u64 = 24 * 60 * 60;
    eventually("a minute of this day is left", || {
        (Clock::System.now().seconds() % DAY < DAY - 60).then_some(())
    });
}

/// The issuer of the day, who uses it, and what must not be found again.
struct Day {
    issuer: TestIssuer,
    client: TestClient,
    grant: TestGrant,
    /// The public ids of the API key and of the one that replaces it.
    keys: [String; 2],
    secrets: Secrets,
}

impl Day {
    fn begin() -> Self {
        let issuer = TestIssuer::serve(&["--alg=ES256"]);
        let client = issuer.register(
            "day",
            &[
                "--scope=a",
                "--audience=https://api.example/",
                "--grant=client_credentials",
                "--grant=refresh_token",
            ],
        );
        let grant = issuer.grant(&client, "alice", &[]);
        let mut secrets = Secrets::default();
        secrets.add_client(&client);
        secrets.add(&grant.token);
        Self {
            issuer,
            client,
            grant,
            keys: Default::default(),
            secrets,
        }
    }

    fn status(&self, request: &HttpRequest) -> u16 {
        self.issuer.send(request).status
    }

    fn clients_and_their_grants(&mut self) {
        let Self {
            issuer,
            client,
            grant,
            secrets,
            ..
        } = self;
        let access = issuer.token(client, "").access_token();
        let first = issuer.send(&HttpRequest::refresh(client, &grant.token));
        let second = issuer.send(&HttpRequest::refresh(client, &first.refresh_token()));
        for tokens in [first.tokens(), second.tokens()] {
            secrets.add_token(&tokens.access);
            secrets.add(&tokens.refresh);
        }
        secrets.add_token(&access);
        assert_eq!(issuer.introspect(client, &access)["active"], true);
        // Its successor has been used: two parties have it.
        let reused = self.status(&HttpRequest::refresh(&self.client, &self.grant.token));
        assert_eq!(reused, 400);
        let revoke = HttpRequest::revoke(&self.client, &access);
        assert_eq!(self.status(&revoke), 200);
        assert_eq!(
            self.status(&HttpRequest::get("/.well-known/jwks.json")),
            200
        );
    }

    fn failed_logins(&mut self) {
        let stranger = self.client.with_wrong_secret();
        self.secrets.add_client(&stranger);
        for _ in 0..2 {
            assert_eq!(self.issuer.token(&stranger, "").status, 401);
        }
        assert_eq!(self.issuer.token(&self.client, "&scope=b").status, 400);
    }

    fn api_keys(&mut self) {
        let of = format!("--client={}", self.client.id);
        let (old_id, old) = self.new_key(&["api-key", "create", &of, "--name=job", "--scope=a"]);
        let token = self.exchanged(&old);
        for live in [&old, &token] {
            let told = self.issuer.introspect(&self.client, live);
            assert_eq!(told["active"], true);
        }
        let (new_id, new) = self.new_key(&["api-key", "rotate", &old_id, "--overlap=0s"]);
        // Whoever has the old one uses it after its end.
        assert_eq!(self.status(&HttpRequest::exchange(&old)), 400);
        let token = self.exchanged(&new);
        self.issuer.manage(&["api-key", "revoke", &new_id]);
        assert_eq!(self.status(&HttpRequest::exchange(&new)), 400);
        let told = self.issuer.introspect(&self.client, &token);
        assert_eq!(told["active"], false);
        let cut_off = &new[..new.len() - 1];
        assert_eq!(self.status(&HttpRequest::exchange(cut_off)), 400);
        self.keys = [old_id, new_id];
    }

    fn new_key(&mut self, arguments: &[&str]) -> (String, String) {
        let made = self.issuer.manage(arguments);
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        self.secrets.add(&text("api_key"));
        (text("key_id"), text("api_key"))
    }

    fn exchanged(&mut self, key: &str) -> String {
        let answer = self.issuer.send(&HttpRequest::exchange(key));
        self.secrets.add_token(&answer.access_token());
        answer.access_token()
    }

    fn limits(&mut self) {
        let limited = self.issuer.register("limited", &["--limit=1/1d"]);
        self.secrets.add_client(&limited);
        let issued = self.issuer.token(&limited, "");
        self.secrets.add_token(&issued.access_token());
        assert_eq!(self.issuer.token(&limited, "").status, 429);
    }

    fn operators(&mut self) {
        let (issuer, id) = (&self.issuer, &self.client.id);
        issuer.manage(&["client", "update", id, "--access-ttl=10m"]);
        let rotated = issuer.manage(&["client", "rotate-secret", id]);
        let secret = rotated["client_secret"].as_str().expect("a secret");
        self.secrets.add_client(&TestClient::new(id, secret));
        issuer.manage(&["key", "rotate"]);
        issuer.manage(&["revoke", "--client", id, "--yes"]);
        issuer.manage(&["client", "disable", id, "--yes"]);
        let nothing = issuer.try_manage(&["client", "enable", "nobody-at-all"]);
        assert_eq!(nothing.status.code(), Some(1));
        issuer.manage(&["client", "delete", id, "--yes"]);
    }

    /// An operator's process ends when it is about to write what it was told to.
    fn a_kill(&mut self) {
        let client = self.issuer.register("killed", &[]);
        self.secrets.add_client(&client);
        let id = client.id.parse().expect("an id");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let data = LocalData::open(self.issuer.data()).await.expect("data");
            let dynamo = FaultyDynamo::of_directory(self.issuer.data());
            let table = make_table(dynamo.clone()).await.expect("the table");
            let config = Config::new(self.issuer.url.parse().expect("a URL"));
            let (make, open) = (Arc::new(data.custody.clone()), data.custody.open());
            let admin = Administrator::new(config, table, make, open, Arc::new(TestOperator));
            let mut held = dynamo.hold();
            let mut change = pin!(admin.disable_client(&id));
            loop {
                tokio::select! {
                    ended = &mut change => panic!("it was not held: {ended:?}"),
                    call = held.recv() => {
                        let call = call.expect("a call");
                        if call.operation == "UpdateItem" {
                            return;
                        }
                        call.release(None);
                    }
                }
            }
        });
    }

    /// Every event is one of the page, operators are named, and the filters find what they are about.
    fn assert_documented_and_filtered(&self, all: &[Value]) {
        let page = Documented::read(include_str!("../../../docs/events.md"));
        for event in all {
            assert_eq!(page.check(event), Ok(()));
        }
        let operators = all.iter().filter(|event| event["by"].is_string());
        let (killed, others): (Vec<_>, Vec<_>) =
            operators.partition(|event| event["outcome"] == "begun");
        assert_eq!((killed.len(), others.len()), (1, 16));
        assert_eq!(killed[0]["by"], "a test");
        assert!(others.iter().all(|one| one["by"] == others[0]["by"]));

        let (client, grant) = (self.client.id.as_str(), self.grant.id.to_string());
        let [old, new] = self.keys.each_ref().map(String::as_str);
        let public = format!("tksmk_{new}");
        let rows: [(&[&str], &str, &[&str], usize); 7] = [
            (&["client"], client, &["--client", client], 26),
            (&["grant"], &grant, &["--grant", &grant], 4),
            (&["key"], old, &["--key", old], 5),
            (&["key", "replaced_by"], new, &["--key", &public], 4),
            (&["event"], "issued", &["--event", "issued"], 4),
            (&["outcome"], "denied", &["--outcome", "denied"], 8),
            (&["outcome"], "begun", &["--outcome", "begun"], 1),
        ];
        for (names, value, arguments, count) in rows {
            let has = |event: &&Value| names.iter().any(|name| event[*name] == value);
            let named: Vec<Value> = all.iter().filter(has).cloned().collect();
            assert_eq!(events(&self.issuer, arguments), named, "{arguments:?}");
            let tell: Vec<String> = named.iter().map(told).collect();
            assert_eq!(named.len(), count, "{arguments:?} {tell:#?}");
        }
        let none = events(&self.issuer, &["--until=1h", "--since=2h"]);
        assert!(none.is_empty(), "{none:?}");
    }

    /// Invariant 1: of all that the day has left, nothing holds a secret of the day.
    fn assert_no_secret(&mut self, all: &[Value]) {
        let left = [
            ("the events", format!("{all:?}").into_bytes()),
            ("the log", self.issuer.log().into_bytes()),
            (
                "the records",
                self.issuer.table_items().concat().into_bytes(),
            ),
            ("the data of the running issuer", {
                all_bytes(self.issuer.data())
            }),
            ("the data at rest", {
                self.issuer.terminate();
                all_bytes(self.issuer.data())
            }),
        ];
        for (name, bytes) in &left {
            for known in [&self.client.id, &self.keys[0]] {
                assert!(
                    contains(bytes, known.as_bytes()),
                    "{name} does not have {known}"
                );
            }
            assert!(!self.secrets.are_in(bytes), "{name} holds a secret");
        }
        assert!(self.secrets.are_in(self.client.secret().as_bytes()));
    }
}
