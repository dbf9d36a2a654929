//! API keys: made by an operator, exchanged for tokens (RFC 8693), introspected, replaced and revoked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer, eventually, unique};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const API_KEY: &str = "urn:tokensmith:params:oauth:token-type:api-key";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A client that may read and write.
struct World {
    issuer: TestIssuer,
    client: TestClient,
    resource: String,
}

impl World {
    fn new() -> Self {
        let issuer = TestIssuer::shared();
        let resource = format!("https://api.example/{}", unique("v"));
        let audience = format!("--audience={resource}");
        let client = issuer.register("app", &["--scope=read", "--scope=write", &audience]);
        Self {
            issuer,
            client,
            resource,
        }
    }

    fn key(&self, arguments: &[&str]) -> Key {
        let create = ["api-key", "create", "--client", &self.client.id];
        let of = ["--name=nightly job", "--scope=read"];
        let created = self.issuer.change(&[&create, &of[..], arguments].concat());
        Key::of(&created)
    }

    fn exchange(&self, key: &str, more: &[(&str, &str)]) -> Answer {
        exchange(&self.issuer, key, more)
    }

    fn assert_refused(&self, key: &str) {
        self.exchange(key, &[])
            .assert_refused(400, "invalid_request");
    }

    fn listed(&self, id: &str) -> Value {
        self.issuer.manage(&["api-key", "show", id])
    }
}

struct Key {
    id: String,
    text: String,
}

impl Key {
    fn of(created: &Value) -> Self {
        let text = |name: &str| created[name].as_str().expect("a text").to_owned();
        Self {
            id: text("key_id"),
            text: text("api_key"),
        }
    }
}

fn exchange(issuer: &TestIssuer, key: &str, more: &[(&str, &str)]) -> Answer {
    let form = [
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", key),
        ("subject_token_type", API_KEY),
    ];
    issuer.send(&HttpRequest::form("/oauth2/token", &[&form, more].concat()))
}

#[test]
fn rfc8693_2_an_api_key_is_exchanged_for_a_token_that_opens_no_more() {
    let world = World::new();
    let key = world.key(&[]);
    assert!(key.text.starts_with(&format!("tksmk_{}_", key.id)));
    let answer = world.exchange(&key.text, &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["issued_token_type"], ACCESS_TOKEN);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["scope"], "read");
    assert_eq!(body.get("refresh_token"), None);
    let claims = answer.token().claims;
    assert_eq!(claims["sub"], world.client.id.as_str());
    assert_eq!(claims["client_id"], world.client.id.as_str());
    assert_eq!(claims["aud"], world.resource.as_str());
    assert_eq!(claims["parents"], json!([{ "key": key.id }]));
    let told = world
        .issuer
        .introspect(&world.client, &answer.access_token());
    assert_eq!(told["active"], true);
    assert_eq!(told["key_id"], key.id.as_str());

    // The client holds more than the key opens.
    for (more, error) in [
        ([("scope", "write")], "invalid_scope"),
        ([("scope", "read write")], "invalid_scope"),
        ([("resource", "https://other.example/")], "invalid_target"),
        ([("client_id", "somebody-else")], "invalid_request"),
        ([("requested_token_type", API_KEY)], "invalid_request"),
        ([("actor_token", "x")], "invalid_request"),
        (
            [("client_secret", world.client.secret())],
            "invalid_request",
        ),
    ] {
        let refused = world.exchange(&key.text, &more);
        assert_eq!(refused.error(), (400, error.to_owned()), "{more:?}");
    }
    for more in [
        [("scope", "read")],
        [("resource", &world.resource)],
        [("audience", &world.resource)],
        [("client_id", &world.client.id)],
        [("requested_token_type", ACCESS_TOKEN)],
    ] {
        assert_eq!(world.exchange(&key.text, &more).status, 200, "{more:?}");
    }
}

