//! Who acts: the client that exchanges a token, or whoever has a token of their own.

use serde_json::json;
use tokensmith_issuer::GrantType;
use tokensmith_tests::records::{API, OTHER_API, audiences, new_api_key};
use tokensmith_tests::{HttpRequest, TestClient};

use super::{ACCESS_TOKEN, JWT, Scene};
use secrecy::ExposeSecret;

impl Scene {
    /// A client that has tokens for [`API`] of its own.
    pub(super) async fn actor(&self) -> TestClient {
        let own = |client: &mut tokensmith_issuer::store::records::Client| {
            client.grant_types = vec![GrantType::ClientCredentials];
            client.audiences = audiences(&[API]);
        };
        self.issuer.confidential("agent", own).await
    }

    /// A token for [`API`] that an API key of the app was exchanged for.
    pub(super) async fn token_of_api_key(&self) -> String {
        let (_, token) = self.api_key_and_token().await;
        token
    }

    /// An API key of the app, by its id, and a token for [`API`] that it was exchanged for.
    pub(super) async fn api_key_and_token(
        &self,
    ) -> (tokensmith_issuer::credential::ApiKeyId, String) {
        let wanted = new_api_key(self.app.client_id());
        let created = self.issuer.administrator().create_api_key(wanted).await;
        let created = created.expect("a key").outcome;
        let request = HttpRequest::exchange(created.secret.expose_secret());
        let answer = self.issuer.send(&request).await;
        (created.key.id, answer.access_token())
    }
}

#[tokio::test]
async fn rfc8693_2_1_whoever_has_the_actor_token_acts_and_ends_the_token_with_it() {
    let scene = Scene::new().await;
    let agent = scene.actor().await;
    let acting = scene.issuer.client_credentials(&agent).await;
    for kind in [ACCESS_TOKEN, JWT] {
        let own = acting.access_token();
        let more = [
            ("actor_token", own.as_str()),
            ("actor_token_type", kind),
            ("resource", OTHER_API),
        ];
        let answer = scene.exchange(&scene.token, &more).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let claims = json!(answer.claims());
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["client_id"], "orders");
        assert_eq!(claims["act"], json!({ "sub": "agent" }));
        let parents = claims["parents"].as_array().expect("parents");
        assert_eq!(parents.len(), 2);
        assert_eq!(
            parents[1],
            json!({ "jti": acting.claims().jti, "client_id": "agent" })
        );
    }
}

/// What it was exchanged for is in the new token as well.
#[tokio::test]
async fn rfc8693_2_1_a_token_of_an_api_key_is_a_parent_with_the_key() {
    let scene = Scene::new().await;
    let (key, token) = scene.api_key_and_token().await;
    let claims = json!(scene.exchange(&token, &[]).await.claims());
    assert_eq!(claims["sub"], "app");
    assert_eq!(claims["act"], json!({ "sub": "orders" }));
    assert_eq!(claims["parents"][0], json!({ "key": key }));
    assert_eq!(claims["parents"][1]["client_id"], "app");
}
