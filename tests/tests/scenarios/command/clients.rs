//! Registering and changing clients.

use serde_json::{Value, json};
use tokensmith_tests::{TestClient, TestIssuer, eventually, unique};

#[test]
fn create_prints_id_and_secret_and_takes_no_id_twice() {
    let issuer = TestIssuer::shared();
    let id = format!("Created.~_-{}", tokensmith_issuer::credential::random_id());
    let created = issuer.change(&["client", "create", "--id", &id]);
    let secret = created["client_secret"].as_str().expect("a secret");
    assert_eq!(created, json!({"client_id": id, "client_secret": secret}));
    let random = secret.strip_prefix("tksmc_").expect("the prefix");
    assert_eq!(random.len(), 49);
    assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()));

    let before = issuer.manage(&["client", "show", &id]);
    let again = issuer.try_manage(&["client", "create", "--id", &id, "--scope=a"]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(issuer.manage(&["client", "show", &id]), before);
    let client = TestClient::new(&id, secret);
    assert_eq!(issuer.token(&client, "").status, 200);
}

#[test]
fn show_and_list_tell_what_was_registered() {
    let issuer = TestIssuer::shared();
    let client = issuer.register(
        "shown",
        &[
            "--scope=b",
            "--scope=a",
            "--scope=b",
            "--default-scope=a",
            "--audience=https://api.example/",
            "--audience=urn:example:two",
            "--auth=client_secret_post",
            "--access-ttl=2m",
            "--alg=ES256",
            "--grant=client_credentials",
        ],
    );
    let shown = issuer.manage(&["client", "show", &client.id]);
    let expected = [
        ("client_id", json!(client.id)),
        ("grant_types", json!(["client_credentials"])),
        ("scopes", json!(["b", "a"])),
        ("default_scopes", json!(["a"])),
        (
            "audiences",
            json!(["https://api.example/", "urn:example:two"]),
        ),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("access_ttl_seconds", json!(120)),
        ("alg", json!("ES256")),
        ("disabled", json!(false)),
    ];
    for (name, value) in expected {
        assert_eq!(shown[name], value, "{name}");
    }
    let listed = issuer.manage(&["client", "list"]);
    let clients = listed.as_array().expect("a list");
    let own = clients.iter().filter(|one| one["client_id"] == client.id);
    assert_eq!(own.collect::<Vec<_>>(), [&shown]);
    let ids: Vec<&str> = clients
        .iter()
        .filter_map(|one| one["client_id"].as_str())
        .collect();
    assert!(ids.is_sorted() && ids.len() == clients.len(), "{ids:?}");
}

#[test]
fn list_knows_many_clients() {
    let issuer = TestIssuer::shared();
    let mut created: Vec<String> = (0..40).map(|_| issuer.register("many", &[]).id).collect();
    created.sort();
    let listed = issuer.manage(&["client", "list"]);
    let listed = listed.as_array().expect("a list").iter();
    let ids: Vec<&str> = listed.filter_map(|one| one["client_id"].as_str()).collect();
    assert!(created.iter().all(|id| ids.contains(&id.as_str())));
}

#[test]
fn update_works_at_once_and_keeps_what_it_does_not_name() {
    let issuer = TestIssuer::shared();
    let client = issuer.register(
        "updated",
        &[
            "--scope=a",
            "--default-scope=a",
            "--audience=https://one.example/",
        ],
    );
    // The issuer has the record cached from here on; each of these fails on it.
    assert_eq!(issuer.token(&client, "&scope=a").status, 200);
    issuer.manage(&["client", "update", &client.id, "--scope=a", "--scope=b"]);
    let answer = issuer.token(&client, "&scope=b");
    assert_eq!(answer.token().claims["scope"], "b");

    let before = issuer.manage(&["client", "show", &client.id]);
    let audience = ["--audience=https://two.example/", "--access-ttl=1h"];
    issuer.manage(&[&["client", "update", client.id.as_str()], &audience[..]].concat());
    let answer = eventually("the new audience is allowed", || {
        let answer = issuer.token(&client, "&resource=https://two.example/");
        (answer.status == 200).then_some(answer)
    });
    let claims = answer.token().claims;
    assert_eq!(
        (&claims["scope"], &claims["aud"]),
        (&json!("a"), &json!("https://two.example/"))
    );

    let after = issuer.manage(&["client", "show", &client.id]);
    for (name, value) in after.as_object().expect("members") {
        let changed = ["audiences", "access_ttl_seconds"].contains(&name.as_str());
        assert_eq!(value != &before[name], changed, "{name}");
    }
}

