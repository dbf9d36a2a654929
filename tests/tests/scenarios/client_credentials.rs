//! RFC 6749 §4.4 and RFC 9068: a client gets a token for itself.

use tokensmith_tests::{HttpRequest, TestIssuer};
use tokensmith_verifier::{Expectations, JwkSet, VerificationKeys};

#[test]
fn rfc9068_4_a_token_of_every_algorithm_verifies_with_the_published_keys() {
    let issuer = TestIssuer::shared();
    let jwks = issuer
        .send(&HttpRequest::get("/.well-known/jwks.json"))
        .json();
    let published: JwkSet = serde_json::from_value(jwks).expect("a JWK set");
    let keys = VerificationKeys::new(&published).expect("usable keys");
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let audience = "https://api.example/";
        let client = issuer.register(
            "signs",
            &[
                "--scope=a",
                "--default-scope=a",
                "--audience",
                audience,
                "--alg",
                algorithm,
            ],
        );
        let answer = issuer.token(&client, "");
        let token = answer.access_token();
        let claims = keys
            .signed_claims(&token)
            .expect("a right signature")
            .claims;
        let now = claims.iat;
        let expected = Expectations {
            issuer: &issuer.url,
            audience: Some(audience),
            now,
            leeway: 0,
        };
        assert_eq!(expected.check(&claims), Ok(()));
        assert_eq!(
            (claims.sub.as_str(), claims.client_id.as_str()),
            (client.id.as_str(), client.id.as_str())
        );
        assert_eq!(claims.scope.as_deref(), Some("a"));
        assert_eq!(claims.exp - claims.iat, 900);
    }
}
