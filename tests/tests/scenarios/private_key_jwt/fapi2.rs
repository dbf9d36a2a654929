//! The modules about client assertions of the OpenID conformance suite's plans for FAPI 2.0 (Security Profile
//! Final, §5.3.2.1): each scenario has the name of its module. Those that the suite sends to the pushed
//! authorization request endpoint go to the token endpoint. What is about clients of the profile `fapi2` alone is in
//! `scenarios/fapi2`.

use serde_json::{Value, json};
use tokensmith_tests::HttpRequest;
use tokensmith_tests::assertion::now;

use super::Signing;

/// An assertion with these claims in place of the good ones is refused.
fn refused(module: &str, changes: impl Fn(&Signing) -> Value) {
    let signing = Signing::new();
    let claims = changed(&signing, changes(&signing));
    signing.refuses(&signing.key.jwt(&claims), module);
}

/// An assertion with these claims in place of the good ones is accepted.
fn accepted(module: &str, changes: Value) {
    let signing = Signing::new();
    let claims = changed(&signing, changes);
    let answer = signing.token(&signing.key.jwt(&claims));
    assert_eq!(answer.status, 200, "{module}: {}", answer.body);
}

fn changed(signing: &Signing, changes: Value) -> Value {
    let mut claims = signing.claims();
    let members = changes.as_object().expect("claims").clone();
    claims.as_object_mut().expect("claims").extend(members);
    claims
}

#[test]
fn fapi2_ensure_client_assertion_in_token_endpoint() {
    let signing = Signing::new();
    let form = [("grant_type", "client_credentials")];
    let with_id = [form[0], ("client_id", signing.client.id.as_str())];
    for form in [&form[..], &with_id] {
        let answer = signing
            .issuer
            .send(&HttpRequest::form("/oauth2/token", form));
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()));
    }
}

/// The client id of another client.
#[test]
fn fapi2_ensure_client_id_in_token_endpoint() {
    let signing = Signing::new();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "another"),
    ];
    let request = HttpRequest::asserted("/oauth2/token", &form, &signing.assertion());
    let answer = signing.issuer.send(&request);
    assert_eq!(answer.error(), (400, "invalid_request".to_owned()));
}

#[test]
fn fapi2_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails() {
    refused("exp", |_| json!({ "exp": now() - 300 }));
}

#[test]
fn fapi2_ensure_client_assertion_with_wrong_aud_fails() {
    for audience in ["https://other.example", "", "https://127.0.0.1"] {
        refused(audience, |_| json!({ "aud": audience }));
    }
    refused(
        "with a slash",
        |signing| json!({ "aud": format!("{}/", signing.issuer.url) }),
    );
}

#[test]
fn fapi2_ensure_client_assertion_with_no_sub_fails() {
    refused("no sub", |_| json!({ "sub": null }));
    refused("no iss", |_| json!({ "iss": null }));
    refused("another iss", |_| json!({ "iss": "somebody" }));
}

#[test]
fn fapi2_par_token_endpoint_as_audience_fails() {
    refused(
        "the token endpoint",
        |signing| json!({ "aud": format!("{}/oauth2/token", signing.issuer.url) }),
    );
}

#[test]
fn fapi2_par_endpoint_as_audience_fails() {
    refused(
        "the endpoint that is asked for something else",
        |signing| json!({ "aud": format!("{}/oauth2/par", signing.issuer.url) }),
    );
}

#[test]
fn fapi2_par_endpoint_as_array_audience_fails() {
    refused(
        "the issuer in an array",
        |signing| json!({ "aud": [signing.issuer.url] }),
    );
    refused("two in an array", |signing| {
        let url = &signing.issuer.url;
        json!({ "aud": [url, format!("{url}/oauth2/par")] })
    });
}

#[test]
fn fapi2_par_ensure_jwt_client_assertion_with_iat_nbf_8_seconds_in_the_future_is_accepted() {
    accepted("8 s", json!({ "iat": now() + 8, "nbf": now() + 8 }));
}

#[test]
fn fapi2_par_ensure_jwt_client_assertion_with_iat_nbf_over_60_seconds_in_the_future_fails() {
    refused("nbf", |_| json!({ "nbf": now() + 120 }));
    refused("iat", |_| json!({ "iat": now() + 120 }));
}

/// What libraries send besides: a fraction of a second, and an hour, as Authlib says.
#[test]
fn fapi2_happy_flow() {
    accepted("as libraries do", json!({}));
    accepted("a fraction", json!({ "iat": 0.5 + now() as f64 }));
    accepted("an hour", json!({ "exp": now() + 3600 }));
}
