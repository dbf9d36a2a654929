//! What a bound token costs, when a proof is new, and the nonces that say so (RFC 9449 §8, §11).

use serde_json::json;
use tokensmith_issuer::store::records::{Allowance, Client, Dpop};
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::API;
use tokensmith_tests::{Answer, HttpRequest, InProcess, TestClient, TestProof};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

/// A warm issuer with a resource whose verifiers check proofs, a client of it, and a key.
struct Bound {
    issuer: InProcess,
    client: TestClient,
    key: OwnKey,
}

impl Bound {
    async fn new(demands_nonces: bool) -> Self {
        let issuer = InProcess::configured(|config| config.dpop_nonces = demands_nonces).await;
        issuer
            .resource(API, |resource| resource.dpop = Some(Dpop::Optional))
            .await;
        let holding = |client: &mut Client| {
            client.allowed = vec![Allowance {
                resource: API.parse().expect("a resource"),
                scopes: "a b".parse().expect("scopes"),
            }];
        };
        let client = issuer.confidential("app", holding).await;
        let key = OwnKey::new(SignatureAlgorithm::ES256);
        let bound = Self {
            issuer,
            client,
            key,
        };
        assert_eq!(
            bound.issuer.client_credentials(&bound.client).await.status,
            200
        );
        bound.issuer.dynamo.take_calls();
        bound
    }

    fn proof(&self) -> TestProof {
        let url = self.issuer.config.issuer.join(paths::TOKEN);
        TestProof::at(self.issuer.now().seconds(), &self.key, "POST", &url)
    }

    async fn ask(&self, proof: &TestProof) -> Answer {
        let request = HttpRequest::client_credentials(&self.client);
        let request = request.header("dpop", proof.signed(&self.key));
        self.issuer.send(&request).await
    }
}

/// Besides the signature of the proof, and nothing is read for it.
#[tokio::test]
async fn a_bound_token_costs_one_conditional_write_more() {
    let bound = Bound::new(false).await;
    let plain = bound.issuer.client_credentials(&bound.client).await;
    assert_eq!(plain.string("token_type"), "Bearer");
    assert!(bound.issuer.dynamo.take_calls().is_empty());
    let answer = bound.ask(&bound.proof()).await;
    assert_eq!(answer.string("token_type"), "DPoP");
    assert_eq!(bound.issuer.dynamo.take_calls(), ["PutItem"]);
    // Also of a refresh.
    let grant = bound.issuer.grant(&bound.client, |_| {}).await;
    bound.issuer.dynamo.take_calls();
    let request = HttpRequest::refresh(&bound.client, &grant.token);
    let request = request.header("dpop", bound.proof().signed(&bound.key));
    assert_eq!(bound.issuer.send(&request).await.status, 200);
    let calls = bound.issuer.dynamo.take_calls();
    assert_eq!(calls, ["BatchGetItem", "PutItem", "UpdateItem"]);
    // What is refused for its proof costs nothing.
    let bad = bound.proof().claiming("htm", json!("GET"));
    bound
        .ask(&bad)
        .await
        .assert_refused(400, "invalid_dpop_proof");
    assert!(bound.issuer.dynamo.take_calls().is_empty());
}

#[tokio::test]
async fn rfc9449_11_1_a_proof_is_new_for_a_minute_either_way_and_remembered_for_longer() {
    for (offset, accepted) in [(-60_i64, true), (-61, false), (60, true), (61, false)] {
        let bound = Bound::new(false).await;
        let at = bound.issuer.now().seconds().saturating_add_signed(offset);
        let proof = bound.proof().claiming("iat", json!(at));
        let status = bound.ask(&proof).await.status;
        assert_eq!(status == 200, accepted, "{offset}");
    }
    let bound = Bound::new(false).await;
    let ahead = bound.issuer.now().seconds() + 60;
    let proof = bound.proof().claiming("iat", json!(ahead));
    assert_eq!(bound.ask(&proof).await.status, 200);
    for _ in 0..120 {
        let again = bound.ask(&proof).await;
        again.assert_refused(400, "invalid_dpop_proof");
        bound.issuer.pass(1);
    }
}

