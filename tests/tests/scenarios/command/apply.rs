//! `client apply`: a file says what clients there shall be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokensmith_tests::{TestClient, TestIssuer};

use super::{assert_refused, text};

struct Scene {
    issuer: TestIssuer,
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let issuer = TestIssuer::serve(&["--alg=ES256"]);
        let folder = TempDir::new().expect("a folder");
        Self { issuer, folder }
    }

    fn write(&self, content: &str) -> PathBuf {
        let file = self.folder.path().join("clients.yaml");
        fs::write(&file, content).expect("written");
        file
    }

    fn secrets(&self) -> PathBuf {
        self.folder.path().join("secrets")
    }

    fn arguments(&self, file: &Path, more: &[&str]) -> Vec<String> {
        let fixed = ["client", "apply", "--file", file.to_str().expect("text")];
        fixed.iter().chain(more).map(ToString::to_string).collect()
    }

    fn apply(&self, content: &str, more: &[&str]) -> Value {
        let arguments = self.arguments(&self.write(content), more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.issuer.change(&arguments)
    }

    fn refused(&self, content: &str, more: &[&str], code: i32) -> String {
        let arguments = self.arguments(&self.write(content), more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = self.issuer.try_manage(&arguments);
        assert_refused(&arguments, &output, code);
        text(&output.stderr).to_owned()
    }

    fn show(&self, id: &str) -> Value {
        self.issuer.manage(&["client", "show", id])
    }
}

const TWO: &str = "
clients:
  - client_id: billing
    scopes: [invoices:read, invoices:write]
    default_scopes: [invoices:read]
    audiences: [https://api.example/]
    access_ttl_seconds: 900
  - client_id: sensors
    token_endpoint_auth_method: none
    scopes: [telemetry:write]
    refresh_grace: 60s
";

#[test]
fn apply_registers_changes_and_then_has_nothing_to_do() {
    let scene = Scene::new();
    let secrets = format!("--secrets=file:{}", scene.secrets().display());
    let nothing = json!({
        "created": [], "updated": [], "disabled": [], "enabled": [], "deleted": []
    });
    let mut expected = nothing.clone();
    expected["created"] = json!(["billing", "sensors"]);
    assert_eq!(scene.apply(TWO, &[&secrets]), expected);
    assert_eq!(scene.show("billing")["access_ttl_seconds"], 900);
    assert_eq!(
        scene.show("sensors")["grant_types"],
        json!(["refresh_token"])
    );

    // Only the client that has a secret is in the file, which is its owner's alone; the secret works.
    let kept = fs::read_to_string(scene.secrets()).expect("the secrets");
    let mode = fs::metadata(scene.secrets())
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept: Vec<Value> = kept
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(kept.len(), 1);
    let secret = kept[0]["client_secret"].as_str().expect("a secret");
    assert_eq!(
        scene
            .issuer
            .token(&TestClient::new("billing", secret), "")
            .status,
        200
    );

    assert_eq!(scene.apply(TWO, &[]), nothing, "a second time");
    let other = TWO.replace("access_ttl_seconds: 900", "alg: ES256");
    let changed = scene.apply(&other, &[]);
    assert_eq!(
        changed["updated"],
        json!([{ "client_id": "billing", "changes": {
            "access_ttl_seconds": { "from": 900, "to": null },
            "alg": { "from": null, "to": "ES256" },
        } }])
    );
    assert_eq!(scene.show("billing")["access_ttl_seconds"], Value::Null);
    assert_eq!(
        scene
            .issuer
            .token(&TestClient::new("billing", secret), "")
            .status,
        200
    );
}

#[test]
fn what_a_list_prints_can_be_applied_elsewhere() {
    let (here, there) = (Scene::new(), Scene::new());
    here.apply(TWO, &["--secrets=none"]);
    here.issuer
        .manage(&["client", "disable", "sensors", "--yes"]);
    let list = here.issuer.manage(&["client", "list"]).to_string();
    let applied = there.apply(&list, &["--secrets=none", "--yes"]);
    assert_eq!(
        applied["created"],
        json!(["billing", "sensors"]),
        "demo is there"
    );
    assert_eq!(applied["disabled"], json!(["sensors"]));
    for id in ["billing", "sensors"] {
        let (mut one, mut other) = (here.show(id), there.show(id));
        for shown in [&mut one, &mut other] {
            for own in ["created_at", "not_before", "secrets"] {
                shown[own] = Value::Null;
            }
        }
        assert_eq!(one, other);
    }
}

#[test]
fn invariant_14_apply_deletes_nothing_without_prune_and_nothing_unasked() {
    let scene = Scene::new();
    scene.apply(TWO, &["--secrets=none"]);
    let fewer = "[{client_id: sensors, token_endpoint_auth_method: none, scopes: [telemetry:write], refresh_grace: 60s}]";
    assert_eq!(scene.apply(fewer, &[])["deleted"], json!([]));
    let before = scene.issuer.table_items();
    let told = scene.refused(fewer, &["--prune"], 2);
    assert!(told.contains("--yes"), "{told}");
    let file = scene.write(fewer);
    let dry = scene.arguments(&file, &["--prune", "--dry-run"]);
    let dry: Vec<&str> = dry.iter().map(String::as_str).collect();
    let deleted = json!(["billing", "demo"]);
    assert_eq!(scene.issuer.manage(&dry)["would"]["deleted"], deleted);
    assert_eq!(scene.issuer.table_items(), before);
    assert_eq!(
        scene.apply(fewer, &["--prune", "--yes"])["deleted"],
        deleted
    );
    assert_eq!(
        scene
            .issuer
            .try_manage(&["client", "show", "billing"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn a_file_with_a_mistake_changes_nothing_and_the_mistake_is_named() {
    let scene = Scene::new();
    scene.apply(TWO, &["--secrets=none"]);
    let before = scene.issuer.table_items();
    for (content, code, parts) in [
        ("clients: [{client_id: a b}]", 1, vec!["client 1", "a b"]),
        (
            "[{client_id: a}, {client_id: a}]",
            1,
            vec!["client 2", "twice"],
        ),
        (
            "[{client_id: new}, {client_id: bad, scopes: ['a,b']}]",
            1,
            vec!["client 2 (bad)", "a,b"],
        ),
        ("[{client_id: new, scope: [a]}]", 1, vec!["clients.yaml"]),
        (
            "[{client_id: new, default_scopes: [a]}]",
            1,
            vec!["--default-scope"],
        ),
        ("clients: [", 1, vec!["clients.yaml"]),
        // A public client cannot get a secret.
        (
            "[{client_id: sensors, token_endpoint_auth_method: client_secret_basic}]",
            1,
            vec!["sensors", "has no secret"],
        ),
        // Nobody has said where the secret goes.
        ("[{client_id: new}]", 2, vec!["--secrets"]),
    ] {
        let told = scene.refused(content, &[], code);
        for part in parts {
            assert!(told.contains(part), "{content}: {part}: {told}");
        }
    }
    // A file that others may read gets no secret.
    fs::write(scene.secrets(), "").expect("written");
    fs::set_permissions(scene.secrets(), fs::Permissions::from_mode(0o644))
        .expect("its mode is set");
    let secrets = format!("--secrets=file:{}", scene.secrets().display());
    let told = scene.refused("[{client_id: new}]", &[&secrets], 1);
    assert!(told.contains("chmod 600"), "{told}");
    assert_eq!(scene.issuer.table_items(), before);
}

#[test]
fn a_limit_is_applied_changed_and_taken_away() {
    let scene = Scene::new();
    let file = |limit: &str| {
        format!("clients:\n  - client_id: app\n    token_endpoint_auth_method: none\n    {limit}\n")
    };
    scene.apply(&file("limit: 100/60s"), &[]);
    assert_eq!(scene.show("app")["limit"], "100/1m");
    for (limit, from, to) in [
        ("limit: 5/1h", json!("100/1m"), json!("5/1h")),
        ("disabled: false", json!("5/1h"), json!(null)),
    ] {
        let applied = scene.apply(&file(limit), &[]);
        let changes = json!({ "limit": { "from": from, "to": to } });
        assert_eq!(applied["updated"][0]["changes"], changes);
        assert_eq!(scene.show("app")["limit"], to);
    }
    let message = scene.refused(&file("limit: 0/1h"), &[], 1);
    assert!(
        message.contains("0/1h: a limit allows 1 to 1000000000 requests"),
        "{message}"
    );
}
