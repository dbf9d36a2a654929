//! Tokens that are bound to a key (RFC 9449 §7), before an API.

use std::str::FromStr;

use serde_json::{Value, json};
use tokensmith_authorizer::{Authorizer, PublicUrl};
use tokensmith_issuer::store::records::{Allowance, Client, Dpop};
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::records::API;
use tokensmith_tests::{InProcess, TestProof};
use tokensmith_verifier::jose::SignatureAlgorithm;

use super::api_keys::bearer;
use super::support::{Gate, Kind, Verdict, decide, refused};

const PUBLIC: &str = "https://orders.example/v1";

/// A gate, a key, and a token that is bound to it.
struct BoundGate {
    gate: Gate,
    key: OwnKey,
    token: String,
}

impl BoundGate {
    async fn new() -> Self {
        let (gate, key) = (Gate::new().await, OwnKey::new(SignatureAlgorithm::ES256));
        let bound = json!({ "jkt": key.thumbprint() });
        let token = gate.token_with(|claims| claims["cnf"] = bound).await;
        Self { gate, key, token }
    }

    async fn authorizer(&self, kind: Kind) -> Authorizer {
        let url = PublicUrl::from_str(PUBLIC).expect("a URL");
        let configure = |config: &mut tokensmith_authorizer::AuthorizerConfig| {
            config.public_url = Some(url);
        };
        self.gate.authorizer(kind, configure).await
    }

    /// The URL of the event's request, as its caller knows it.
    fn url(kind: Kind) -> String {
        match kind {
            Kind::Http1 => format!("{PUBLIC}/live/orders/17"),
            _ => format!("{PUBLIC}/orders/17"),
        }
    }

    fn proof(&self, kind: Kind) -> TestProof {
        let now = self.gate.issuer.now().seconds();
        TestProof::at(now, &self.key, "GET", &Self::url(kind)).for_token(&self.token)
    }

    fn event(&self, kind: Kind, proof: &str) -> Value {
        with_proof(kind.event(&format!("DPoP {}", self.token)), &[proof])
    }
}

/// The event with these values of the header `DPoP`.
fn with_proof(mut event: Value, proofs: &[&str]) -> Value {
    if event["multiValueHeaders"].is_object() {
        event["multiValueHeaders"]["DPoP"] = json!(proofs);
    }
    if event["headers"].is_object() {
        event["headers"]["dpop"] = json!(proofs.join(","));
    }
    event
}

