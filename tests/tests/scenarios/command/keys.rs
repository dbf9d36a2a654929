//! `tokensmith key …` next to a running issuer, which sees each change with its next request.

use std::collections::BTreeSet;

use serde_json::Value;
use tokensmith_tests::{HttpRequest, TestClient, TestIssuer};

fn published(issuer: &TestIssuer) -> Vec<String> {
    let jwks = issuer.send(&HttpRequest::get("/.well-known/jwks.json"));
    names(&jwks.json()["keys"])
}

fn names(keys: &Value) -> Vec<String> {
    let keys = keys.as_array().expect("keys").iter();
    let names = keys.map(|key| key["kid"].as_str().or(key.as_str()).expect("a name"));
    names.map(str::to_owned).collect()
}

fn state(issuer: &TestIssuer, kid: &str) -> String {
    let listed = issuer.manage(&["key", "list"]);
    let mut keys = listed.as_array().expect("keys").iter();
    let key = keys.find(|key| key["kid"] == kid).expect("the key");
    key["state"].as_str().expect("a state").to_owned()
}

fn kid(issuer: &TestIssuer, client: &TestClient) -> (String, String) {
    let token = issuer.token(client, "").token();
    let kid = token.header["kid"].as_str().expect("a kid");
    (kid.to_owned(), token.text)
}

fn is_active(issuer: &TestIssuer, client: &TestClient, token: &str) -> Value {
    let request = HttpRequest::post("/oauth2/introspect", format!("token={token}"));
    let answer = issuer.send(&request.by(client));
    answer.json()["active"].clone()
}

#[test]
fn key_list_names_the_published_keys_and_nothing_private() {
    let issuer = TestIssuer::shared();
    let jwks = issuer
        .send(&HttpRequest::get("/.well-known/jwks.json"))
        .json();
    let of = |keys: &Value| -> BTreeSet<(String, String)> {
        let keys = keys.as_array().expect("keys").iter();
        keys.map(|key| (key["kid"].to_string(), key["alg"].to_string()))
            .collect()
    };
    let listed = issuer.manage(&["key", "list"]);
    assert_eq!(of(&listed), of(&jwks["keys"]));
    for key in listed.as_array().expect("keys") {
        assert_eq!(key["state"], "active");
        let known = ["kid", "alg", "state", "created_at", "active_from"];
        let mut names = key.as_object().expect("members").keys();
        assert!(names.all(|name| known.contains(&name.as_str())), "{key}");
    }
}

#[test]
fn a_rotation_publishes_first() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("rotates", &["--scope=a"]);
    let (first, token) = kid(&issuer, &client);
    let rotated = issuer.manage(&["key", "rotate"]);
    let successor = names(&rotated["created"]).remove(0);
    assert_eq!(published(&issuer), [first.clone(), successor.clone()]);
    assert_eq!(state(&issuer, &successor), "pending");
    assert_eq!(kid(&issuer, &client).0, first);
    assert_eq!(is_active(&issuer, &client, &token), true);
    // The one that is on its way is not overtaken.
    assert_eq!(issuer.manage(&["key", "rotate"]), rotated);

    let refused = issuer.try_manage(&["key", "retire", &first, "--yes"]);
    assert_eq!(refused.status.code(), Some(1), "it signs");
    // A name like any other: one in 64 begins with a hyphen.
    let unknown = issuer.try_manage(&[
        "key",
        "retire",
        "-R8ZYJnJcmvY1RtYVNnn5YFvl_X2U8F5YVBqTpB2lkE",
        "--yes",
    ]);
    assert_eq!(unknown.status.code(), Some(1), "nobody knows it");
    issuer.manage(&["key", "retire", &successor, "--yes"]);
    assert_eq!(published(&issuer), [first]);
    assert_eq!(state(&issuer, &successor), "retired");
}

#[test]
fn a_compromised_key_is_gone_with_the_next_request() {
    let issuer = TestIssuer::serve(&["--alg=ES256", "--alg=EdDSA"]);
    let client = issuer.register("compromised", &["--scope=a"]);
    let (first, token) = kid(&issuer, &client);
    let before: BTreeSet<_> = published(&issuer).into_iter().collect();
    assert_eq!(is_active(&issuer, &client, &token), true);
    let rotated = issuer.manage(&["key", "rotate", "--now", "--alg=ES256", "--yes"]);
    let new = names(&rotated["created"]).remove(0);
    assert_eq!(names(&rotated["withdrawn"]), std::slice::from_ref(&first));
    assert!(
        rotated["breaks"]
            .as_array()
            .is_some_and(|breaks| !breaks.is_empty())
    );
    let after: BTreeSet<_> = published(&issuer).into_iter().collect();
    let expected = before.iter().filter(|kid| **kid != first);
    assert_eq!(after, expected.chain([&new]).cloned().collect());
    assert_eq!(is_active(&issuer, &client, &token), false);
    assert_eq!(kid(&issuer, &client).0, new);
    assert_eq!(state(&issuer, &first), "retired");
    // Of all algorithms, when none is named.
    let all = issuer.manage(&["key", "rotate", "--now", "--yes"]);
    assert_eq!(names(&all["created"]).len(), 2);
    assert_eq!(published(&issuer).len(), 2);
}