#[test]
fn rfc8693_2_2_2_what_is_no_live_key_is_an_invalid_request() {
    let world = World::new();
    let (key, other) = (world.key(&[]), world.key(&[]));
    // The id of one key with the secret part of another, and a right checksum.
    let mixed = format!("tksmk_{}_{}", key.id, &other.text[23..66]);
    let forged = [
        tokensmith_tests::forge::with_checksum(&mixed),
        mixed,
        key.text[..key.text.len() - 1].to_owned(),
        format!("{}x", key.text),
        format!("tksmk_{}", key.id),
        world.client.secret().to_owned(),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
    ];
    for forged in &forged {
        let refused = world.exchange(forged, &[]);
        refused.assert_refused(400, "invalid_request");
        assert!(!refused.body.contains(forged));
    }
    let ask = |form: &[(&str, &str)]| {
        let form = [&[("grant_type", TOKEN_EXCHANGE)], form].concat();
        let refused = world
            .issuer
            .send(&HttpRequest::form("/oauth2/token", &form));
        refused.assert_refused(400, "invalid_request");
    };
    ask(&[]);
    ask(&[("subject_token", &key.text)]);
    ask(&[("subject_token_type", API_KEY)]);
    ask(&[
        ("subject_token", &key.text),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:saml2",
        ),
    ]);
    // A key is no client authentication, and no bearer of other rights.
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &world.client.id),
    ];
    let form = [&form[..], &[("client_secret", &key.text)]].concat();
    let refused = world
        .issuer
        .send(&HttpRequest::form("/oauth2/token", &form));
    refused.assert_refused(401, "invalid_client");
}

#[test]
fn a_revoked_key_and_every_token_that_it_was_exchanged_for_are_dead() {
    let world = World::new();
    for revoke in ["id", "public part", "whole", "cut off", "token"] {
        let (key, other) = (world.key(&[]), world.key(&[]));
        let token = world.exchange(&key.text, &[]).access_token();
        let others = world.exchange(&other.text, &[]).access_token();
        let public = format!("tksmk_{}", key.id);
        let arguments = match revoke {
            "id" => ["api-key", "revoke", &key.id].to_vec(),
            "public part" => ["api-key", "revoke", &public].to_vec(),
            "whole" => ["api-key", "revoke", "--leaked", &key.text].to_vec(),
            "cut off" => ["api-key", "revoke", "--leaked", &key.text[..40]].to_vec(),
            _ => ["revoke", "--token", &key.text].to_vec(),
        };
        let revoked = world.issuer.change(&arguments);
        assert_eq!(revoked["revoked"]["key_id"], key.id.as_str(), "{revoke}");
        eventually("the key is refused", || {
            (world.exchange(&key.text, &[]).status == 400).then_some(())
        });
        let dead = json!({ "active": false });
        assert_eq!(
            world.issuer.introspect(&world.client, &token),
            dead,
            "{revoke}"
        );
        assert_eq!(
            world.issuer.introspect(&world.client, &key.text),
            dead,
            "{revoke}"
        );
        assert_eq!(
            world.issuer.introspect(&world.client, &others)["active"],
            true
        );
        let shown = world.listed(&key.id);
        assert_eq!(
            (&shown["active"], &shown["reason"]),
            (&json!(false), &json!("api key revoked"))
        );
        // Repeating it is no error.
        world.issuer.change(&arguments);
    }
}

