//! The modules of the code flow: requests are pushed, and codes and tokens are bound to the key of the proofs.

use serde_json::json;
use tokensmith_tests::assertion::{OwnKey, assertion_claims, now};
use tokensmith_tests::{Answer, CodeFlow, Form, HttpRequest, TestClient, TestProof, parameter};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;
use url::Url;

use super::{Fapi, register};
use crate::people::{CALLBACK, World};

/// A client of the profile, and somebody with a browser.
pub struct Flow {
    pub world: World,
    pub resource: String,
    pub key: OwnKey,
    pub proofs: OwnKey,
}

const REDIRECTED: [&str; 3] = [
    "--redirect-uri=https://app.example/callback",
    "--scope=openid",
    "--scope=offline_access",
];

impl Flow {
    pub fn new() -> Self {
        let Fapi {
            issuer,
            client,
            resource,
            key,
            proofs,
            ..
        } = Fapi::new(&REDIRECTED);
        Self {
            world: World::of(issuer, client),
            resource,
            key,
            proofs,
        }
    }

    pub fn flow(&self) -> CodeFlow {
        let flow = self.world.flow("openid read");
        flow.with("resource", &self.resource)
    }

    /// A request of the client, by an assertion and without a proof.
    pub fn asserted(&self, path: &str, form: Form<'_>) -> HttpRequest {
        let claims = assertion_claims(&self.world.client, &self.world.issuer.url);
        HttpRequest::asserted(path, form, &self.key.jwt(&claims))
    }

    pub fn send(&self, request: HttpRequest, proofs: Option<&OwnKey>) -> Answer {
        let issuer = &self.world.issuer;
        issuer.send(&match proofs {
            Some(key) => request.proving(key, &issuer.url),
            None => request,
        })
    }

    pub fn push(&self, flow: &CodeFlow) -> Answer {
        self.push_by(flow, Some(&self.proofs))
    }

    fn push_by(&self, flow: &CodeFlow, proofs: Option<&OwnKey>) -> Answer {
        let pairs = flow.parameters.iter();
        let form: Vec<_> = pairs
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.send(self.asserted(paths::PUSHED_AUTHORIZATION, &form), proofs)
    }

    /// Where the client sends the person, once the request was pushed.
    pub fn opened(&self, flow: &CodeFlow, request_uri: &str) -> CodeFlow {
        CodeFlow {
            parameters: vec![
                ("client_id".into(), self.world.client.id.clone()),
                ("request_uri".into(), request_uri.to_owned()),
            ],
            ..flow.clone()
        }
    }

    /// Pushes, signs in and agrees: where the browser goes.
    fn back(&mut self, flow: &CodeFlow) -> Url {
        let pushed = self.push(flow);
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        let opened = self.opened(flow, &pushed.string("request_uri"));
        self.world.approve(&opened)
    }

    fn code(&mut self, flow: &CodeFlow) -> String {
        let back = self.back(flow);
        flow.code(&self.world.issuer, &back)
    }

    pub fn redeem(&self, flow: &CodeFlow, code: &str) -> Answer {
        self.redeem_by(flow, code, Some(&self.proofs))
    }

    fn redeem_by(&self, flow: &CodeFlow, code: &str, proofs: Option<&OwnKey>) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", flow.value("redirect_uri")),
            ("code_verifier", &flow.verifier),
        ];
        self.send(self.asserted(paths::TOKEN, &form), proofs)
    }

    fn refresh_by(&self, token: &str, proofs: Option<&OwnKey>) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.send(self.asserted(paths::TOKEN, &form), proofs)
    }

    /// The flow comes to its end.
    fn succeeds(&mut self, flow: &CodeFlow) -> Answer {
        let code = self.code(flow);
        let answer = self.redeem(flow, &code);
        assert_eq!(answer.string("token_type"), "DPoP", "{}", answer.body);
        answer
    }
}

fn push_refused(change: impl FnOnce(CodeFlow) -> CodeFlow, error: &str) {
    let fapi = Flow::new();
    let answer = fapi.push(&change(fapi.flow()));
    assert_eq!(answer.error(), (400, error.to_owned()), "{}", answer.body);
}

#[test]
fn fapi2_happy_flow() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let answer = fapi.succeeds(&flow);
    let token = answer.token();
    assert_eq!(token.claims["cnf"]["jkt"], fapi.proofs.thumbprint());
    assert_eq!(token.claims["aud"], fapi.resource);
    assert!(answer.json()["id_token"].is_string());
}

#[test]
fn fapi2_user_rejects_authentication() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let pushed = fapi.push(&flow).string("request_uri");
    let opened = fapi.opened(&flow, &pushed);
    let page = fapi.world.sign_in_page(&opened);
    let page = fapi.world.sign_in(&page, crate::people::PASSWORD).page();
    let back = fapi.world.decide(&page, "deny").elsewhere();
    assert_eq!(flow.error(&fapi.world.issuer, &back), "access_denied");
}

