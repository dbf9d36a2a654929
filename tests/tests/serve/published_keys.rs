//! Keys that others publish on this machine, by the command and `serve --fetch-private`.

use serde_json::json;
use tokensmith_tests::assertion::{OwnKey, assertion_claims, now};
use tokensmith_tests::foreign::ForeignServer;
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer};
use tokensmith_verifier::jose::SignatureAlgorithm;

const SCOPE: [&str; 2] = ["--scope=a", "--default-scope=a"];

fn token(issuer: &TestIssuer, assertion: &str) -> Answer {
    let form = [("grant_type", "client_credentials")];
    issuer.send(&HttpRequest::asserted("/oauth2/token", &form, assertion))
}

/// A server that publishes a key, and metadata that name it.
fn published(key: &OwnKey) -> ForeignServer {
    let server = ForeignServer::publishing("");
    let mut document = key.jwks();
    document["issuer"] = json!(server.base_url());
    document["jwks_uri"] = json!(format!("{}/keys", server.base_url()));
    server.publish("", &document.to_string());
    server
}

/// Makes a client by federation, and a rule about the tokens of an issuer that is no source yet.
fn federate(issuer: &TestIssuer, url: &str) {
    let client = ["client", "create", "--id=workload", "--auth=federation"];
    issuer.change(&[&client, &SCOPE[..]].concat());
    let rule = ["federation", "create", "rule", "--client=workload"];
    let of = ["--audience=here", "--subject=w", "--issuer", url];
    issuer.change(&[&rule, &of[..]].concat());
}

fn foreign_token(key: &OwnKey, url: &str) -> String {
    let now = now();
    let claims = json!({ "iss": url, "sub": "w", "aud": "here", "iat": now, "exp": now + 300 });
    key.jwt(&claims)
}

#[test]
fn a_rule_about_an_issuer_finds_its_keys_by_its_metadata() {
    let issuer = TestIssuer::serve(&["--alg=ES256", "--fetch-private"]);
    let key = OwnKey::new(SignatureAlgorithm::RS256);
    let server = published(&key);
    let url = server.base_url();
    federate(&issuer, &url);
    let sources = issuer.manage(&["federation", "source", "list"]);
    let metadata = format!("{url}/.well-known/openid-configuration");
    assert_eq!(sources[0]["metadata"], metadata);
    let answer = token(&issuer, &foreign_token(&key, &url));
    assert_eq!(answer.claims().sub, "workload");
    assert_eq!(server.take_requests().len(), 2);
    // A second rule is about the same source.
    let rule = [
        "federation",
        "create",
        "other",
        "--client=workload",
        "--issuer",
        &url,
    ];
    issuer.change(&[&rule, &["--audience=there", "--subject=w"][..]].concat());
    let sources = issuer.manage(&["federation", "source", "list"]);
    assert_eq!(sources.as_array().map(Vec::len), Some(1));
}

#[test]
fn nothing_is_fetched_from_this_machine_unless_serve_is_told_so() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let key = OwnKey::new(SignatureAlgorithm::RS256);
    let server = published(&key);
    let url = server.base_url();
    federate(&issuer, &url);
    token(&issuer, &foreign_token(&key, &url)).assert_unavailable();
    assert_eq!(server.take_requests().len(), 0);
    assert!(issuer.log().contains("fetch_failed"));
}

#[test]
fn a_client_that_publishes_its_keys_is_registered_by_their_url() {
    let issuer = TestIssuer::serve(&["--alg=ES256", "--fetch-private"]);
    let key = OwnKey::new(SignatureAlgorithm::EdDSA);
    let server = published(&key);
    let url = format!("{}/keys", server.base_url());
    let client = ["client", "create", "--id=signs", "--auth=private_key_jwt"];
    issuer.change(&[&client, &["--jwks-uri", &url][..], &SCOPE].concat());
    let shown = issuer.manage(&["client", "show", "signs"]);
    assert_eq!(shown["jwks_uri"], url);
    let assertion = key.jwt(&assertion_claims(&TestClient::public("signs"), &issuer.url));
    assert_eq!(token(&issuer, &assertion).status, 200);
}
