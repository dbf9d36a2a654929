//! The modules of the variant `fapi_client_credentials_grant`, which needs no browser. The suite's modules about assertions are in
//! `private_key_jwt/fapi2.rs` for every client that signs.

use serde_json::{Value, json};
use tokensmith_tests::assertion::{OwnKey, now};
use tokensmith_tests::{HttpRequest, TestProof};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

use super::{Fapi, OWN};

#[test]
fn fapi2_discovery_endpoint_verification() {
    let fapi = Fapi::new(&[]);
    let request = HttpRequest::get(paths::AUTHORIZATION_SERVER_METADATA);
    let metadata = fapi.issuer.send(&request).json();
    assert_eq!(metadata["issuer"], fapi.issuer.url);
    let lists = |name: &str, value: &str| {
        let listed = metadata[name].as_array().expect(name);
        assert!(listed.contains(&json!(value)), "{name}: {listed:?}");
    };
    lists("grant_types_supported", "client_credentials");
    lists("token_endpoint_auth_methods_supported", "private_key_jwt");
    for algorithm in ["PS256", "ES256", "EdDSA"] {
        lists(
            "token_endpoint_auth_signing_alg_values_supported",
            algorithm,
        );
        lists("dpop_signing_alg_values_supported", algorithm);
    }
    lists("code_challenge_methods_supported", "S256");
    for name in [
        "pushed_authorization_request_endpoint",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
    ] {
        assert!(metadata[name].is_string(), "{name}");
    }
    let iss = "authorization_response_iss_parameter_supported";
    assert_eq!(metadata[iss], true);
}

#[test]
fn fapi2_happy_flow() {
    for algorithm in [
        SignatureAlgorithm::PS256,
        SignatureAlgorithm::ES256,
        SignatureAlgorithm::EdDSA,
    ] {
        let mut fapi = Fapi::with(algorithm, &[]);
        fapi.proofs = OwnKey::new(algorithm);
        let answer = fapi.issuer.send(&fapi.request(paths::TOKEN, &OWN));
        assert_eq!(answer.string("token_type"), "DPoP", "{algorithm}");
        let token = answer.token();
        assert_eq!(token.claims["aud"], fapi.resource);
        assert_eq!(token.claims["cnf"]["jkt"], fapi.proofs.thumbprint());
        assert_eq!(token.header["alg"], "ES256");
        let told = fapi.issuer.introspect(&fapi.server, &answer.access_token());
        assert_eq!(told["token_type"], "DPoP");
    }
}

#[test]
fn fapi2_ensure_signed_client_assertion_with_rs256_fails() {
    for algorithm in [SignatureAlgorithm::RS256, SignatureAlgorithm::ES384] {
        let fapi = Fapi::with(algorithm, &[]);
        for path in [paths::TOKEN, paths::INTROSPECT, paths::PUSHED_AUTHORIZATION] {
            let request = fapi.request(path, &[OWN[0], ("token", "x")]);
            let answer = fapi.issuer.send(&request);
            assert_eq!(answer.error(), (401, "invalid_client".into()), "{path}");
        }
    }
}

#[test]
fn fapi2_a_proof_by_rs256_fails() {
    let fapi = Fapi::new(&[]);
    for algorithm in [SignatureAlgorithm::RS256, SignatureAlgorithm::ES384] {
        let key = OwnKey::new(algorithm);
        let answer = fapi.token_with(&fapi.assertion(), Some(&key));
        answer.assert_refused(400, "invalid_dpop_proof");
    }
}

#[test]
fn fapi2_ensure_holder_of_key_required() {
    let fapi = Fapi::new(&[]);
    let answer = fapi.token_with(&fapi.assertion(), None);
    answer.assert_refused(400, "invalid_dpop_proof");
}

#[test]
fn fapi2_ensure_client_assertion_in_token_endpoint() {
    let fapi = Fapi::new(&[]);
    let request = HttpRequest::form(paths::TOKEN, &OWN).by(&fapi.client);
    let request = request.proving(&fapi.proofs, &fapi.issuer.url);
    fapi.issuer
        .send(&request)
        .assert_refused(401, "invalid_client");
}

#[test]
fn fapi2_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails() {
    refused(|_| json!({ "exp": now() - 300 }));
}

#[test]
fn fapi2_ensure_client_assertion_with_wrong_aud_fails() {
    refused(|fapi| json!({ "aud": format!("{}{}", fapi.issuer.url, paths::TOKEN) }));
    refused(|fapi| json!({ "aud": [fapi.issuer.url] }));
}

#[test]
fn fapi2_ensure_client_assertion_with_no_sub_fails() {
    refused(|_| json!({ "sub": null }));
}

fn refused(changes: impl Fn(&Fapi) -> Value) {
    let fapi = Fapi::new(&[]);
    let mut claims = fapi.claims();
    let changes = changes(&fapi).as_object().expect("claims").clone();
    claims.as_object_mut().expect("claims").extend(changes);
    let answer = fapi.token_with(&fapi.key.jwt(&claims), Some(&fapi.proofs));
    answer.assert_refused(401, "invalid_client");
}

