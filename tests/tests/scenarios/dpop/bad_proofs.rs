//! Proofs that are wrong in one way (RFC 9449 §4.3): each is refused, and uses up nothing.

use std::thread;

use serde_json::{Value, json};
use tokensmith_tests::assertion::{OwnKey, now};
use tokensmith_tests::forge::base64url;
use tokensmith_tests::{Answer, HttpRequest, TestProof};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

use super::Bound;

fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {}", answer.body);
    assert_eq!(answer.error(), (400, "invalid_dpop_proof".into()), "{what}");
}

#[test]
fn rfc9449_4_3_each_bad_proof_is_refused_and_uses_up_nothing() {
    let bound = Bound::new();
    let (good, key) = (bound.proof(), &bound.key);
    let token_url = format!("{}{}", bound.issuer.url, paths::TOKEN);
    let other = OwnKey::new(SignatureAlgorithm::ES256);
    let ed25519 = OwnKey::new(SignatureAlgorithm::EdDSA);
    let mut private = key.bare_jwk();
    private["d"] = json!(base64url([7; 32]));
    let claiming = |name: &str, value: Value| good.clone().claiming(name, value).signed(key);
    let saying = |name: &str, value: Value| good.clone().saying(name, value).signed(key);
    let mut cases = vec![
        ("no JWT", "x".to_owned()),
        ("no jti", claiming("jti", Value::Null)),
        ("an empty jti", claiming("jti", json!(""))),
        ("a jti that is no text", claiming("jti", json!(1))),
        ("a very long jti", claiming("jti", json!("x".repeat(600)))),
        ("no htm", claiming("htm", Value::Null)),
        ("another htm", claiming("htm", json!("GET"))),
        ("htm in lower case", claiming("htm", json!("post"))),
        ("no htu", claiming("htu", Value::Null)),
        ("no iat", claiming("iat", Value::Null)),
        ("an iat that is no number", claiming("iat", json!("now"))),
        ("old", claiming("iat", json!(now() - 100))),
        ("from the future", claiming("iat", json!(now() + 100))),
        ("negative", claiming("iat", json!(-1))),
        ("no typ", saying("typ", Value::Null)),
        ("JWT as typ", saying("typ", json!("JWT"))),
        ("HS256", saying("alg", json!("HS256"))),
        ("none", saying("alg", json!("none"))),
        ("RS256 with an EC key", saying("alg", json!("RS256"))),
        ("a private key", saying("jwk", private)),
        ("no key", saying("jwk", Value::Null)),
        (
            "a symmetric key",
            saying("jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ),
        ("a key that is none", saying("jwk", json!("key"))),
        ("crit", saying("crit", json!(["exp"]))),
        ("the key of somebody else", saying("jwk", other.bare_jwk())),
        ("the key of another kind", saying("jwk", ed25519.bare_jwk())),
        ("signed by somebody else", good.signed(&other)),
        (
            "unsigned",
            format!("{}.", good.signed(key).rsplit_once('.').expect("parts").0),
        ),
        ("two in one header", format!("{0}, {0}", good.signed(key))),
    ];
    for url in [
        format!("{}/oauth2/refresh", bound.issuer.url),
        "https://issuer.evil/oauth2/token".to_owned(),
        token_url
            .replacen("127.0.0.1", "127.0.0.2", 1)
            .replacen("http://", "https://", 1),
        paths::TOKEN.to_owned(),
        String::new(),
    ] {
        cases.push(("another htu", claiming("htu", json!(url))));
    }
    for (what, proof) in &cases {
        assert_refused(&bound.ask(proof), what);
    }
    // A gateway makes one header of two: API Gateway with a comma, as above, and the one of cargo-lambda keeps the last.
    if !bound.issuer.is_behind_gateway() {
        let twice = HttpRequest::client_credentials(&bound.client);
        let twice = twice
            .header("dpop", good.signed(key))
            .header("dpop", good.signed(key));
        assert_refused(&bound.issuer.send(&twice), "two headers");
    }
    // The same jti, in a proof that is good: none of these has used it.
    assert_eq!(bound.ask(&good.signed(key)).string("token_type"), "DPoP");
}

#[test]
fn rfc9449_4_3_htu_is_the_issuers_own_url_whatever_the_request_calls_its_host() {
    let bound = Bound::new();
    let request = HttpRequest::client_credentials(&bound.client);
    let lying = TestProof::new(&bound.key, "POST", "http://issuer.evil/oauth2/token");
    let sent = request.header("dpop", lying.signed(&bound.key));
    if !bound.issuer.url.starts_with("https") {
        let answer = bound.issuer.send_to("issuer.evil", &sent);
        assert_refused(&answer, "the host of the request");
    }
    for htu in [
        format!("{}{}?a=b#c", bound.issuer.url, paths::TOKEN),
        format!("{}/oauth2/./token", bound.issuer.url),
        format!("{}/%6Fauth2/token", bound.issuer.url),
    ] {
        let proof = bound.proof().claiming("htu", json!(htu));
        let answer = bound.ask(&proof.signed(&bound.key));
        assert_eq!(answer.string("token_type"), "DPoP", "{htu}");
    }
}

#[test]
fn invariant_2_a_proof_is_good_for_one_request() {
    let bound = Bound::new();
    let proof = bound.proof().signed(&bound.key);
    assert_eq!(bound.ask(&proof).status, 200);
    assert_refused(&bound.ask(&proof), "replayed");
    // Another proof of the same key, or the same jti by another key, is another proof.
    let other = OwnKey::new(SignatureAlgorithm::ES256);
    let first = bound.proof();
    assert_eq!(bound.ask(&first.signed(&bound.key)).status, 200);
    let same_id = first.saying("jwk", other.bare_jwk());
    assert_eq!(bound.ask(&same_id.signed(&other)).status, 200);
}

#[test]
fn invariant_2_of_parallel_requests_with_one_proof_one_succeeds() {
    let bound = Bound::new();
    let proof = bound.proof().signed(&bound.key);
    let answers = thread::scope(|scope| {
        let ask = || bound.ask(&proof);
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(ask)).collect();
        let joined = threads
            .into_iter()
            .map(|one| one.join().expect("an answer"));
        joined.collect::<Vec<_>>()
    });
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_refused(refused, "in parallel");
    }
}

