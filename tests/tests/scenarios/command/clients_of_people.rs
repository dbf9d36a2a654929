//! What a client that people use is registered with.

use std::fs;

use serde_json::{Value, json};
use tokensmith_tests::{TestIssuer, unique};

#[test]
fn a_client_that_people_are_sent_back_to_is_there_for_them() {
    let issuer = TestIssuer::shared();
    let code_and_refresh = json!(["authorization_code", "refresh_token"]);
    for (more, redirect) in [
        (vec![], "https://shop.example/cb"),
        (vec!["--public"], "com.example.shop:/cb"),
    ] {
        let uri = format!("--redirect-uri={redirect}");
        let id = unique("people");
        let create = ["client", "create", "--id", &id, &uri];
        issuer.change(&[&create[..], &more[..]].concat());
        let shown = issuer.manage(&["client", "show", &id]);
        assert_eq!(shown["grant_types"], code_and_refresh, "{more:?}");
        assert_eq!(shown["redirect_uris"], json!([redirect]));
        assert_eq!(shown["client_name"], Value::Null);
        assert_eq!(shown["first_party"], json!(false));
        assert_eq!(shown["pkce"], json!("required"));
    }
}

#[test]
fn what_people_see_of_a_client_can_be_changed_set_back_and_applied_again() {
    let issuer = TestIssuer::shared();
    let everything = [
        "--name=The shop",
        "--redirect-uri=https://shop.example/cb",
        "--redirect-uri=https://shop.example/cb",
        "--redirect-uri=http://127.0.0.1/cb",
        "--post-logout-redirect-uri=https://shop.example/bye",
        "--first-party",
        "--pkce=optional",
    ];
    let id = issuer.register("seen", &everything).id;
    let shown = issuer.manage(&["client", "show", &id]);
    for (name, value) in [
        ("client_name", json!("The shop")),
        (
            "redirect_uris",
            json!(["https://shop.example/cb", "http://127.0.0.1/cb"]),
        ),
        (
            "post_logout_redirect_uris",
            json!(["https://shop.example/bye"]),
        ),
        ("first_party", json!(true)),
        ("pkce", json!("optional")),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("clients.json");
    fs::write(&file, json!([shown]).to_string()).expect("written");
    let applied = issuer.change(&["client", "apply", "--file", file.to_str().expect("text")]);
    assert_eq!(
        applied["updated"],
        json!([]),
        "what is shown can be applied"
    );

    let changed = issuer.change(&["client", "update", &id, "--first-party=false"]);
    assert_eq!(changed["first_party"], json!(false));
    assert_eq!(changed["client_name"], json!("The shop"));
    let unset = [
        "--unset=name",
        "--unset=redirect-uri",
        "--unset=post-logout-redirect-uri",
        "--unset=pkce",
        "--unset=grant",
    ];
    let plain = issuer.change(&[&["client", "update", &id], &unset[..]].concat());
    for (name, value) in [
        ("client_name", Value::Null),
        ("redirect_uris", json!([])),
        ("post_logout_redirect_uris", json!([])),
        ("pkce", json!("required")),
        ("grant_types", json!(["client_credentials"])),
    ] {
        assert_eq!(plain[name], value, "{name}");
    }
}

#[test]
fn rfc6749_3_1_2_and_rfc9700_2_1_1_a_client_of_people_that_would_be_unsafe_is_refused() {
    let issuer = TestIssuer::shared();
    let uri = "--redirect-uri=https://shop.example/cb";
    let long = format!("--name={}", "x".repeat(129));
    for (options, code, reason) in [
        (vec!["--grant=authorization_code"], 1, "--redirect-uri"),
        (
            vec!["--public", uri, "--pkce=optional"],
            1,
            "--pkce required",
        ),
        (
            vec!["--public", uri, "--grant=client_credentials"],
            1,
            "no client_credentials",
        ),
        (vec!["--redirect-uri=http://shop.example/cb"], 2, "https"),
        (vec!["--redirect-uri=javascript:alert(1)"], 2, "https"),
        (vec!["--pkce=never"], 2, "required or optional"),
        (vec![uri, long.as_str()], 1, "1 to 128"),
    ] {
        let id = unique("refused");
        let create = [&["client", "create", "--id", &id], &options[..]].concat();
        let refused = issuer.try_manage(&create);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(code), "{options:?}: {told}");
        assert!(told.contains(reason), "{options:?}: {told}");
    }
    let id = issuer.register("kept", &[uri]).id;
    let refused = issuer.try_manage(&["client", "update", &id, "--unset=redirect-uri"]);
    assert_eq!(refused.status.code(), Some(1), "it may still use codes");
}
