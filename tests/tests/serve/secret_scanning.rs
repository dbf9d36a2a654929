//! Reports of leaked API keys, as GitHub's secret scanning partner program sends them.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokensmith_tests::foreign::ForeignServer;
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer};
use tokensmith_verifier::paths;

/// Who reports: a key, and the server that publishes it.
struct Partner {
    key: EcdsaKeyPair,
    id: &'static str,
}

impl Partner {
    fn new(id: &'static str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        Self { key, id }
    }

    fn published(&self) -> Value {
        let der: PublicKeyX509Der<'_> = self.key.public_key().as_der().expect("a public key");
        let pem = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n");
        json!({ "key_identifier": self.id, "key": pem, "is_current": true })
    }

    fn sign(&self, body: &str) -> String {
        let signature = self.key.sign(&SystemRandom::new(), body.as_bytes());
        STANDARD.encode(signature.expect("a signature").as_ref())
    }

    fn report(&self, body: &str) -> HttpRequest {
        HttpRequest::new("POST", paths::SECRET_SCANNING)
            .header("content-type", "application/json")
            .header("Github-Public-Key-Identifier", self.id)
            .header("Github-Public-Key-Signature", self.sign(body))
            .body(body)
    }
}

fn publishing(partners: &[&Partner]) -> String {
    let keys: Vec<_> = partners.iter().map(|partner| partner.published()).collect();
    json!({ "public_keys": keys }).to_string()
}

/// An issuer that takes the reports of this partner.
fn taking_reports(partner: &Partner) -> (TestIssuer, TestClient, ForeignServer) {
    let server = ForeignServer::publishing(&publishing(&[partner]));
    let url = format!("--secret-scanning={}/keys", server.base_url());
    let issuer = TestIssuer::serve(&["--alg=ES256", "--fetch-private", &url]);
    let client = issuer.register("app", &["--scope=a", "--default-scope=a"]);
    (issuer, client, server)
}

fn api_key(issuer: &TestIssuer, client: &TestClient) -> (String, String) {
    let made = issuer.change(&["api-key", "create", "--name=job", "--client", &client.id]);
    let text = |name: &str| made[name].as_str().expect(name).to_owned();
    (text("key_id"), text("api_key"))
}

fn exchange(issuer: &TestIssuer, key: &str) -> Answer {
    issuer.send(&HttpRequest::exchange(key))
}

fn found(keys: &[&str]) -> String {
    let finding = |key: &&str| {
        let url = "https://github.com/octocat/hello-world/blob/main/deploy.sh";
        json!({ "token": key, "type": "tokensmith_api_key", "url": url, "source": "content" })
    };
    Value::Array(keys.iter().map(finding).collect()).to_string()
}

fn hash(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn a_key_that_was_found_in_public_is_revoked_with_its_tokens() {
    let partner = Partner::new("one");
    let (mut issuer, client, _server) = taking_reports(&partner);
    let (id, key) = api_key(&issuer, &client);
    let (_, other) = api_key(&issuer, &client);
    let token = exchange(&issuer, &key).access_token();
    // One with a right checksum that was never issued cannot be made here; this one has a wrong one.
    let made_up = format!("{}A", &key[..key.len() - 1]);
    let made_up = if made_up == key {
        format!("{}B", &key[..key.len() - 1])
    } else {
        made_up
    };
    let body = found(&[&key, &made_up, "tksmc_something"]);
    let answer = issuer.send(&partner.report(&body));
    let judged = |key: &str, label: &str| json!({ "token_hash": hash(key), "token_type": "tokensmith_api_key", "label": label });
    let expected = json!([
        judged(&key, "true_positive"),
        judged(&made_up, "false_positive")
    ]);
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert!(answer.header("access-control-allow-origin").is_none());

    exchange(&issuer, &key).assert_refused(400, "invalid_request");
    exchange(&issuer, &other).access_token();
    let introspected = issuer.send(&HttpRequest::introspect(&client, &token));
    assert_eq!(introspected.json(), json!({ "active": false }));
    assert!(issuer.manage(&["api-key", "show", &id])["revoked_at"].is_string());
    // A report that comes twice is answered the same.
    assert_eq!(issuer.send(&partner.report(&body)).json(), answer.json());

    let log = issuer.log();
    assert!(
        log.contains(r#""event":"key_leaked""#) && log.contains(r#""revoked_keys":1"#),
        "{log}"
    );
    assert!(!log.contains(&key), "{log}");
}

#[test]
fn only_what_the_partner_has_signed_is_believed() {
    let partner = Partner::new("one");
    let (issuer, client, server) = taking_reports(&partner);
    let (_, key) = api_key(&issuer, &client);
    let body = found(&[&key]);
    let stranger = Partner::new("one");
    let unknown = Partner::new("unknown");
    let signed = |text: &str| {
        HttpRequest::new("POST", paths::SECRET_SCANNING)
            .header("Github-Public-Key-Identifier", "one")
            .header("Github-Public-Key-Signature", text)
    };
    for (what, request) in [
        ("another key under the name", stranger.report(&body)),
        ("a name that is not published", unknown.report(&body)),
        ("another body", partner.report("[]").body(body.clone())),
        ("no base64", signed("?").body(body.clone())),
        ("an empty signature", signed("").body(body.clone())),
        (
            "no signature",
            HttpRequest::new("POST", paths::SECRET_SCANNING).body(body.clone()),
        ),
        ("no list", partner.report("{}")),
        ("no JSON", partner.report("")),
        (
            "too long",
            partner.report(&format!("[]{}", " ".repeat(64 * 1024))),
        ),
    ] {
        let answer = issuer.send(&request);
        assert_eq!(
            answer.error(),
            (400, "invalid_request".to_owned()),
            "{what}"
        );
    }
    for method in ["GET", "OPTIONS", "PUT"] {
        let answer = issuer.send(&HttpRequest::new(method, paths::SECRET_SCANNING));
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    exchange(&issuer, &key).access_token();
    // Made-up names do not make the issuer ask somebody else's server again and again.
    assert!(server.take_requests().len() <= 2);
}

#[test]
fn nobody_reports_to_an_issuer_that_has_not_turned_it_on() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let answer = issuer.send(&Partner::new("one").report("[]"));
    assert_eq!(answer.status, 404);
}

#[test]
fn keys_that_cannot_be_had_are_no_reason_to_believe_anybody() {
    let partner = Partner::new("one");
    let (issuer, client, server) = taking_reports(&partner);
    let (_, key) = api_key(&issuer, &client);
    server.publish("", "not the keys");
    issuer
        .send(&partner.report(&found(&[&key])))
        .assert_unavailable();
    exchange(&issuer, &key).access_token();
}
