//! What takes something away asks for consent, and a dry run only counts.

use serde_json::{Value, json};
use tokensmith_tests::terminal::on_terminal;
use tokensmith_tests::{TestClient, TestIssuer};

use super::{assert_refused, text};

/// Every change that ends more than the one thing that it names.
fn endings<'a>(id: &'a str, key: &'a str) -> [Vec<&'a str>; 8] {
    [
        vec!["client", "disable", id],
        vec!["client", "delete", id],
        vec!["revoke", "--client", id],
        vec!["revoke", "--subject=alice"],
        vec!["key", "rotate", "--now"],
        vec!["key", "retire", key],
        vec!["repair"],
        vec!["restore", "--in-use"],
    ]
}

/// An issuer with a client that has two live grants of alice, and one that was revoked; and a key that
/// does not sign yet.
fn scene() -> (TestIssuer, TestClient, String) {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("ends", &["--scope=a", "--grant=refresh_token"]);
    let grants = [(); 3].map(|()| issuer.grant(&client, "alice", &["--scope=a"]));
    issuer.manage(&["revoke", "--grant", &grants[0].id.to_string()]);
    let rotated = issuer.manage(&["key", "rotate"]);
    let pending = rotated["created"][0]["kid"].as_str().expect("a name");
    (issuer, client, pending.to_owned())
}

#[test]
fn invariant_14_without_a_terminal_nothing_ends_without_yes() {
    let (issuer, client, key) = scene();
    let before = issuer.table_items();
    for change in endings(&client.id, &key) {
        let refused = issuer.try_manage(&change);
        assert_refused(&change, &refused, 2);
        let message = text(&refused.stderr);
        assert!(
            message.contains("--yes") && message.contains("--dry-run"),
            "{message}"
        );
    }
    assert_eq!(issuer.table_items(), before);
}

#[test]
fn invariant_14_a_dry_run_counts_and_changes_nothing() {
    let (issuer, client, key) = scene();
    let token = issuer.grant(&client, "bob", &["--scope=a"]).token;
    let before = issuer.table_items();
    let ends = |arguments: &[&str]| {
        let told = issuer.manage(&[arguments, &["--dry-run"]].concat());
        assert_eq!(
            (&told["dry_run"], &told["issuer"]),
            (&json!(true), &json!(issuer.url))
        );
        issuer.assert_named(&told["target"]);
        let count = |name: &str| told["ends"][name].as_u64().expect("a count");
        ["grants", "signing_keys", "hmac_keys"].map(count)
    };
    // Of alice's three grants, one was revoked before; bob's lives. A repair finds nothing ahead.
    let expected = [
        [3, 0, 0],
        [3, 0, 0],
        [3, 0, 0],
        [2, 0, 0],
        [0, 2, 0],
        [0, 1, 0],
        [0, 0, 0],
        [3, 2, 1],
    ];
    for (change, expected) in endings(&client.id, &key).iter().zip(expected) {
        assert_eq!(ends(change), expected, "{change:?}");
    }
    let grants = issuer.manage(&["grant", "list", "--client", &client.id]);
    let mut live = grants.as_array().expect("a list").iter();
    let live = live.find(|grant| grant["revoked_at"].is_null());
    let live = live.and_then(|grant| grant["grant_id"].as_str());
    let live = live.expect("a live grant");
    assert_eq!(ends(&["revoke", "--grant", live]), [1, 0, 0]);
    assert_eq!(ends(&["revoke", "--token", &token]), [1, 0, 0]);
    assert_eq!(ends(&["key", "rotate"]), [0, 0, 0]);
    assert_eq!(ends(&["key", "rotate", "--hmac"]), [0, 0, 0]);
    assert_eq!(issuer.table_items(), before);
}

#[test]
fn a_dry_run_of_what_is_not_there_is_an_error() {
    let issuer = TestIssuer::shared();
    for arguments in [
        ["client", "delete", "nobody", "--dry-run"],
        ["revoke", "--client", "nobody", "--dry-run"],
        ["revoke", "--subject", "nobody", "--dry-run"],
        ["key", "retire", "nobody", "--dry-run"],
    ] {
        assert_refused(&arguments, &issuer.try_manage(&arguments), 1);
    }
}

#[test]
fn invariant_14_on_a_terminal_it_asks_and_only_yes_is_yes() {
    let (issuer, client, _) = scene();
    let before = issuer.table_items();
    let delete = ["client", "delete", client.id.as_str()];
    for answer in ["n\n", "\n", "yes please\n", "\u{4}"] {
        let asked = on_terminal(&mut issuer.command(&delete), answer);
        assert_eq!(asked.code, Some(1), "{answer:?}: {}", asked.shown);
        for named in [
            client.id.as_str(),
            issuer.url.as_str(),
            "2 live grants",
            "nothing was changed",
        ] {
            assert!(asked.shown.contains(named), "{named}: {}", asked.shown);
        }
    }
    assert_eq!(issuer.table_items(), before);
    let asked = on_terminal(&mut issuer.command(&delete), "y\n");
    assert_eq!(asked.code, Some(0), "{}", asked.shown);
    assert_eq!(
        issuer
            .try_manage(&["client", "show", &client.id])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn invariant_14_data_that_serve_is_running_on_are_not_restored() {
    let (mut issuer, client, _) = scene();
    let before = issuer.table_items();
    let restore = ["restore", "--yes"];
    let refused = issuer.try_manage(&restore);
    assert_refused(&restore, &refused, 1);
    assert!(text(&refused.stderr).contains("--in-use"), "{refused:?}");
    assert_eq!(issuer.table_items(), before);

    assert_eq!(issuer.terminate(), Some(0));
    let restored: Value = issuer.change(&restore);
    assert_eq!(restored["hmac_key_version"], 2);
    issuer.restart();
    assert_eq!(
        issuer.token(&client, "").status,
        400,
        "it has refresh tokens only"
    );
}
