//! `tokensmith restore`: a backup revives what was taken away since, so all that was handed out before is dead.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer, command};
use tokensmith_verifier::jose::SignatureAlgorithm;

/// Data, a backup of it, and what became of the data since.
struct Rehearsal {
    issuer: TestIssuer,
    client: TestClient,
    disabled: TestClient,
    deleted: TestClient,
    rotated: TestClient,
    signing: TestClient,
    /// Refresh tokens of three grants: one is used further and one is revoked after the backup.
    untouched: String,
    used: String,
    revoked: String,
    access_token: String,
    restored: TempDir,
    _original: TempDir,
}

impl Rehearsal {
    fn new() -> Self {
        let original = TempDir::new().expect("a directory");
        let mut issuer = TestIssuer::serve_in(original.path(), &["--alg=ES256", "--alg=RS256"]);
        let [client, disabled, deleted, rotated] =
            ["app", "disabled", "deleted", "rotated"].map(|name| issuer.register(name, &SCOPES));
        let (key, next) = (new_key(), new_key());
        let signing = issuer.register_keys("signing", &[&key], &[]);
        let [untouched, used, revoked] = ["a", "b", "c"].map(|subject| {
            let of = ["--client", &client.id, "--subject", subject, "--scope=read"];
            let made = issuer.manage(&[&["grant", "create"], &of[..]].concat());
            text(&made, "refresh_token")
        });
        let access_token = text(&issuer.token(&client, "").json(), "access_token");

        assert_eq!(issuer.terminate(), Some(0));
        let restored = TempDir::new().expect("a directory");
        copy(issuer.data(), &restored.path().join("data"));
        issuer.restart();

        let successor = refresh(&issuer, &client, &used);
        assert_eq!(
            refresh(&issuer, &client, &text(&successor.json(), "refresh_token")).status,
            200
        );
        issuer.manage(&["revoke", "--token", &revoked]);
        issuer.manage(&["revoke", "--token", &access_token]);
        issuer.manage(&["client", "disable", &disabled.id, "--yes"]);
        issuer.manage(&["client", "delete", &deleted.id, "--yes"]);
        issuer.manage(&["client", "rotate-secret", &rotated.id]);
        let keys = original.path().join("keys.json");
        fs::write(&keys, next.jwks().to_string()).expect("written");
        let keys = keys.to_str().expect("text");
        issuer.manage(&["client", "update", &signing.id, "--jwks", keys]);
        issuer.kill();
        Self {
            issuer,
            client,
            disabled,
            deleted,
            rotated,
            signing,
            untouched,
            used,
            revoked,
            access_token,
            restored,
            _original: original,
        }
    }

