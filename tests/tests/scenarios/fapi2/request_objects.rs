//! Signed requests (RFC 9101), which are pushed: the modules of the plan `fapi2-message-signing-final-test-plan` about them.

use serde_json::{Map, Value, json};
use tokensmith_tests::assertion::{OwnKey, now};
use tokensmith_tests::{Answer, CodeFlow, HttpRequest};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

use super::codes::{Flow, other_client};

impl Flow {
    /// What a good request object says.
    fn object(&self, flow: &CodeFlow) -> Value {
        let pairs = flow.parameters.iter();
        let pairs = pairs.map(|(name, value)| (name.clone(), json!(value)));
        let mut claims: Map<String, Value> = pairs.collect();
        let about = json!({
            "iss": self.world.client.id, "aud": self.world.issuer.url,
            "nbf": now(), "exp": now() + 300,
        });
        claims.extend(about.as_object().expect("claims").clone());
        claims.into()
    }

    fn push_signed(&self, object: &str) -> Answer {
        let form = [("request", object)];
        let request = self.asserted(paths::PUSHED_AUTHORIZATION, &form);
        self.send(request, Some(&self.proofs))
    }
}

fn signed_with(change: impl FnOnce(&Flow, &mut Value)) -> Answer {
    let fapi = Flow::new();
    let mut claims = fapi.object(&fapi.flow());
    change(&fapi, &mut claims);
    fapi.push_signed(&fapi.key.jwt(&claims))
}

fn refused(what: &str, change: impl FnOnce(&Flow, &mut Value)) {
    let answer = signed_with(change);
    assert_eq!(
        answer.error(),
        (400, "invalid_request_object".into()),
        "{what}"
    );
}

#[test]
fn fapi2_message_signing_happy_flow() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    for typ in [json!("oauth-authz-req+jwt"), json!("JWT"), Value::Null] {
        let mut header = fapi.key.header();
        header["typ"] = typ;
        if header["typ"].is_null() {
            header.as_object_mut().expect("a header").remove("typ");
        }
        let object = fapi.key.sign(&header, &fapi.object(&flow));
        let pushed = fapi.push_signed(&object);
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        let opened = fapi.opened(&flow, &pushed.string("request_uri"));
        let back = fapi.world.approve(&opened);
        let code = flow.code(&fapi.world.issuer, &back);
        let answer = fapi.redeem(&flow, &code);
        assert_eq!(answer.string("token_type"), "DPoP");
    }
}

/// RFC 9101 §6.3, and the suite's modules about state and nonce inside and outside.
#[test]
fn fapi2_ensure_what_is_outside_the_request_object_is_not_used() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let object = fapi.key.jwt(&fapi.object(&flow));
    let form = [
        ("request", object.as_str()),
        ("state", "other"),
        ("nonce", "other"),
        ("scope", "write"),
        ("redirect_uri", "https://evil.example/"),
    ];
    let request = fapi.asserted(paths::PUSHED_AUTHORIZATION, &form);
    let pushed = fapi.send(request, Some(&fapi.proofs));
    let opened = fapi.opened(&flow, &pushed.string("request_uri"));
    let back = fapi.world.approve(&opened);
    let code = flow.code(&fapi.world.issuer, &back);
    let token = fapi.redeem(&flow, &code).token();
    assert_eq!(token.claims["scope"], "openid read");
}

#[test]
fn fapi2_ensure_server_accepts_request_object_with_multiple_aud() {
    let answer = signed_with(|fapi, claims| {
        claims["aud"] = json!(["https://other.example", fapi.world.issuer.url]);
    });
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[test]
fn fapi2_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted() {
    let answer = signed_with(|_, claims| claims["nbf"] = json!(now() + 8));
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[test]
fn fapi2_ensure_request_object_without_exp_or_nbf_fails() {
    for name in ["exp", "nbf"] {
        refused(name, |_, claims| {
            claims.as_object_mut().expect("claims").remove(name);
        });
    }
}

#[test]
fn fapi2_ensure_expired_request_object_fails() {
    refused("exp", |_, claims| claims["exp"] = json!(now() - 300));
}

#[test]
fn fapi2_ensure_request_object_with_bad_aud_fails() {
    refused("another", |_, claims| {
        claims["aud"] = json!("https://other.example")
    });
    refused("none", |_, claims| {
        claims.as_object_mut().expect("claims").remove("aud");
    });
}

#[test]
fn fapi2_ensure_request_object_with_exp_or_nbf_over_60_fails() {
    refused("exp", |_, claims| claims["exp"] = json!(now() + 4200));
    refused("nbf", |_, claims| claims["nbf"] = json!(now() - 4200));
    refused("nbf ahead", |_, claims| claims["nbf"] = json!(now() + 120));
}

#[test]
fn fapi2_ensure_request_object_signature_algorithm_is_not_none_nor_symmetric() {
    let fapi = Flow::new();
    let claims = fapi.object(&fapi.flow());
    for algorithm in ["none", "HS256"] {
        let mut header = fapi.key.header();
        header["alg"] = json!(algorithm);
        let object = fapi.key.sign(&header, &claims);
        let answer = fapi.push_signed(&object);
        answer.assert_refused(400, "invalid_request_object");
    }
}

#[test]
fn fapi2_ensure_request_object_with_invalid_signature_fails() {
    let fapi = Flow::new();
    let good = fapi.key.jwt(&fapi.object(&fapi.flow()));
    let other = OwnKey::new(SignatureAlgorithm::ES256);
    let (signed, _) = good.rsplit_once('.').expect("parts");
    let of_another = other.sign(&fapi.key.header(), &fapi.object(&fapi.flow()));
    for bad in [format!("{signed}."), format!("{signed}.AAAA"), of_another] {
        fapi.push_signed(&bad)
            .assert_refused(400, "invalid_request_object");
    }
}

#[test]
fn fapi2_ensure_matching_key_in_authorization_request() {
    let fapi = Flow::new();
    let (client, key) = other_client(&fapi);
    let mut claims = fapi.object(&fapi.flow());
    claims["iss"] = json!(client.id);
    claims["client_id"] = json!(client.id);
    for signer in [&key, &fapi.key] {
        let answer = fapi.push_signed(&signer.jwt(&claims));
        answer.assert_refused(400, "invalid_request_object");
    }
}

#[test]
fn fapi2_par_reject_request_uri_in_par_authorization_request() {
    let urn = "urn:ietf:params:oauth:request_uri:x";
    refused("request_uri", |_, claims| {
        claims["request_uri"] = json!(urn)
    });
    refused("request", |_, claims| claims["request"] = json!("a.b.c"));
}

/// RFC 9101 §10.8: an assertion is no request, and a request no assertion.
#[test]
fn rfc9101_10_8_what_is_signed_for_something_else_is_no_request() {
    refused("sub", |fapi, claims| {
        claims["sub"] = json!(fapi.world.client.id)
    });
    let fapi = Flow::new();
    let object = fapi.key.jwt(&fapi.object(&fapi.flow()));
    let form = [("grant_type", "client_credentials")];
    let request = HttpRequest::asserted(paths::TOKEN, &form, &object);
    let answer = fapi.send(request, Some(&fapi.proofs));
    answer.assert_refused(401, "invalid_client");
}

#[test]
fn a_request_object_at_the_authorization_endpoint_is_not_read() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let object = fapi.key.jwt(&fapi.object(&flow));
    let flow = flow.with("request", &object);
    let back = flow.begin(&mut fapi.world.person, &fapi.world.issuer);
    let back = back.elsewhere();
    let error = flow.error(&fapi.world.issuer, &back);
    assert_eq!(error, "request_not_supported");
}