#[test]
fn fapi2_ensure_authorization_request_without_state_success() {
    let mut fapi = Flow::new();
    let flow = fapi.flow().without("state");
    let back = fapi.back(&flow);
    assert_eq!(parameter(&back, "state"), None);
    assert!(parameter(&back, "code").is_some());
    let issuer = parameter(&back, "iss");
    assert_eq!(issuer.as_deref(), Some(fapi.world.issuer.url.as_str()));
}

#[test]
fn fapi2_ensure_authorization_request_with_other_nonces_and_states_success() {
    let mut fapi = Flow::new();
    let long = "x".repeat(384);
    for flow in [
        fapi.flow().without("nonce"),
        fapi.flow().with("nonce", &long[..64]),
        fapi.flow().with("nonce", &long),
        fapi.flow().with("state", &long),
        fapi.flow().with("scope", "read openid"),
        fapi.flow().with("claims", r#"{"id_token":{"email":null}}"#),
    ] {
        fapi.succeeds(&flow);
    }
}

#[test]
fn fapi2_check_dpop_proofs_that_must_succeed() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let url = format!("{}{}", fapi.world.issuer.url, paths::TOKEN);
    for (name, value) in [
        ("iat", json!(now() - 10)),
        ("iat", json!(now() + 10)),
        ("exp", json!(now() + 300)),
    ] {
        let code = fapi.code(&flow);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", &flow.verifier),
        ];
        let proof = TestProof::new(&fapi.proofs, "POST", &url).claiming(name, value);
        let request = fapi.asserted(paths::TOKEN, &form);
        let request = request.header("dpop", proof.signed(&fapi.proofs));
        assert_eq!(fapi.send(request, None).string("token_type"), "DPoP");
    }
}

#[test]
fn fapi2_ensure_mismatched_dpop_jkt_fails() {
    let fapi = Flow::new();
    let other = OwnKey::new(SignatureAlgorithm::ES256);
    let flow = fapi.flow().with("dpop_jkt", &other.thumbprint());
    fapi.push(&flow).assert_refused(400, "invalid_dpop_proof");
}

#[test]
fn fapi2_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let code = fapi.code(&flow);
    let other = OwnKey::new(SignatureAlgorithm::ES256);
    for proofs in [Some(&other), None] {
        let refused = fapi.redeem_by(&flow, &code, proofs);
        refused.assert_refused(400, "invalid_dpop_proof");
    }
    assert_eq!(fapi.redeem(&flow, &code).status, 200);
}

/// The key is named, and no proof is pushed.
#[test]
fn fapi2_ensure_dpop_auth_code_binding_success() {
    let mut fapi = Flow::new();
    let flow = fapi.flow().with("dpop_jkt", &fapi.proofs.thumbprint());
    let pushed = fapi.push_by(&flow, None);
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    let opened = fapi.opened(&flow, &pushed.string("request_uri"));
    let back = fapi.world.approve(&opened);
    let code = flow.code(&fapi.world.issuer, &back);
    let other = OwnKey::new(SignatureAlgorithm::ES256);
    let refused = fapi.redeem_by(&flow, &code, Some(&other));
    refused.assert_refused(400, "invalid_dpop_proof");
    assert_eq!(fapi.redeem(&flow, &code).status, 200);
}

#[test]
fn fapi2_a_code_is_always_bound_to_a_key() {
    let fapi = Flow::new();
    let refused = fapi.push_by(&fapi.flow(), None);
    refused.assert_refused(400, "invalid_dpop_proof");
}

#[test]
fn fapi2_ensure_different_state_and_nonce_outside_the_request_are_not_used() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let pushed = fapi.push(&flow).string("request_uri");
    let mut opened = fapi.opened(&flow, &pushed);
    for (name, value) in [("state", "other"), ("nonce", "other"), ("scope", "write")] {
        opened.parameters.push((name.into(), value.into()));
    }
    let back = fapi.world.approve(&opened);
    let code = flow.code(&fapi.world.issuer, &back);
    let token = fapi.redeem(&flow, &code).token();
    assert_eq!(token.claims["scope"], "openid read");
}

#[test]
fn fapi2_ensure_registered_redirect_uri() {
    let other = "https://app.example/other";
    push_refused(|flow| flow.with("redirect_uri", other), "invalid_request");
}

#[test]
fn fapi2_ensure_redirect_uri_in_authorization_request() {
    push_refused(|flow| flow.without("redirect_uri"), "invalid_request");
}

#[test]
fn fapi2_ensure_response_types_other_than_code_fail() {
    for response_type in ["code id_token", "token"] {
        push_refused(
            |flow| flow.with("response_type", response_type),
            "unsupported_response_type",
        );
    }
}

#[test]
fn fapi2_ensure_unsigned_authorization_request_without_using_par_fails() {
    let mut fapi = Flow::new();
    let flow = fapi.flow().with("dpop_jkt", &fapi.proofs.thumbprint());
    let back = flow.begin(&mut fapi.world.person, &fapi.world.issuer);
    let back = back.elsewhere();
    assert_eq!(flow.error(&fapi.world.issuer, &back), "invalid_request");
}