#[tokio::test]
async fn rfc9449_8_a_nonce_is_demanded_given_and_good_for_five_minutes() {
    let bound = Bound::new(true).await;
    let refused = bound.ask(&bound.proof()).await;
    refused.assert_refused(400, "use_dpop_nonce");
    let nonce = refused.header("dpop-nonce").expect("a nonce").to_owned();
    // Nothing was read or written for it.
    assert!(bound.issuer.dynamo.take_calls().is_empty());
    let exposed = refused.header("access-control-expose-headers");
    assert!(exposed.is_some_and(|names| names.contains("DPoP-Nonce")));
    for (age, accepted) in [(0, true), (299, true), (1, false)] {
        bound.issuer.pass(age);
        let proof = bound.proof().claiming("nonce", json!(nonce));
        let answer = bound.ask(&proof).await;
        assert_eq!(answer.status == 200, accepted, "{age}: {}", answer.body);
        assert!(answer.header("dpop-nonce").is_some(), "RFC 9449 §8.2");
    }
}

/// A nonce says when the proof was made, so that a client with a wrong clock can have tokens.
#[tokio::test]
async fn rfc9449_8_a_proof_with_a_nonce_may_have_any_time_and_is_still_good_once() {
    let bound = Bound::new(true).await;
    let refused = bound.ask(&bound.proof()).await;
    let nonce = json!(refused.header("dpop-nonce").expect("a nonce"));
    let proof = bound
        .proof()
        .claiming("nonce", nonce)
        .claiming("iat", json!(1));
    assert_eq!(bound.ask(&proof).await.status, 200);
    for _ in 0..3 {
        bound.issuer.pass(99);
        let again = bound.ask(&proof).await;
        again.assert_refused(400, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn rfc9449_8_a_made_up_nonce_is_none() {
    let bound = Bound::new(true).await;
    let refused = bound.ask(&bound.proof()).await;
    let nonce = refused.header("dpop-nonce").expect("a nonce").to_owned();
    let flipped = match nonce.strip_suffix('A') {
        Some(rest) => format!("{rest}B"),
        None => format!("{}A", &nonce[..nonce.len() - 1]),
    };
    let of_another_key = format!("AAAAAg{}", &nonce[6..]);
    for bad in [
        "",
        "x",
        &"A".repeat(38),
        &flipped,
        &of_another_key,
        &nonce[1..],
    ] {
        let proof = bound.proof().claiming("nonce", json!(bad));
        bound
            .ask(&proof)
            .await
            .assert_refused(400, "use_dpop_nonce");
    }
}

/// Nobody asks for nonces where no operator wants them.
#[tokio::test]
async fn without_the_setting_a_nonce_is_neither_given_nor_looked_at() {
    let bound = Bound::new(false).await;
    let answer = bound
        .ask(&bound.proof().claiming("nonce", json!("x")))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("dpop-nonce"), None);
}

/// What cannot be recorded is not issued, and a retry with a new proof finishes it (invariants 8 and 9).
#[tokio::test(start_paused = true)]
async fn invariant_8_a_proof_whose_claim_fails_issues_nothing_and_a_new_one_does() {
    for fault in [
        Fault::Before,
        Fault::After,
        Fault::Silence,
        Fault::Throttled,
    ] {
        let bound = Bound::new(false).await;
        let grant = bound.issuer.grant(&bound.client, |_| {}).await;
        let refresh = async |proof: &TestProof| {
            let request = HttpRequest::refresh(&bound.client, &grant.token);
            let request = request.header("dpop", proof.signed(&bound.key));
            bound.issuer.send(&request).await
        };
        // Every attempt of the claim, which follows the read of the grant.
        bound
            .issuer
            .dynamo
            .plan_for("PutItem", vec![Some(fault); 3]);
        let lost = refresh(&bound.proof()).await;
        lost.assert_unavailable();
        assert_eq!(bound.issuer.stored(&grant).await.generation, 1, "{fault:?}");
        let answer = refresh(&bound.proof()).await;
        assert_eq!(answer.string("token_type"), "DPoP", "{fault:?}");
    }
}