#[test]
fn fapi2_ensure_client_id_in_token_endpoint() {
    let fapi = Fapi::new(&[]);
    let form = [OWN[0], ("client_id", "another")];
    let answer = fapi.issuer.send(&fapi.request(paths::TOKEN, &form));
    answer.assert_refused(400, "invalid_request");
}

fn accepted(change: impl FnOnce(TestProof) -> TestProof) {
    let fapi = Fapi::new(&[]);
    let url = format!("{}{}", fapi.issuer.url, paths::TOKEN);
    let proof = change(TestProof::new(&fapi.proofs, "POST", &url));
    let request = HttpRequest::asserted(paths::TOKEN, &OWN, &fapi.assertion());
    let request = request.header("dpop", proof.signed(&fapi.proofs));
    let answer = fapi.issuer.send(&request);
    assert_eq!(answer.string("token_type"), "DPoP");
}

#[test]
fn fapi2_ensure_dpop_proof_with_iat_10_seconds_before_succeeds() {
    accepted(|proof| proof.claiming("iat", json!(now() - 10)));
}

#[test]
fn fapi2_ensure_dpop_proof_with_iat_10_seconds_after_succeeds() {
    accepted(|proof| proof.claiming("iat", json!(now() + 10)));
}

#[test]
fn fapi2_check_dpop_proof_nbf_exp() {
    accepted(|proof| {
        let proof = proof.claiming("nbf", json!(now()));
        proof.claiming("exp", json!(now() + 300))
    });
}

/// RFC 9110 §11.1: the scheme of a request has no case.
#[test]
fn fapi2_access_token_type_header_case_sensitivity() {
    let fapi = Fapi::new(&[]);
    let answer = fapi.issuer.send(&fapi.request(paths::TOKEN, &OWN));
    let token = answer.access_token();
    let url = format!("{}{}", fapi.issuer.url, paths::USERINFO);
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let proof = TestProof::new(&fapi.proofs, "GET", &url).for_token(&token);
        let request = HttpRequest::get(paths::USERINFO)
            .header("authorization", format!("{scheme} {token}"))
            .header("dpop", proof.signed(&fapi.proofs));
        // The token and its proof are good: it is only that no person gave it.
        let answer = fapi.issuer.send(&request);
        assert!(
            answer.body.contains("speaks for no person"),
            "{}",
            answer.body
        );
    }
}

#[test]
fn fapi2_dpop_negative_tests() {
    let fapi = Fapi::new(&[]);
    let url = format!("{}{}", fapi.issuer.url, paths::TOKEN);
    let good = TestProof::new(&fapi.proofs, "POST", &url);
    let other = OwnKey::new(SignatureAlgorithm::ES256);
    for (what, proof) in [
        ("htm", good.clone().claiming("htm", json!("GET"))),
        (
            "htu",
            good.clone()
                .claiming("htu", json!("https://other.example/")),
        ),
        ("no jti", good.clone().claiming("jti", Value::Null)),
        ("no iat", good.clone().claiming("iat", Value::Null)),
        ("typ", good.clone().saying("typ", json!("JWT"))),
        ("alg", good.clone().saying("alg", json!("none"))),
        ("another key", good.clone().saying("jwk", other.bare_jwk())),
        ("old", good.claiming("iat", json!(now() - 3600))),
    ] {
        let request = HttpRequest::asserted(paths::TOKEN, &OWN, &fapi.assertion());
        let request = request.header("dpop", proof.signed(&fapi.proofs));
        let answer = fapi.issuer.send(&request);
        assert_eq!(answer.error(), (400, "invalid_dpop_proof".into()), "{what}");
    }
}

/// What the resource says may not weaken what the client keeps to.
#[test]
fn a_resource_below_the_profile_is_no_target() {
    let fapi = Fapi::new(&[]);
    for settings in [&["--alg=RS256"][..], &["--unset=dpop", "--unset=alg"]] {
        let update = ["resource", "update", &fapi.resource];
        fapi.issuer.change(&[&update, settings].concat());
        let answer = fapi.issuer.send(&fapi.request(paths::TOKEN, &OWN));
        assert_eq!(
            answer.error(),
            (400, "invalid_target".into()),
            "{settings:?}"
        );
    }
}

/// Whoever has an API key has proved nothing else.
#[test]
fn an_api_key_of_a_client_of_the_profile_opens_nothing() {
    let fapi = Fapi::new(&[]);
    let create = [
        "api-key",
        "create",
        "--client",
        &fapi.client.id,
        "--name=job",
    ];
    let of = ["--resource", &fapi.resource, "--scope=read"];
    let made = fapi.issuer.try_manage(&[&create[..], &of].concat());
    if !made.status.success() {
        let text = String::from_utf8_lossy(&made.stderr);
        panic!("{text}");
    }
    let key: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let key = key["api_key"].as_str().expect("a key");
    let exchange = HttpRequest::exchange(key).proving(&fapi.proofs, &fapi.issuer.url);
    fapi.issuer
        .send(&exchange)
        .assert_refused(400, "invalid_request");
}
