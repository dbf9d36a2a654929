//! Secrets: shown once, rotated with an overlap, never more than two.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokensmith_tests::{TestClient, TestIssuer, eventually};

#[test]
fn invariant_1_a_secret_is_shown_once_and_its_hash_never() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("once", &["--scope=a"]);
    let rotated = rotate(&issuer, &client, &[]);
    let mut printed = String::new();
    let id = client.id.as_str();
    let commands: [&[&str]; 6] = [
        &["client", "list"],
        &["client", "show", id],
        &["client", "update", id, "--scope=b"],
        &["client", "disable", id, "--yes"],
        &["client", "enable", id],
        &["client", "delete", id, "--yes"],
    ];
    for arguments in commands {
        let output = issuer.try_manage(arguments);
        printed.push_str(&String::from_utf8_lossy(&output.stdout));
        printed.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    assert!(printed.contains(id));
    assert!(!printed.contains("tksmc_"), "{printed}");
    for secret in [client.secret(), rotated.secret()] {
        let hash = digest::digest(&digest::SHA256, secret.as_bytes());
        assert!(
            !printed.contains(&URL_SAFE_NO_PAD.encode(hash)),
            "{printed}"
        );
    }
}

#[test]
fn a_rotated_secret_works_at_once_and_so_does_the_old_one_during_the_overlap() {
    let issuer = TestIssuer::shared();
    for _ in 0..5 {
        let old = issuer.register("overlap", &[]);
        // The issuer has the record with only the old secret cached from here on.
        assert_eq!(issuer.token(&old, "").status, 200);
        let new = rotate(&issuer, &old, &[]);
        assert_ne!(old.secret(), new.secret());
        for client in [&new, &old, &new] {
            assert_eq!(issuer.token(client, "").status, 200);
        }
    }
}

#[test]
fn without_an_overlap_the_old_secret_ends() {
    let issuer = TestIssuer::shared();
    let old = issuer.register("no-overlap", &[]);
    assert_eq!(issuer.token(&old, "").status, 200);
    let new = rotate(&issuer, &old, &["--overlap", "0"]);
    assert_eq!(issuer.token(&new, "").status, 200);
    // The new secret has made the issuer read the record again.
    assert_eq!(issuer.token(&old, "").status, 401);
    let shown = issuer.manage(&["client", "show", &new.id]);
    assert_eq!(shown["secrets"].as_array().map(Vec::len), Some(1));
}

#[test]
fn without_an_overlap_the_old_secret_ends_also_when_nobody_uses_the_new_one() {
    let issuer = TestIssuer::shared();
    let old = issuer.register("unused", &[]);
    assert_eq!(issuer.token(&old, "").status, 200);
    rotate(&issuer, &old, &["--overlap", "0"]);
    eventually("the old secret is refused", || {
        (issuer.token(&old, "").status == 401).then_some(())
    });
}

#[test]
fn an_overlap_ends() {
    let issuer = TestIssuer::shared();
    let old = issuer.register("short", &[]);
    let new = rotate(&issuer, &old, &["--overlap", "2s"]);
    eventually("the old secret is refused", || {
        (issuer.token(&old, "").status == 401).then_some(())
    });
    assert_eq!(issuer.token(&new, "").status, 200);
}

#[test]
fn at_most_two_secrets_are_live() {
    let issuer = TestIssuer::shared();
    let first = issuer.register("two", &[]);
    let second = rotate(&issuer, &first, &[]);
    let third = rotate(&issuer, &first, &[]);
    for (client, status) in [(&third, 200), (&second, 200), (&first, 401)] {
        assert_eq!(issuer.token(client, "").status, status);
    }
    let shown = issuer.manage(&["client", "show", &first.id]);
    let secrets = shown["secrets"].as_array().expect("a list");
    assert_eq!(secrets.len(), 2);
    // Newest first; only the older one is about to end.
    assert_eq!(secrets[0]["expires_at"], json!(null));
    assert!(secrets[1]["expires_at"].is_string());
}

#[test]
fn a_later_rotation_never_lengthens_an_overlap() {
    let issuer = TestIssuer::shared();
    let first = issuer.register("shorter", &[]);
    rotate(&issuer, &first, &["--overlap", "1h"]);
    let end = |index: usize| {
        let shown = issuer.manage(&["client", "show", &first.id]);
        shown["secrets"][index]["expires_at"]
            .as_str()
            .map(str::to_owned)
    };
    let promised = end(1).expect("an end");
    rotate(&issuer, &first, &["--overlap", "0"]);
    assert_eq!(
        (end(0), end(1)),
        (None, None),
        "the first did not outlive the second"
    );
    let second_end = {
        rotate(&issuer, &first, &["--overlap", "1m"]);
        end(1).expect("an end")
    };
    assert!(second_end < promised);
}

/// A new secret for the client, with `options` on the command.
fn rotate(issuer: &TestIssuer, client: &TestClient, options: &[&str]) -> TestClient {
    let command = ["client", "rotate-secret", client.id.as_str()];
    let rotated = issuer.change(&[&command[..], options].concat());
    assert_eq!(rotated["client_id"], client.id);
    assert_eq!(rotated.as_object().map(serde_json::Map::len), Some(2));
    TestClient::new(
        &client.id,
        rotated["client_secret"].as_str().expect("a secret"),
    )
}
