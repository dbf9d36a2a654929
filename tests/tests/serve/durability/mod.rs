//! Nothing that was acknowledged is lost, however the process ends (invariant 8 on one machine).

mod first_start;
mod shutdown;

use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokensmith_issuer::credential::{random_bytes, random_id};
use tokensmith_tests::{HttpRequest, TestClient, TestIssuer, command, eventually};
use tokensmith_verifier::{JwkSet, VerificationKeys};

#[test]
fn invariant_8_twenty_kills_lose_nothing_that_was_acknowledged() {
    let mut issuer = TestIssuer::serve(&EVERY_ALGORITHM);
    let keys = published_keys(&issuer);
    let witness = issuer.register("witness", &["--scope=a", "--default-scope=a"]);
    let mut clients = vec![witness.clone()];
    let mut tokens = Vec::new();
    for _ in 0..20 {
        let work = Work::default();
        let before = clients.len();
        let (url, data) = (issuer.url.clone(), issuer.data().to_owned());
        std::thread::scope(|scope| {
            scope.spawn(|| work.create_clients(&data));
            scope.spawn(|| work.fetch_tokens(&url, &witness));
            let _end = EndAtLast(&work.end);
            let enough = 1 + usize::from(random_bytes::<1>()[0] % 4);
            eventually("some work is done", || work.is_done(enough).then_some(()));
            // A command in the middle of its work dies together with the issuer.
            let mut dying = start_to_create(&data);
            issuer.kill();
            let _ = dying.kill();
            let output = dying.wait_with_output().expect("it has ended");
            clients.extend(acknowledged(&output));
        });
        clients.extend(work.clients.into_inner().expect("no thread has failed"));
        tokens.extend(work.tokens.into_inner().expect("no thread has failed"));
        assert!(clients.len() > before);

        issuer.restart();
        assert_eq!(published_keys(&issuer), keys);
        for client in &clients[before..] {
            assert_eq!(issuer.token(client, "").status, 200, "{}", client.id);
        }
    }
    for client in &clients {
        assert_eq!(issuer.token(client, "").status, 200, "{}", client.id);
    }
    let verifier = VerificationKeys::new(&keys).expect("usable keys");
    assert!(tokens.len() >= 20);
    for token in &tokens {
        let claims = verifier
            .signed_claims(token)
            .expect("a right signature")
            .claims;
        assert_eq!(claims.client_id, witness.id);
    }
    let listed = issuer.manage(&["client", "list"]);
    let listed = listed.as_array().expect("a list");
    assert!(
        listed.len() > clients.len(),
        "all of them and the demo client"
    );
}

#[test]
fn what_commands_changed_survives_a_kill() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let rotated = issuer.register("rotated", &[]);
    let new = issuer.manage(&["client", "rotate-secret", &rotated.id, "--overlap=0"]);
    let updated = issuer.register("updated", &["--scope=a"]);
    issuer.manage(&[
        "client",
        "update",
        &updated.id,
        "--scope=b",
        "--access-ttl=1h",
    ]);
    let disabled = issuer.register("disabled", &[]);
    issuer.manage(&["client", "disable", &disabled.id, "--yes"]);
    let deleted = issuer.register("deleted", &[]);
    issuer.manage(&["client", "delete", &deleted.id, "--yes"]);
    let before = issuer.manage(&["client", "list"]);
    issuer.kill_and_restart();
    assert_eq!(issuer.manage(&["client", "list"]), before);
    let secret = new["client_secret"].as_str().expect("a secret");
    let new = TestClient::new(&rotated.id, secret);
    assert_eq!(issuer.token(&new, "").status, 200);
    assert_eq!(issuer.token(&updated, "&scope=b").status, 200);
    for refused in [&rotated, &disabled, &deleted] {
        assert_eq!(issuer.token(refused, "").status, 401);
    }
}

#[test]
fn port_0_comes_back_on_the_same_port_and_with_the_same_issuer() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("port", &[]);
    let (url, keys) = (issuer.url.clone(), published_keys(&issuer));
    for kill in [true, false] {
        match kill {
            true => issuer.kill(),
            false => assert_eq!(issuer.terminate(), Some(0)),
        }
        issuer.restart();
        assert_eq!(issuer.url, url);
        assert_eq!(published_keys(&issuer), keys);
        let claims = issuer.token(&client, "").token().claims;
        assert_eq!(claims["iss"], url);
    }
    assert!(!issuer.log().contains("issuer_changed"));
}

#[test]
fn port_0_is_refused_where_the_last_one_is_taken() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("kept", &[]);
    let (url, keys) = (issuer.url.clone(), published_keys(&issuer));
    issuer.terminate();
    let host = url.strip_prefix("http://").expect("plain http");
    let taken = eventually("the port is free", || {
        std::net::TcpListener::bind(host).ok()
    });
    let mut serve = command();
    serve.args(["serve", "--listen=127.0.0.1:0", "--alg=ES256", "--data"]);
    let output = serve.arg(issuer.data()).output().expect("it runs");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains(&url) && message.contains("--issuer"),
        "{message}"
    );
    drop(taken);
    issuer.restart();
    assert_eq!(
        (&issuer.url, published_keys(&issuer)),
        (&url, keys),
        "nothing has changed"
    );
    let claims = issuer.token(&client, "").token().claims;
    assert_eq!(claims["iss"], url);
}