#[tokio::test]
async fn rfc9449_7_1_a_bound_token_is_let_through_with_a_proof_for_the_public_url() {
    for kind in Kind::with_headers() {
        let bound = BoundGate::new().await;
        let authorizer = bound.authorizer(kind).await;
        let proof = bound.proof(kind).signed(&bound.key);
        let verdict = decide(&authorizer, kind, &bound.event(kind, &proof)).await;
        assert!(
            matches!(verdict, Verdict::Passes(_)),
            "{kind:?}: {verdict:?}"
        );
        bound.gate.warm(&authorizer, kind).await;
        let second = bound.proof(kind).signed(&bound.key);
        let verdict = decide(&authorizer, kind, &bound.event(kind, &second)).await;
        assert!(verdict.passes(), "{kind:?}: {verdict:?}");
        let calls = bound.gate.issuer.dynamo.take_calls();
        assert!(calls.is_empty(), "{kind:?}: {calls:?}");
        // The same proof again.
        assert_eq!(
            decide(&authorizer, kind, &bound.event(kind, &proof)).await,
            refused(kind),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn invariant_13_a_bound_token_is_no_bearer_token() {
    for kind in Kind::ALL {
        let bound = BoundGate::new().await;
        let with_url = bound.authorizer(kind).await;
        let without = bound.gate.authorizer(kind, |_| {}).await;
        for authorizer in [&with_url, &without] {
            let event = kind.event(&format!("Bearer {}", bound.token));
            let proof = bound.proof(kind).signed(&bound.key);
            let proving = with_proof(event.clone(), &[&proof]);
            for event in [event, proving] {
                assert_eq!(
                    decide(authorizer, kind, &event).await,
                    refused(kind),
                    "{kind:?}"
                );
            }
        }
        // An authorizer that nobody has told its URL can check no proof.
        let proof = bound.proof(kind).signed(&bound.key);
        let event = bound.event(kind, &proof);
        assert_eq!(
            decide(&without, kind, &event).await,
            refused(kind),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn rfc9449_4_3_a_proof_for_something_else_opens_nothing() {
    let kind = Kind::HttpSimple;
    let bound = BoundGate::new().await;
    let authorizer = bound.authorizer(kind).await;
    let (good, key) = (bound.proof(kind), &bound.key);
    let thief = OwnKey::new(SignatureAlgorithm::ES256);
    let now = bound.gate.issuer.now().seconds();
    let claiming = |name: &str, value: Value| good.clone().claiming(name, value).signed(key);
    let gateway = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/orders/17";
    for (what, proof) in [
        ("another method", claiming("htm", json!("POST"))),
        ("the host of the gateway", claiming("htu", json!(gateway))),
        (
            "another path",
            claiming("htu", json!(format!("{PUBLIC}/orders/18"))),
        ),
        ("another token", claiming("ath", json!("x"))),
        ("no token", claiming("ath", Value::Null)),
        ("old", claiming("iat", json!(now - 61))),
        ("from the future", claiming("iat", json!(now + 61))),
        ("no jti", claiming("jti", Value::Null)),
        ("signed by another", good.signed(&thief)),
        (
            "by another key",
            good.clone().saying("jwk", thief.bare_jwk()).signed(&thief),
        ),
        ("none", String::new()),
    ] {
        let event = bound.event(kind, &proof);
        assert_eq!(
            decide(&authorizer, kind, &event).await,
            refused(kind),
            "{what}"
        );
    }
    let two = [good.signed(key), good.signed(key)];
    let two = [two[0].as_str(), two[1].as_str()];
    let event = kind.event(&format!("DPoP {}", bound.token));
    let twice = with_proof(event.clone(), &two);
    for event in [twice, event] {
        assert_eq!(decide(&authorizer, kind, &event).await, refused(kind));
    }
    // None of them has used the proof up.
    let event = bound.event(kind, &good.signed(key));
    assert!(matches!(
        decide(&authorizer, kind, &event).await,
        Verdict::Passes(_)
    ));
}

#[tokio::test]
async fn rfc9449_7_2_an_unbound_token_is_no_dpop_token_and_still_a_bearer_token() {
    let kind = Kind::HttpSimple;
    let bound = BoundGate::new().await;
    let authorizer = bound.authorizer(kind).await;
    let token = bound.gate.token().await;
    let now = bound.gate.issuer.now().seconds();
    let url = BoundGate::url(kind);
    let proof = TestProof::at(now, &bound.key, "GET", &url).for_token(&token);
    let event = with_proof(
        kind.event(&format!("DPoP {token}")),
        &[&proof.signed(&bound.key)],
    );
    assert_eq!(decide(&authorizer, kind, &event).await, refused(kind));
    let event = kind.event(&format!("Bearer {token}"));
    assert!(matches!(
        decide(&authorizer, kind, &event).await,
        Verdict::Passes(_)
    ));
}

#[tokio::test]
async fn a_resource_that_requires_proofs_takes_no_api_key() {
    let kind = Kind::HttpSimple;
    for (dpop, passes) in [
        (None, true),
        (Some(Dpop::Optional), true),
        (Some(Dpop::Required), false),
    ] {
        let issuer = InProcess::start().await;
        issuer.resource(API, |resource| resource.dpop = dpop).await;
        let holding = |client: &mut Client| {
            client.allowed = vec![Allowance {
                resource: API.parse().expect("a resource"),
                scopes: "a".parse().expect("scopes"),
            }];
        };
        let client = issuer.confidential("app", holding).await;
        let gate = Gate { issuer, client };
        let key = gate.key(|_| {}).await;
        let authorizer = gate.with_keys(gate.authorizer(kind, |_| {}).await).await;
        let verdict = decide(&authorizer, kind, &bearer(kind, &key)).await;
        assert_eq!(verdict.passes(), passes, "{dpop:?}");
    }
}

#[test]
fn a_public_url_is_https_and_a_path() {
    for good in [
        "https://api.example",
        "https://api.example/",
        "https://api.example/v1",
        "https://api.example:8443/v1/",
        "http://127.0.0.1:8080",
    ] {
        assert!(PublicUrl::from_str(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "https://",
        "https:///v1",
        "http://api.example",
        "https://api.example//",
        "https://api.example/v1?a=b",
        "https://api.example/v1#a",
        "https://user@api.example",
        "https://api.example/ v1",
        "api.example",
    ] {
        assert!(PublicUrl::from_str(bad).is_err(), "{bad}");
    }
}
