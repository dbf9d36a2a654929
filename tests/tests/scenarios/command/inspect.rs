//! `tokensmith inspect`: whether a token is live, and why not.

use std::io::Write;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokensmith_tests::{TestIssuer, eventually};

#[test]
fn rfc9068_4_a_live_token_is_active_with_its_claims() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("live", &["--scope=a", "--default-scope=a"]);
    let token = issuer.token(&client, "").token();
    let expected = json!({"active": true, "claims": token.claims});
    assert_eq!(inspect(&issuer, &token.text), expected);
    for ending in ["", "\n", "\r\n"] {
        let input = format!("{}{ending}", token.text);
        assert_eq!(inspect_input(&issuer, &input), expected);
    }
}

#[test]
fn rfc9068_4_what_was_changed_is_not_active_and_not_shown() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("tampered", &[]);
    let token = issuer.token(&client, "").token();
    let [header, payload, signature] = parts(&token.text);
    let mut claims = token.claims.clone();
    claims["scope"] = json!("admin");
    let forged = encode(&claims);
    let with = |name: &str, value: Value| {
        let mut changed = token.header.clone();
        changed[name] = value;
        encode(&changed)
    };
    let none = with("alg", json!("none"));
    let flipped = flip_first_bit(signature);
    for tampered in [
        format!("{header}.{forged}.{signature}"),
        format!("{header}.{payload}.{flipped}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{}.{payload}.{signature}", with("alg", json!("HS256"))),
        format!("{}.{payload}.{signature}", with("typ", json!("JWT"))),
        format!("{}.{payload}.{signature}", with("kid", json!("other"))),
        format!("{}.{payload}.{signature}", with("crit", json!(["x"]))),
        format!("{}.{payload}.{signature}", with("jwk", json!({}))),
        format!("{token}.{signature}", token = token.text),
        format!("{}{}", token.text, "x".repeat(10_000)),
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        "..".to_owned(),
        client.secret().to_owned(),
    ] {
        let verdict = inspect(&issuer, &tampered);
        assert_eq!(verdict["active"], false, "{tampered}");
        assert!(verdict["reason"].is_string());
        assert!(verdict.get("claims").is_none(), "{tampered}: {verdict}");
    }
    let verdict = inspect_input(&issuer, "");
    assert_eq!(verdict["active"], false);
    let verdict = inspect_input(&issuer, "one two\nthree");
    assert_eq!(verdict["active"], false);
}

#[test]
fn rfc9068_4_a_token_of_another_issuer_is_not_active() {
    let issuer = TestIssuer::shared();
    let stranger = TestIssuer::serve(&["--alg=ES256"]);
    let client = stranger.register("stranger", &[]);
    let token = stranger.token(&client, "").token();
    let verdict = inspect(&issuer, &token.text);
    assert_eq!(verdict["active"], false);
    assert!(verdict.get("claims").is_none(), "{verdict}");
    assert_eq!(inspect(&stranger, &token.text)["active"], true);
}

#[test]
fn rfc9068_4_a_token_of_an_earlier_issuer_url_is_not_active() {
    let mut issuer = TestIssuer::serve(&["--issuer=https://old.example"]);
    let client = issuer.register("moved", &[]);
    let old = issuer.token(&client, "").token();
    assert_eq!(old.claims["iss"], "https://old.example");
    assert_eq!(inspect(&issuer, &old.text)["active"], true);
    issuer.terminate();
    issuer.restart_with(&["--issuer=https://new.example"]);
    let new = issuer.token(&client, "").token();
    // The key is still the same: only the claim tells them apart.
    assert_eq!(old.header, new.header);
    assert_eq!(inspect(&issuer, &new.text)["active"], true);
    assert_eq!(inspect(&issuer, &old.text)["active"], false);
}

#[test]
fn rfc9068_4_an_expired_token_is_not_active() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("expired", &["--access-ttl=1s"]);
    let token = issuer.token(&client, "").token();
    let verdict = eventually("the token expires", || {
        let verdict = inspect(&issuer, &token.text);
        (verdict["active"] == false).then_some(verdict)
    });
    assert!(
        verdict["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("expired"))
    );
}

#[test]
fn a_token_of_a_disabled_or_deleted_client_is_inactive() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("dies", &[]);
    let token = issuer.token(&client, "").token();
    let is_active = || inspect(&issuer, &token.text)["active"] == true;
    assert!(is_active());
    issuer.manage(&["client", "disable", &client.id, "--yes"]);
    assert!(!is_active());
    issuer.manage(&["client", "enable", &client.id]);
    issuer.manage(&["client", "delete", &client.id, "--yes"]);
    assert!(!is_active());
}

fn inspect(issuer: &TestIssuer, token: &str) -> Value {
    issuer.manage(&["inspect", token])
}

fn inspect_input(issuer: &TestIssuer, input: &str) -> Value {
    let mut child = issuer
        .command(&["inspect", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().expect("three parts")
}

fn encode(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn flip_first_bit(part: &str) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    bytes[0] ^= 0x80;
    URL_SAFE_NO_PAD.encode(bytes)
}