#[test]
fn fapi2_par_ensure_pkce_required() {
    push_refused(
        |flow| {
            let flow = flow.without("code_challenge");
            flow.without("code_challenge_method")
        },
        "invalid_request",
    );
}

#[test]
fn fapi2_par_ensure_plain_pkce_rejected() {
    push_refused(
        |flow| flow.with("code_challenge_method", "plain"),
        "invalid_request",
    );
}

#[test]
fn fapi2_par_incorrect_pkce_code_verifier_rejected() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let code = fapi.code(&flow);
    for verifier in ["", &"x".repeat(43)] {
        let wrong = CodeFlow {
            verifier: verifier.to_owned(),
            ..flow.clone()
        };
        fapi.redeem(&wrong, &code)
            .assert_refused(400, "invalid_grant");
    }
}

#[test]
fn fapi2_par_reject_request_uri_in_par_authorization_form_params() {
    let urn = "urn:ietf:params:oauth:request_uri:x";
    push_refused(
        |flow| flow.with("request_uri", urn),
        "request_uri_not_supported",
    );
}

#[test]
fn fapi2_par_reject_invalid_http_verb() {
    let fapi = Flow::new();
    for method in ["GET", "PUT"] {
        let request = HttpRequest::new(method, paths::PUSHED_AUTHORIZATION);
        assert_eq!(fapi.send(request, None).status, 405, "{method}");
    }
}

#[test]
fn fapi2_par_attempt_reuse_request_uri() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let pushed = fapi.push(&flow).string("request_uri");
    let opened = fapi.opened(&flow, &pushed);
    // Before anybody has agreed it may be opened again: some browsers load a page twice.
    for _ in 0..2 {
        fapi.world.sign_in_page(&opened);
    }
    let back = fapi.world.approve(&opened);
    let code = flow.code(&fapi.world.issuer, &back);
    assert_eq!(fapi.redeem(&flow, &code).status, 200);
    let again = fapi.world.person.open(&fapi.world.issuer, &opened.target());
    if let tokensmith_tests::Place::Elsewhere(back) = again {
        assert_eq!(parameter(&back, "code"), None, "{back}");
    }
}

/// Another client of the same issuer, and its key.
pub fn other_client(fapi: &Flow) -> (TestClient, OwnKey) {
    let key = OwnKey::new(SignatureAlgorithm::ES256);
    let client = register(&fapi.world.issuer, &fapi.resource, &key, &REDIRECTED);
    (client, key)
}

#[test]
fn fapi2_par_ensure_request_uri_is_bound_to_client() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let pushed = fapi.push(&flow).string("request_uri");
    let (client, _) = other_client(&fapi);
    let mut opened = fapi.opened(&flow, &pushed);
    opened.parameters[0].1 = client.id;
    let back = opened.begin(&mut fapi.world.person, &fapi.world.issuer);
    let error = parameter(&back.elsewhere(), "error");
    assert_eq!(error.as_deref(), Some("request_uri_not_supported"));
}

#[test]
fn fapi2_ensure_authorization_code_is_bound_to_client() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let code = fapi.code(&flow);
    let (client, key) = other_client(&fapi);
    let claims = assertion_claims(&client, &fapi.world.issuer.url);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &flow.verifier),
    ];
    let request = HttpRequest::asserted(paths::TOKEN, &form, &key.jwt(&claims));
    let refused = fapi.send(request, Some(&fapi.proofs));
    refused.assert_refused(400, "invalid_grant");
    assert_eq!(fapi.redeem(&flow, &code).status, 200);
}

#[test]
fn fapi2_attempt_reuse_authorization_code_after_one_second() {
    let mut fapi = Flow::new();
    let flow = fapi.flow();
    let code = fapi.code(&flow);
    let token = fapi.redeem(&flow, &code).access_token();
    fapi.redeem(&flow, &code)
        .assert_refused(400, "invalid_grant");
    // RFC 6749 §4.1.2: what the first use has made ends.
    let form = [("token", token.as_str())];
    let told = fapi.send(fapi.asserted(paths::INTROSPECT, &form), None);
    assert_eq!(told.json(), json!({ "active": false }));
}

#[test]
fn fapi2_refresh_token() {
    let mut fapi = Flow::new();
    let flow = fapi.flow().with("scope", "openid read offline_access");
    let first = fapi.succeeds(&flow).refresh_token();
    fapi.refresh_by(&first, None)
        .assert_refused(400, "invalid_dpop_proof");
    let second = fapi.refresh_by(&first, Some(&fapi.proofs));
    assert_eq!(second.string("token_type"), "DPoP");
    // FAPI 2.0 §5.3.2.1: a retry with the previous one succeeds. Refresh tokens of a client that authenticates are not
    // bound to the key.
    let other = OwnKey::new(SignatureAlgorithm::ES256);
    let again = fapi.refresh_by(&first, Some(&other));
    assert_eq!(again.refresh_token(), second.refresh_token());
    assert_eq!(again.token().claims["cnf"]["jkt"], other.thumbprint());
}
