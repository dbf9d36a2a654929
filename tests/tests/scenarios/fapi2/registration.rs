//! Which clients may have the profile.

use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::{TestIssuer, unique};
use tokensmith_verifier::jose::SignatureAlgorithm;

#[test]
fn only_a_client_that_can_keep_to_the_profile_may_have_it() {
    let issuer = TestIssuer::shared();
    let directory = tempfile::tempdir().expect("a directory");
    let jwks = directory.path().join("jwks.json");
    let key = OwnKey::new(SignatureAlgorithm::ES256);
    std::fs::write(&jwks, key.jwks().to_string()).expect("a file");
    let jwks = format!("--jwks={}", jwks.display());
    let signs = ["--auth=private_key_jwt", jwks.as_str()];
    for (arguments, expected) in [
        (&["--alg=ES256"][..], "--auth private_key_jwt"),
        (&["--public", "--alg=ES256"], "--auth private_key_jwt"),
        (&signs, "--alg"),
        (&[signs[0], signs[1], "--alg=RS256"], "--alg"),
        (
            &[
                signs[0],
                signs[1],
                "--alg=ES256",
                "--assertion-audience=token-endpoint",
            ],
            "--assertion-audience",
        ),
        (
            &[signs[0], signs[1], "--alg=ES256", "--pkce=optional"],
            "--pkce",
        ),
    ] {
        let id = format!("--id={}", unique("fapi"));
        let create = ["client", "create", "--profile=fapi2", &id];
        let refused = issuer.try_manage(&[&create, arguments].concat());
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
    let client = issuer.register_keys("fapi", &[&key], &["--profile=fapi2", "--alg=ES256"]);
    let shown = issuer.manage(&["client", "show", &client.id]);
    assert_eq!(shown["profile"], "fapi2");
    let weaker = issuer.try_manage(&["client", "update", &client.id, "--alg=RS256"]);
    assert!(!weaker.status.success());
    let without = issuer.change(&["client", "update", &client.id, "--unset=profile"]);
    assert!(without["profile"].is_null());
}