    fn restore(&self, arguments: &[&str]) -> Value {
        let mut restore = command();
        restore
            .args(["restore", "--yes"])
            .args(arguments)
            .arg("--data")
            .arg(self.restored.path().join("data"));
        let output = restore.output().expect("it runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn start_restored(&self) -> TestIssuer {
        let issuer = TestIssuer::serve_in(self.restored.path(), &["--alg=ES256", "--alg=RS256"]);
        // The same issuer, so that only their keys can make old tokens bad.
        assert_eq!(issuer.url, self.issuer.url);
        issuer
    }
}

const SCOPES: [&str; 4] = [
    "--scope=read",
    "--default-scope=read",
    "--grant=client_credentials",
    "--grant=refresh_token",
];

#[test]
fn a_backup_alone_would_revive_what_was_revoked_and_used() {
    let rehearsal = Rehearsal::new();
    let issuer = rehearsal.start_restored();
    for token in [&rehearsal.used, &rehearsal.revoked] {
        assert_eq!(refresh(&issuer, &rehearsal.client, token).status, 200);
    }
    assert!(is_active(
        &issuer,
        &rehearsal.client,
        &rehearsal.access_token
    ));
}

#[test]
fn after_a_restore_no_credential_issued_before_is_valid() {
    let rehearsal = Rehearsal::new();
    rehearsal.restore(&[]);
    let issuer = rehearsal.start_restored();
    for token in [&rehearsal.untouched, &rehearsal.used, &rehearsal.revoked] {
        let refused = refresh(&issuer, &rehearsal.client, token);
        assert_eq!(
            (refused.status, &refused.json()["error"]),
            (400, &json!("invalid_grant"))
        );
        assert!(!is_active(&issuer, &rehearsal.client, token));
    }
    assert!(!is_active(
        &issuer,
        &rehearsal.client,
        &rehearsal.access_token
    ));
}

#[test]
fn after_a_restore_clients_go_on_with_new_keys_and_new_grants() {
    let rehearsal = Rehearsal::new();
    let restored = rehearsal.restore(&[]);
    let issuer = rehearsal.start_restored();
    let token = issuer.token(&rehearsal.client, "").token();
    let created: Vec<_> = restored["created"]
        .as_array()
        .expect("keys")
        .iter()
        .collect();
    assert_eq!(created.len(), 2);
    assert!(created.iter().any(|key| key["kid"] == token.header["kid"]));
    assert!(is_active(&issuer, &rehearsal.client, &token.text));

    let of = [
        "--client",
        &rehearsal.client.id,
        "--subject=a",
        "--scope=read",
    ];
    let made = issuer.manage(&[&["grant", "create"], &of[..]].concat());
    let refreshed = refresh(&issuer, &rehearsal.client, &text(&made, "refresh_token"));
    assert_eq!(refreshed.status, 200);
}

#[test]
fn it_lists_the_clients_that_can_do_more_again() {
    let rehearsal = Rehearsal::new();
    assert_eq!(rehearsal.restore(&[])["back_to_life"], Value::Null);
    let old = rehearsal.issuer.data().to_str().expect("text");
    let restored = rehearsal.restore(&["--old", old]);
    let mut expected = vec![
        (&rehearsal.disabled.id, "disabled"),
        (&rehearsal.deleted.id, "deleted"),
        (&rehearsal.rotated.id, "secret"),
        (&rehearsal.signing.id, "keys"),
    ];
    expected.sort();
    let listed = restored["back_to_life"].as_array().expect("a list").clone();
    let mut listed: Vec<_> = listed
        .iter()
        .map(|one| (text(one, "client_id"), one["because"].clone()))
        .collect();
    listed.sort_by(|one, other| one.0.cmp(&other.0));
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(id, why)| (id.clone(), json!([why])))
        .collect();
    assert_eq!(listed, expected);
}

/// It may die anywhere: whoever runs it again withdraws what is left.
#[test]
fn a_second_restore_withdraws_what_the_first_has_made() {
    let rehearsal = Rehearsal::new();
    let first = rehearsal.restore(&[]);
    let second = rehearsal.restore(&[]);
    assert_eq!(first["withdrawn_hmac_key_versions"], json!([1]));
    assert_eq!(second["withdrawn_hmac_key_versions"], json!([2]));
    let kids = |keys: &Value| {
        keys.as_array()
            .expect("keys")
            .iter()
            .map(|key| key["kid"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(json!(kids(&first["created"])), second["withdrawn"]);
}

fn new_key() -> OwnKey {
    OwnKey::new(SignatureAlgorithm::ES256)
}

fn refresh(issuer: &TestIssuer, client: &TestClient, token: &str) -> Answer {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    issuer.send(&HttpRequest::post("/oauth2/token", form).by(client))
}

fn is_active(issuer: &TestIssuer, client: &TestClient, token: &str) -> bool {
    let request = HttpRequest::post("/oauth2/introspect", format!("token={token}"));
    let answer = issuer.send(&request.by(client));
    assert_eq!(answer.status, 200);
    answer.json()["active"].as_bool().expect("a boolean")
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().expect("a string").to_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a new directory");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(from.join("."))
        .arg(to)
        .status();
    assert!(copied.expect("cp runs").success());
}
