//! Which tokens are bound to a key, and what that means (RFC 9449 §5 to §7).

use serde_json::json;
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::{HttpRequest, TestIssuer, TestProof, unique};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

use super::Bound;
use crate::people::{World, register};

#[test]
fn rfc9449_5_a_token_is_bound_to_the_key_of_the_proof() {
    for algorithm in SignatureAlgorithm::ALL {
        let bound = Bound::with("optional", algorithm, |issuer, arguments| {
            issuer.register("bound", arguments)
        });
        let answer = bound.ask(&bound.proof().signed(&bound.key));
        assert_eq!(answer.string("token_type"), "DPoP", "{algorithm}");
        let token = answer.token();
        assert_eq!(
            token.claims["cnf"],
            json!({ "jkt": bound.key.thumbprint() })
        );
        // RFC 9449 §6.2.
        let told = bound
            .issuer
            .introspect(&bound.server, &answer.access_token());
        assert_eq!(told["token_type"], "DPoP");
        assert_eq!(told["cnf"], json!({ "jkt": bound.key.thumbprint() }));
    }
}

#[test]
fn rfc9449_5_a_token_without_a_proof_is_a_bearer_token() {
    let bound = Bound::new();
    let answer = bound.issuer.token(&bound.client, "");
    assert_eq!(answer.string("token_type"), "Bearer");
    assert_eq!(answer.token().claims.get("cnf"), None);
}

#[test]
fn no_token_is_bound_for_a_resource_that_does_not_say_that_its_verifiers_check_it() {
    let bound = Bound::new();
    let update = ["resource", "update", &bound.resource, "--unset=dpop"];
    bound.issuer.change(&update);
    let of_resource = bound.ask(&bound.proof().signed(&bound.key));
    let client = bound.issuer.register(
        "plain",
        &[
            "--grant=client_credentials",
            "--scope=read",
            "--default-scope=read",
        ],
    );
    let request = HttpRequest::client_credentials(&client);
    let proving = request.proving(&bound.key, &bound.issuer.url);
    for answer in [of_resource, bound.issuer.send(&proving)] {
        // RFC 9449 §5: the client sees that.
        assert_eq!(answer.string("token_type"), "Bearer");
        assert_eq!(answer.token().claims.get("cnf"), None);
    }
}

#[test]
fn a_resource_may_require_proofs() {
    let bound = Bound::with(
        "required",
        SignatureAlgorithm::EdDSA,
        |issuer, arguments| issuer.register("bound", arguments),
    );
    let refused = bound.issuer.token(&bound.client, "");
    refused.assert_refused(400, "invalid_dpop_proof");
    let grant = bound.granted();
    bound
        .refresh(&grant, None)
        .assert_refused(400, "invalid_dpop_proof");
    // Nothing was used up.
    let refreshed = bound.refresh(&grant, Some(&bound.key));
    assert_eq!(refreshed.string("token_type"), "DPoP");
    let answer = bound.ask(&bound.proof().signed(&bound.key));
    assert_eq!(answer.string("token_type"), "DPoP");
}

#[test]
fn rfc9449_5_refresh_tokens_of_public_clients_are_bound_and_others_are_not() {
    let bound = Bound::of_public_client();
    let other = OwnKey::new(SignatureAlgorithm::EdDSA);
    let first = bound.refresh(&bound.granted(), Some(&bound.key));
    assert_eq!(first.string("token_type"), "DPoP");
    let token = first.refresh_token();
    for (key, what) in [(None, "no proof"), (Some(&other), "another key")] {
        let refused = bound.refresh(&token, key);
        assert_eq!(
            refused.error(),
            (400, "invalid_dpop_proof".into()),
            "{what}"
        );
    }
    let second = bound.refresh(&token, Some(&bound.key));
    assert_eq!(second.token().claims["cnf"]["jkt"], bound.key.thumbprint());

    let bound = Bound::new();
    let first = bound.refresh(&bound.granted(), Some(&bound.key));
    let second = bound.refresh(&first.refresh_token(), Some(&other));
    assert_eq!(second.token().claims["cnf"]["jkt"], other.thumbprint());
    let third = bound.refresh(&second.refresh_token(), None);
    assert_eq!(third.string("token_type"), "Bearer");
}