#[test]
fn rfc7009_2_1_a_client_revokes_its_own_key_and_no_other() {
    let world = World::new();
    let key = world.key(&[]);
    let stranger = world.issuer.register("stranger", &[]);
    let revoke = |client: &TestClient| {
        let answer = world.issuer.send(&HttpRequest::revoke(client, &key.text));
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    revoke(&stranger);
    assert_eq!(world.exchange(&key.text, &[]).status, 200);
    revoke(&world.client);
    eventually("the key is refused", || {
        (world.exchange(&key.text, &[]).status == 400).then_some(())
    });
}

#[test]
fn rfc7662_2_a_key_is_told_to_its_client_and_to_an_owner_of_its_resource() {
    let issuer = TestIssuer::shared();
    let [owner, stranger] = ["owner", "stranger"].map(|name| issuer.register(name, &[]));
    let uri = format!("https://orders.example/{}", unique("v"));
    issuer.register_resource(&uri, &["read", "write"], &["--owner", &owner.id]);
    let client = issuer.register("app", &["--allow", &format!("{uri}=read,write")]);
    let create = ["api-key", "create", "--client", &client.id, "--name=job"];
    let key = Key::of(&issuer.change(&[&create[..], &["--scope=write"]].concat()));
    for caller in [&owner, &client] {
        let told = issuer.introspect(caller, &key.text);
        assert_eq!(told["active"], true, "{}", caller.id);
        assert_eq!(told["key_id"], key.id.as_str());
        assert_eq!(told["client_id"], client.id.as_str());
        assert_eq!(told["sub"], client.id.as_str());
        assert_eq!(told["aud"], uri.as_str());
        assert_eq!(told["scope"], "write");
    }
    assert_eq!(
        issuer.introspect(&stranger, &key.text),
        json!({ "active": false })
    );
    // What its client no longer holds, the key does not open any more (invariant 5).
    issuer.manage(&[
        "client",
        "update",
        &client.id,
        "--allow",
        &format!("{uri}=read"),
    ]);
    eventually("the scope is gone", || {
        let told = issuer.introspect(&owner, &key.text);
        told.get("scope").is_none().then_some(())
    });
    let refused = exchange(&issuer, &key.text, &[("scope", "write")]);
    refused.assert_refused(400, "invalid_scope");
}

#[test]
fn a_key_ends_with_its_client_and_with_the_revocation_of_everything_of_it() {
    let world = World::new();
    let token = |key: &Key| world.exchange(&key.text, &[]);
    let refused = |key: &Key| {
        eventually("the key is refused", || {
            (token(key).status == 400).then_some(())
        });
    };
    let accepted = |key: &Key| {
        eventually("the key is accepted", || {
            (token(key).status == 200).then_some(())
        });
    };
    let id = world.client.id.as_str();
    let first = world.key(&[]);
    accepted(&first);
    world.issuer.change(&["revoke", "--client", id, "--yes"]);
    refused(&first);
    let second = world.key(&[]);
    accepted(&second);
    world.issuer.change(&["client", "disable", id, "--yes"]);
    refused(&second);
    world.issuer.change(&["client", "enable", id]);
    refused(&second);
    let third = world.key(&[]);
    accepted(&third);
    world.issuer.change(&["client", "delete", id, "--yes"]);
    refused(&third);
    assert_eq!(world.listed(&third.id)["active"], false);
}

#[test]
fn a_replaced_key_works_until_the_overlap_ends_and_takes_its_tokens_with_it() {
    let world = World::new();
    let old = world.key(&[]);
    let token = world.exchange(&old.text, &[]).access_token();
    let rotated = world
        .issuer
        .change(&["api-key", "rotate", &old.id, "--overlap=24h"]);
    let new = Key::of(&rotated);
    assert_ne!(new.id, old.id);
    assert_eq!(rotated["replaces"]["key_id"], old.id.as_str());
    for key in [&old, &new] {
        assert_eq!(world.exchange(&key.text, &[]).json()["scope"], "read");
    }
    assert_eq!(
        world.issuer.introspect(&world.client, &token)["active"],
        true
    );
    let again = world.issuer.try_manage(&["api-key", "rotate", &old.id]);
    assert_eq!(again.status.code(), Some(1));
    let error = String::from_utf8_lossy(&again.stderr);
    assert!(error.contains(&new.id), "{error}");

    let next = Key::of(
        &world
            .issuer
            .change(&["api-key", "rotate", &new.id, "--overlap=0s"]),
    );
    eventually("the overlap is over", || {
        (world.exchange(&new.text, &[]).status == 400).then_some(())
    });
    assert_eq!(world.exchange(&next.text, &[]).status, 200);
    assert_eq!(world.listed(&new.id)["replaced_by"], next.id.as_str());
}

#[test]
fn keys_are_replaced_under_load_and_no_request_is_refused() {
    let world = World::new();
    let first = world.key(&[]);
    let current = Mutex::new(first);
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = || {
            let mut answered = 0;
            while !is_done.load(Ordering::Relaxed) {
                let key = current.lock().expect("a key").text.clone();
                let answer = world.exchange(&key, &[]);
                assert_eq!(answer.status, 200, "{}", answer.body);
                answered += 1;
            }
            answered
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
        for _ in 0..5 {
            let id = current.lock().expect("a key").id.clone();
            let rotated = world
                .issuer
                .change(&["api-key", "rotate", &id, "--overlap=1h"]);
            *current.lock().expect("a key") = Key::of(&rotated);
        }
        is_done.store(true, Ordering::Relaxed);
        for client in clients {
            assert!(client.join().expect("no request is refused") > 0);
        }
    });
}

