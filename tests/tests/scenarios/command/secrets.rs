//! Secrets: shown once, and rotated with an overlap that is kept.

use std::fs::File;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokensmith_tests::{TestClient, TestIssuer, eventually, unique};

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
fn a_secret_inside_its_overlap_is_not_pushed_out() {
    let issuer = TestIssuer::shared();
    let first = issuer.register("promised", &[]);
    let mut all = vec![first.clone()];
    for _ in 0..3 {
        all.push(rotate(&issuer, &first, &["--overlap", "24h"]));
    }
    let last = rotate(&issuer, &first, &["--overlap", "0"]);
    // Only the one that `--overlap 0` speaks of ends: the current one.
    let ended = all.pop().expect("the current one");
    for client in all.iter().chain([&last]) {
        assert_eq!(issuer.token(client, "").status, 200);
    }
    assert_eq!(issuer.token(&ended, "").status, 401);
}

#[test]
fn the_answer_says_when_each_secret_ends_and_no_rotation_changes_an_end() {
    let issuer = TestIssuer::shared();
    let first = issuer.register("ends", &[]);
    let ends = |options: &[&str]| {
        let command = ["client", "rotate-secret", first.id.as_str()];
        let told = issuer.change(&[&command[..], options].concat());
        let shown = issuer.manage(&["client", "show", &first.id]);
        assert_eq!(told["secrets"], shown["secrets"]);
        let secrets = told["secrets"].as_array().expect("a list");
        let ends = secrets
            .iter()
            .map(|one| one["expires_at"].as_str().map(str::to_owned));
        ends.collect::<Vec<_>>()
    };
    let one = ends(&["--overlap", "1h"]);
    assert_eq!(
        (one.len(), &one[0]),
        (2, &None),
        "newest first, and it has no end"
    );
    let two = ends(&["--overlap", "2h"]);
    assert_eq!((two.len(), &two[2]), (3, &one[1]), "as it was promised");
    assert!(two[1] > two[2]);
    let forced = ends(&["--overlap", "1m", "--force"]);
    assert_eq!(forced.len(), 4);
    assert!(
        forced[1..]
            .iter()
            .all(|end| *end == forced[1] && *end < two[2])
    );
    assert_eq!(ends(&["--overlap", "0", "--force"]), [None]);
}

#[test]
fn too_many_secrets_are_refused_unless_the_first_may_end() {
    let issuer = TestIssuer::shared();
    let first = issuer.register("many-secrets", &[]);
    let second = rotate(&issuer, &first, &["--overlap", "1h"]);
    for _ in 2..50 {
        rotate(&issuer, &first, &[]);
    }
    let command = ["client", "rotate-secret", first.id.as_str()];
    let refused = issuer.try_manage(&command);
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        message.contains("--force") && message.contains("50"),
        "{message}"
    );
    assert_eq!(issuer.token(&first, "").status, 200);
    rotate(&issuer, &first, &["--force"]);
    eventually("the one that would have ended first is refused", || {
        (issuer.token(&first, "").status == 401).then_some(())
    });
    assert_eq!(issuer.token(&second, "").status, 200);
}

#[test]
fn a_secret_whose_answer_could_not_be_written_is_taken_back() {
    let issuer = TestIssuer::shared();
    let into_full = |arguments: &[&str]| {
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("it is there");
        let output = issuer
            .command(arguments)
            .stdout(full)
            .output()
            .expect("it runs");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(
            message.contains("nobody has seen the new secret"),
            "{message}"
        );
    };
    let id = unique("unseen");
    into_full(&["client", "create", "--id", &id]);
    assert_eq!(
        issuer.try_manage(&["client", "show", &id]).status.code(),
        Some(1)
    );
    // It can be repeated.
    issuer.manage(&["client", "create", "--id", &id]);

    let client = issuer.register(
        "kept",
        &[
            "--scope=a",
            "--grant=refresh_token",
            "--grant=client_credentials",
        ],
    );
    let before = issuer.manage(&["client", "show", &client.id]);
    into_full(&["client", "rotate-secret", &client.id, "--overlap=0"]);
    assert_eq!(issuer.manage(&["client", "show", &client.id]), before);
    assert_eq!(issuer.token(&client, "").status, 200);

    into_full(&[
        "grant",
        "create",
        "--client",
        &client.id,
        "--subject=unseen",
        "--scope=a",
    ]);
    let grants = issuer.manage(&["grant", "list", "--client", &client.id]);
    assert!(grants[0]["revoked_at"].is_string(), "{grants}");
}

/// A new secret for the client, with `options` on the command.
fn rotate(issuer: &TestIssuer, client: &TestClient, options: &[&str]) -> TestClient {
    let command = ["client", "rotate-secret", client.id.as_str()];
    let rotated = issuer.change(&[&command[..], options].concat());
    assert_eq!(rotated["client_id"], client.id);
    assert_eq!(rotated.as_object().map(serde_json::Map::len), Some(3));
    TestClient::new(
        &client.id,
        rotated["client_secret"].as_str().expect("a secret"),
    )
}