/// A thief of an old refresh token needs the key, so that the lost answer of a public client can be asked for at any time, and
/// nobody without the key ends the grant.
#[test]
fn invariant_4_who_lacks_the_key_ends_no_grant_and_the_predecessor_is_honoured_until_used() {
    let bound = Bound::of_public_client();
    let first = bound.refresh(&bound.granted(), Some(&bound.key));
    let token = first.refresh_token();
    let second = bound.refresh(&token, Some(&bound.key)).refresh_token();
    assert_eq!(
        bound.refresh(&token, Some(&bound.key)).refresh_token(),
        second,
        "the same successor"
    );
    let third = bound.refresh(&second, Some(&bound.key)).refresh_token();
    let thief = OwnKey::new(SignatureAlgorithm::ES256);
    for key in [None, Some(&thief)] {
        let refused = bound.refresh(&token, key);
        refused.assert_refused(400, "invalid_dpop_proof");
    }
    let fourth = bound.refresh(&third, Some(&bound.key)).refresh_token();
    // The client itself uses it again, long after: two parties have the key.
    let reused = bound.refresh(&token, Some(&bound.key));
    reused.assert_refused(400, "invalid_grant");
    let ended = bound.refresh(&fourth, Some(&bound.key));
    ended.assert_refused(400, "invalid_grant");
}

#[test]
fn invariant_13_userinfo_takes_a_bound_token_with_a_proof_by_its_key_only() {
    let issuer = TestIssuer::shared();
    let resource = format!("https://api.example/{}", unique("bound"));
    issuer.register_resource(&resource, &["read"], &["--dpop=optional"]);
    let allow = format!("--allow={resource}=read");
    let client = register(&issuer, &["--public", &allow]);
    let mut world = World::of(issuer, client);
    let flow = world.flow("openid read").with("resource", &resource);
    let code = world.code(&flow);
    let issuer = &world.issuer;
    let key = OwnKey::new(SignatureAlgorithm::ES256);
    let tokens = issuer.send(&flow.redemption(&code).proving(&key, &issuer.url));
    assert_eq!(tokens.string("token_type"), "DPoP");
    let token = tokens.access_token();

    let plain = issuer.send(&HttpRequest::userinfo(&token));
    plain.assert_refused(401, "invalid_token");
    let url = format!("{}{}", issuer.url, paths::USERINFO);
    let proof = TestProof::new(&key, "GET", &url).for_token(&token);
    let asked = |proof: Option<&str>| {
        let request = HttpRequest::get(paths::USERINFO);
        let request = request.header("authorization", format!("DPoP {token}"));
        issuer.send(&match proof {
            Some(proof) => request.header("dpop", proof),
            None => request,
        })
    };
    let thief = OwnKey::new(SignatureAlgorithm::ES256);
    let of_thief = TestProof::new(&thief, "GET", &url).for_token(&token);
    let without_ath = TestProof::new(&key, "GET", &url);
    let other_method = TestProof::new(&key, "POST", &url).for_token(&token);
    for (proof, what) in [
        (None, "no proof"),
        (Some(of_thief.signed(&thief)), "another key"),
        (Some(without_ath.signed(&key)), "no ath"),
        (Some(other_method.signed(&key)), "another method"),
    ] {
        let refused = asked(proof.as_deref());
        assert_eq!(
            refused.error(),
            (401, "invalid_dpop_proof".into()),
            "{what}"
        );
        let challenge = refused.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("DPoP realm="), "{what}: {challenge}");
    }
    let proof = proof.signed(&key);
    assert!(asked(Some(&proof)).string("sub").starts_with("usr_"));
    asked(Some(&proof)).assert_refused(401, "invalid_dpop_proof");
}

#[test]
fn rfc9449_5_1_metadata_lists_the_algorithms() {
    let issuer = TestIssuer::shared();
    for path in [
        paths::AUTHORIZATION_SERVER_METADATA,
        paths::OPENID_CONFIGURATION,
    ] {
        let metadata = issuer.send(&HttpRequest::get(path)).json();
        let listed = metadata["dpop_signing_alg_values_supported"].clone();
        assert_eq!(
            listed,
            json!(["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"])
        );
    }
}