#[test]
fn a_key_with_source_ranges_is_not_exchanged() {
    let world = World::new();
    let key = world.key(&["--source=127.0.0.0/8", "--source=::1"]);
    world.assert_refused(&key.text);
    assert_eq!(
        world.listed(&key.id)["sources"],
        json!(["127.0.0.0/8", "::1/128"])
    );
}

#[test]
fn invariant_5_a_key_is_made_with_nothing_that_its_client_does_not_have() {
    let world = World::new();
    let public = world.issuer.register_public("public", &["--scope=read"]);
    let id = world.client.id.as_str();
    for (arguments, code) in [
        (vec!["--client", "nobody", "--name=n"], 1),
        (vec!["--client", &public.id, "--name=n", "--scope=read"], 1),
        (vec!["--client", id, "--name=n", "--scope=delete"], 1),
        (
            vec!["--client", id, "--name=n", "--resource=https://b.example/"],
            1,
        ),
        (vec!["--client", id], 2),
        (vec!["--client", id, "--name="], 2),
        (vec!["--client", id, "--name= n"], 2),
        (vec!["--client", id, "--name=n", "--ttl=0s"], 2),
        (vec!["--client", id, "--name=n", "--ttl=3651d"], 2),
        (vec!["--client", id, "--name=n", "--source=10.0.0.1/8"], 2),
        (vec!["--client", id, "--name=n", "--source=here"], 2),
        (vec!["--client", id, "--name=n", "--scope=read,write"], 2),
    ] {
        let refused = world
            .issuer
            .try_manage(&[&["api-key", "create"], &arguments[..]].concat());
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}");
        assert!(refused.stdout.is_empty(), "{arguments:?}");
    }
    let listed = world.issuer.manage(&["api-key", "list", "--client", id]);
    assert_eq!(listed, json!([]));
    for command in ["show", "rotate", "revoke"] {
        let unknown = world
            .issuer
            .try_manage(&["api-key", command, "0123456789abcdef"]);
        assert_eq!(unknown.status.code(), Some(1), "{command}");
        let error = String::from_utf8_lossy(&unknown.stderr);
        assert!(error.contains("no API key 0123456789abcdef"), "{error}");
    }
}

#[test]
fn invariant_1_lists_and_the_table_have_no_key() {
    let world = World::new();
    let keys = [world.key(&[]), world.key(&["--ttl=1h"])];
    for key in &keys {
        assert_eq!(world.exchange(&key.text, &[]).status, 200);
    }
    let id = world.client.id.as_str();
    let listed = eventually("the keys are listed", || {
        let listed = world.issuer.manage(&["api-key", "list", "--client", id]);
        (listed.as_array().map(Vec::len) == Some(2)).then_some(listed)
    });
    let printed = [listed.to_string(), world.issuer.table_items().join("\n")];
    for key in &keys {
        let shown = listed.as_array().into_iter().flatten();
        let mut shown = shown.filter(|one| one["key_id"] == key.id.as_str());
        let shown = shown.next().expect("it is listed");
        assert_eq!(shown["name"], "nightly job");
        assert_ne!(shown["used_at"], Value::Null);
        for text in &printed {
            assert!(!text.contains(&key.text[23..]));
        }
    }
    let active = ["api-key", "list", "--client", id, "--active=false"];
    assert_eq!(world.issuer.manage(&active), json!([]));
}
