//! Tokens that are bound to a key, and what is exchanged for them (RFC 9449 §7.2).

use serde_json::json;
use tokensmith_issuer::store::records::Dpop;
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::records::{API, OTHER_API};
use tokensmith_tests::{Answer, HttpRequest, TestProof};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

use super::{ACCESS_TOKEN, Scene, TOKEN_EXCHANGE};

impl Scene {
    pub(super) fn proved(&self, request: HttpRequest, key: &OwnKey) -> HttpRequest {
        let url = self.issuer.config.issuer.join(paths::TOKEN);
        let proof = TestProof::at(self.issuer.now().seconds(), key, "POST", &url);
        request.header("dpop", proof.signed(key))
    }

    /// A token of the app that is bound to this key.
    async fn bound_token(&self, key: &OwnKey) -> String {
        let request = HttpRequest::refresh(&self.app, &self.grant.token);
        let answer = self.issuer.send(&self.proved(request, key)).await;
        assert_eq!(answer.string("token_type"), "DPoP");
        answer.access_token()
    }

    async fn exchange_by(&self, token: &str, resource: &str, key: Option<&OwnKey>) -> Answer {
        let form = [
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
            ("resource", resource),
        ];
        let request = HttpRequest::form(paths::TOKEN, &form).by(&self.orders);
        let request = match key {
            Some(key) => self.proved(request, key),
            None => request,
        };
        self.issuer.send(&request).await
    }
}

#[tokio::test]
async fn invariant_13_a_bound_token_is_exchanged_by_a_proof_of_its_key_or_for_a_bound_one() {
    let scene = Scene::new().await;
    let checking = |resource: &mut tokensmith_issuer::store::records::Resource| {
        resource.dpop = Some(Dpop::Optional);
    };
    scene.issuer.change_resource(API, checking).await;
    scene.issuer.issuer.forget_cached();
    let [of_app, of_orders] = [(); 2].map(|()| OwnKey::new(SignatureAlgorithm::ES256));
    let token = scene.bound_token(&of_app).await;
    for key in [None, Some(&of_orders)] {
        let refused = scene.exchange_by(&token, OTHER_API, key).await;
        refused.assert_refused(400, "invalid_request");
    }
    // Whoever has proved the key has the token by right.
    let answer = scene.exchange_by(&token, OTHER_API, Some(&of_app)).await;
    assert_eq!(answer.string("token_type"), "Bearer");
    // For the same API, which checks proofs, the owner's own key will do.
    let answer = scene.exchange_by(&token, API, Some(&of_orders)).await;
    assert_eq!(answer.string("token_type"), "DPoP");
    let claims = scene.claims(&answer.access_token()).await;
    assert_eq!(claims["cnf"], json!({ "jkt": of_orders.thumbprint() }));
    scene.issuer.change_resource(OTHER_API, checking).await;
    scene.issuer.issuer.forget_cached();
    let answer = scene.exchange_by(&token, OTHER_API, Some(&of_orders)).await;
    assert_eq!(answer.string("token_type"), "DPoP");
    // A token that is bound to nothing needs no proof.
    let plain = scene.exchange_by(&scene.token, OTHER_API, None).await;
    assert_eq!(plain.string("token_type"), "Bearer");
}
