//! The first start makes keys and a demo client, also when it is not the only attempt.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokensmith_issuer::credential::random_bytes;
use tokensmith_tests::{TestClient, TestIssuer, command};

use super::{EVERY_ALGORITHM, published_keys};

#[test]
fn the_greeting_of_the_first_start_gets_a_token_when_pasted() {
    let mut issuer = TestIssuer::serve(&[]);
    let pasted = command_line(issuer.greeting())
        .expect("a curl command")
        .to_owned();
    for _ in 0..2 {
        let output = Command::new("sh")
            .args(["-c", &pasted])
            .output()
            .expect("a shell");
        assert!(output.status.success(), "{pasted}");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(answer["scope"], "demo:read", "{answer}");
        let token = answer["access_token"].as_str().expect("a token");
        assert_eq!(issuer.manage(&["inspect", token])["active"], true);
        // The command still works after a restart; its secret is not shown again.
        issuer.kill_and_restart();
        assert!(
            !issuer.greeting().contains("tksmc_"),
            "{}",
            issuer.greeting()
        );
    }
}

#[test]
fn a_first_start_that_was_killed_is_made_up_for_by_the_next() {
    let whole = {
        let started = Instant::now();
        TestIssuer::serve(&EVERY_ALGORITHM);
        started.elapsed()
    };
    for _ in 0..16 {
        let directory = TempDir::new().expect("a directory");
        let printed = start_and_kill(&directory, random_share(whole));
        let mut issuer = TestIssuer::serve_in(directory.path(), &EVERY_ALGORITHM);
        assert_one_key_for_each_algorithm(&issuer);
        // Whoever has seen a secret can use it, unless a later start has shown a newer one.
        let seen = demo_client(issuer.greeting()).or_else(|| demo_client(&printed));
        if let Some(demo) = seen {
            let token = issuer.token(&demo, "").token();
            assert_eq!(token.claims["scope"], "demo:read");
        }
        let keys = published_keys(&issuer);
        issuer.kill_and_restart();
        assert_eq!(published_keys(&issuer), keys);
    }
}

#[test]
fn first_starts_at_the_same_time_agree_on_the_keys() {
    let arguments = [&EVERY_ALGORITHM[..], &["--issuer=https://issuer.example"]].concat();
    for _ in 0..5 {
        let directory = TempDir::new().expect("a directory");
        let start = || TestIssuer::serve_in(directory.path(), &arguments);
        // Whoever finds that another one was first gives up.
        let started: Vec<TestIssuer> = std::thread::scope(|scope| {
            let starting = [scope.spawn(start), scope.spawn(start), scope.spawn(start)];
            let started = starting.into_iter().map(|thread| thread.join().ok());
            started.flatten().collect()
        });
        let [mut issuer] = <[TestIssuer; 1]>::try_from(started).unwrap_or_else(|started| {
            panic!("{} of three have started", started.len());
        });
        assert_one_key_for_each_algorithm(&issuer);
        let keys = published_keys(&issuer);
        issuer.kill_and_restart();
        assert_eq!(published_keys(&issuer), keys);
    }
}

fn assert_one_key_for_each_algorithm(issuer: &TestIssuer) {
    let keys = published_keys(issuer).keys;
    let named = keys.iter().filter_map(|key| key.common.key_algorithm);
    let algorithms: BTreeSet<_> = named.map(|algorithm| algorithm.to_string()).collect();
    assert_eq!((keys.len(), algorithms.len()), (4, 4));
    let listed = issuer.manage(&["key", "list"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(4));
}

/// Starts an issuer, kills it after `time`, and returns what it has printed.
fn start_and_kill(directory: &TempDir, time: Duration) -> String {
    let mut serve = command();
    serve
        .args(["serve", "--listen=127.0.0.1:0"])
        .args(EVERY_ALGORITHM);
    serve.arg("--data").arg(directory.path().join("data"));
    let mut child = serve
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    // Any moment will do, so there is nothing to wait for but time.
    std::thread::sleep(time);
    child.kill().expect("it can be killed");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("text")
}

/// Up to a little more than `whole`.
fn random_share(whole: Duration) -> Duration {
    let [share] = random_bytes::<1>();
    whole * u32::from(share) / 220
}

fn demo_client(greeting: &str) -> Option<TestClient> {
    let credentials = command_line(greeting)?.split(' ').nth(3)?;
    let (id, secret) = credentials.split_once(':')?;
    Some(TestClient::new(id, secret))
}

fn command_line(greeting: &str) -> Option<&str> {
    greeting.lines().find(|line| line.starts_with("curl "))
}
