//! Static claims: what the tokens that a client gets for itself say besides what every token says.

use serde_json::{Value, json};
use tokensmith_tests::{HttpRequest, TestIssuer, unique};

#[test]
fn static_claims_are_in_the_tokens_that_the_client_gets_for_itself_and_in_no_other() {
    let issuer = TestIssuer::shared();
    let client = issuer.register(
        "claims",
        &[
            "--grant=client_credentials",
            "--grant=refresh_token",
            "--claim=tenant=\"t1\"",
            "--claim=https://example.com/limits={\"seats\": 5}",
        ],
    );
    let claims = issuer.token(&client, "").token().claims;
    assert_eq!(claims["tenant"], "t1");
    assert_eq!(claims["https://example.com/limits"], json!({ "seats": 5 }));
    let grant = issuer.grant(&client, &unique("user"), &[]);
    let refreshed = issuer.send(&HttpRequest::refresh(&client, &grant.token));
    assert_eq!(refreshed.token().claims["tenant"], Value::Null);

    let shown = issuer.manage(&["client", "show", &client.id]);
    let both = json!({ "tenant": "t1", "https://example.com/limits": { "seats": 5 } });
    assert_eq!(shown["claims"], both);
    let less = ["--claim=plan=\"gold\"", "--remove-claim=tenant"];
    let changed = issuer.change(&[&["client", "update", &client.id], &less[..]].concat());
    let both = json!({ "plan": "gold", "https://example.com/limits": { "seats": 5 } });
    assert_eq!(changed["claims"], both);
    let none = issuer.change(&["client", "update", &client.id, "--unset=claim"]);
    assert_eq!(none["claims"], json!({}));
}

#[test]
fn a_claim_that_is_not_allowed_is_refused_and_the_reason_is_named() {
    let issuer = TestIssuer::shared();
    let long = format!("a=\"{}\"", "x".repeat(1024));
    for (claim, code, reason) in [
        ("sub=\"root\"", 1, "sub means something already"),
        ("roles=[\"admin\"]", 1, "roles means something already"),
        ("two words=1", 1, "cannot name a claim"),
        ("deep=[[[[[]]]]]", 1, "more than 4 levels"),
        (long.as_str(), 1, "1024 bytes"),
        ("tenant=t1", 2, "text stands in quotes"),
        ("tenant", 2, "NAME=JSON"),
    ] {
        let id = unique("refused");
        let refused = issuer.try_manage(&["client", "create", "--id", &id, "--claim", claim]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(code), "{claim}: {told}");
        assert!(told.contains(reason), "{claim}: {told}");
    }
}