/// A stranger with a proof of their own making writes nothing (DESIGN: what is refused burns nothing).
#[test]
fn a_request_that_is_refused_uses_up_no_proof() {
    let bound = Bound::new();
    let proof = bound.proof().signed(&bound.key);
    let stranger = bound.client.with_wrong_secret();
    let request = HttpRequest::client_credentials(&stranger).header("dpop", proof.as_str());
    bound
        .issuer
        .send(&request)
        .assert_refused(401, "invalid_client");
    let wide = HttpRequest::post(paths::TOKEN, "grant_type=client_credentials&scope=more");
    let wide = wide.by(&bound.client).header("dpop", proof.as_str());
    bound
        .issuer
        .send(&wide)
        .assert_refused(400, "invalid_scope");
    assert_eq!(bound.ask(&proof).string("token_type"), "DPoP");
}

#[test]
fn rfc9449_6_a_proof_is_no_client_assertion_and_an_assertion_no_proof() {
    let bound = Bound::new();
    let claims = tokensmith_tests::assertion::assertion_claims(&bound.client, &bound.issuer.url);
    let assertion = bound.key.jwt(&claims);
    assert_refused(&bound.ask(&assertion), "an assertion");
    let proof = bound.proof().signed(&bound.key);
    let form = [("grant_type", "client_credentials")];
    let request = HttpRequest::asserted(paths::TOKEN, &form, &proof);
    bound
        .issuer
        .send(&request)
        .assert_refused(401, "invalid_client");
}