#[test]
fn a_changed_issuer_is_logged() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let url = issuer.url.clone();
    issuer.terminate();
    issuer.restart_with(&["--alg=ES256", "--issuer=https://moved.example"]);
    let log = issuer.log();
    let warning = log.lines().find(|line| line.contains("issuer_changed"));
    let warning: Value = serde_json::from_str(warning.expect("a warning")).expect("JSON");
    assert_eq!(
        (&warning["from"], &warning["to"]),
        (&url.into(), &"https://moved.example".into())
    );
    assert_eq!(warning["level"], "warn");
}

#[test]
fn a_new_algorithm_gets_a_key_beside_the_old_ones() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let jwks = HttpRequest::get("/.well-known/jwks.json");
    let before = issuer.send(&jwks);
    let client = issuer.register("algorithms", &[]);
    let old = issuer.token(&client, "").token();
    issuer.terminate();
    issuer.restart_with(&["--alg=EdDSA", "--alg=ES256"]);
    let after = issuer.send(&jwks);
    assert_ne!(after.header("etag"), before.header("etag"));
    let (before, after) = (before.json(), after.json());
    let keys = after["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&before["keys"][0]));
    let new = issuer.token(&client, "").token();
    assert_eq!(new.header["alg"], "EdDSA");
    assert_eq!(old.header["kid"], before["keys"][0]["kid"]);
    for token in [old, new] {
        assert_eq!(issuer.manage(&["inspect", &token.text])["active"], true);
    }
    // Without its algorithm, a key is still published: its tokens may be about.
    issuer.terminate();
    issuer.restart_with(&["--alg=EdDSA"]);
    assert_eq!(issuer.send(&jwks).json(), after);
}

#[test]
fn a_start_with_another_wrapping_key_fails_and_harms_nothing() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let keys = published_keys(&issuer);
    issuer.terminate();
    let file = issuer.data().join("wrapping-key");
    let right = std::fs::read(&file).expect("a wrapping key");
    for wrong in [&random_bytes::<32>()[..], &right[1..], b""] {
        std::fs::write(&file, wrong).expect("it can be written");
        let mut serve = command();
        serve.args(["serve", "--listen=127.0.0.1:0", "--alg=ES256", "--data"]);
        let output = serve.arg(issuer.data()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty(), "it is not listening");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(
            message.contains("key") && !message.contains("panicked"),
            "{message}"
        );
    }
    std::fs::write(&file, right).expect("it can be written");
    issuer.restart();
    assert_eq!(published_keys(&issuer), keys);
}

#[test]
fn many_commands_at_once_write_through_one_file() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let created: Mutex<Vec<TestClient>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let client = issuer.register("many", &[]);
                    created.lock().expect("no thread has failed").push(client);
                }
            });
        }
    });
    for client in created.into_inner().expect("no thread has failed") {
        assert_eq!(issuer.token(&client, "").status, 200);
    }
}

/// Ends the work also when the scenario fails, which would wait for it otherwise.
struct EndAtLast<'a>(&'a AtomicBool);

impl Drop for EndAtLast<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What goes on when the issuer is killed.
#[derive(Default)]
struct Work {
    end: AtomicBool,
    clients: Mutex<Vec<TestClient>>,
    tokens: Mutex<Vec<String>>,
}

impl Work {
    fn create_clients(&self, data: &Path) {
        while !self.end.load(Ordering::SeqCst) {
            let output = start_to_create(data).wait_with_output().expect("it ends");
            let error = String::from_utf8_lossy(&output.stderr);
            let client = acknowledged(&output).unwrap_or_else(|| panic!("{error}"));
            self.clients
                .lock()
                .expect("no thread has failed")
                .push(client);
        }
    }

    fn fetch_tokens(&self, url: &str, client: &TestClient) {
        let request =
            HttpRequest::post("/oauth2/token", "grant_type=client_credentials").by(client);
        while !self.end.load(Ordering::SeqCst) {
            // The issuer may be dead already.
            let Some(answer) = request.try_send(url) else {
                continue;
            };
            let token = answer.token().text;
            let mut tokens = self.tokens.lock().expect("no thread has failed");
            // The last ones are the closest to the kill.
            tokens.truncate(KEPT_TOKENS - 1);
            tokens.insert(0, token);
        }
    }

    fn is_done(&self, clients: usize) -> bool {
        let created = self.clients.lock().expect("no thread has failed");
        let tokens = self.tokens.lock().expect("no thread has failed");
        created.len() >= clients && !tokens.is_empty()
    }
}

/// A `client create` that runs; what it prints is an acknowledgement.
fn start_to_create(data: &Path) -> Child {
    let mut create = command();
    let id = format!("killed-{}", random_id());
    create.args(["client", "create", "--id", &id, "--data"]);
    let started = create
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    started.expect("the command runs")
}

/// The client that a command has acknowledged, if it came that far.
fn acknowledged(output: &Output) -> Option<TestClient> {
    let printed: Value = serde_json::from_slice(&output.stdout).ok()?;
    let text = |name: &str| printed[name].as_str();
    Some(TestClient::new(text("client_id")?, text("client_secret")?))
}

fn published_keys(issuer: &TestIssuer) -> JwkSet {
    let jwks = issuer.send(&HttpRequest::get("/.well-known/jwks.json"));
    serde_json::from_value(jwks.json()).expect("a key set")
}

const KEPT_TOKENS: usize = 20;

const EVERY_ALGORITHM: [&str; 4] = ["--alg=ES256", "--alg=RS256", "--alg=PS256", "--alg=EdDSA"];