#[test]
fn a_new_scope_works_at_once_although_the_record_is_cached() {
    let issuer = TestIssuer::shared();
    for _ in 0..5 {
        let client = issuer.register("scope", &["--scope=a"]);
        assert_eq!(issuer.token(&client, "").status, 200);
        issuer.manage(&["client", "update", &client.id, "--scope=b"]);
        assert_eq!(issuer.token(&client, "&scope=b").status, 200);
        // That has replaced the cached record.
        assert_eq!(
            issuer.token(&client, "&scope=a").json()["error"],
            "invalid_scope"
        );
    }
}

#[test]
fn a_client_that_was_unknown_a_moment_ago_works_at_once() {
    let issuer = TestIssuer::shared();
    for _ in 0..5 {
        let id = unique("early");
        let early = issuer.register("any", &[]).called(&id);
        assert_eq!(issuer.token(&early, "").status, 401);
        let created = issuer.change(&["client", "create", "--id", &id]);
        let secret = created["client_secret"].as_str().expect("a secret");
        let client = TestClient::new(&id, secret);
        assert_eq!(issuer.token(&client, "").status, 200);
    }
}

#[test]
fn disable_is_seen_within_the_cache_bound_and_enable_undoes_it() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("disabled", &[]);
    assert_eq!(issuer.token(&client, "").status, 200);
    let disabled = issuer.manage(&["client", "disable", &client.id, "--yes"]);
    assert_eq!(disabled["disabled"], true);
    let refusal = eventually("the issuer refuses", || {
        let answer = issuer.token(&client, "");
        (answer.status != 200).then_some(answer)
    });
    assert_eq!(
        (refusal.status, &refusal.json()["error"]),
        (401, &json!("invalid_client"))
    );
    assert_eq!(issuer.token(&client, "").status, 401, "and keeps refusing");

    let enabled = issuer.manage(&["client", "enable", &client.id]);
    assert_eq!(enabled["disabled"], false);
    eventually("the issuer accepts again", || {
        (issuer.token(&client, "").status == 200).then_some(())
    });
}

#[test]
fn a_client_that_is_disabled_before_its_first_use_is_refused_at_once() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("disabled-first", &[]);
    issuer.manage(&["client", "disable", &client.id, "--yes"]);
    assert_eq!(issuer.token(&client, "").status, 401);
}

#[test]
fn delete_ends_a_client_and_a_new_one_of_that_name_has_another_secret() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("deleted", &[]);
    assert_eq!(issuer.token(&client, "").status, 200);
    let deleted = issuer.change(&["client", "delete", &client.id, "--yes"]);
    assert_eq!(deleted, json!({"deleted": client.id}));
    eventually("the issuer refuses", || {
        (issuer.token(&client, "").status == 401).then_some(())
    });
    for (subcommand, consent) in [
        ("show", None),
        ("delete", Some("--yes")),
        ("enable", None),
        ("disable", Some("--yes")),
        ("update", None),
        ("rotate-secret", None),
    ] {
        let named = ["client", subcommand, client.id.as_str()];
        let again = issuer.try_manage(&named.into_iter().chain(consent).collect::<Vec<_>>());
        assert_eq!(again.status.code(), Some(1), "{subcommand}");
    }
    let listed = issuer.manage(&["client", "list"]);
    let listed = listed.as_array().expect("a list");
    assert!(
        !listed
            .iter()
            .any(|one: &Value| one["client_id"] == client.id)
    );

    let created = issuer.manage(&["client", "create", "--id", &client.id]);
    let successor = TestClient::new(
        &client.id,
        created["client_secret"].as_str().expect("a secret"),
    );
    eventually("the successor works", || {
        (issuer.token(&successor, "").status == 200).then_some(())
    });
    assert_eq!(issuer.token(&client, "").status, 401);
}

#[test]
fn concurrent_changes_are_all_kept() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("concurrent", &["--scope=a"]);
    std::thread::scope(|scope| {
        for options in [
            ["--access-ttl=77s"],
            ["--scope=z"],
            ["--audience=urn:example:z"],
        ] {
            let (issuer, id) = (&issuer, client.id.as_str());
            scope.spawn(move || {
                issuer.manage(&[&["client", "update", id], &options[..]].concat());
                issuer.manage(&["client", "rotate-secret", id]);
            });
        }
    });
    let shown = issuer.manage(&["client", "show", &client.id]);
    assert_eq!(shown["access_ttl_seconds"], 77);
    assert_eq!(shown["scopes"], json!(["z"]));
    assert_eq!(shown["audiences"], json!(["urn:example:z"]));
    assert_eq!(shown["secrets"].as_array().map(Vec::len), Some(4));
}
