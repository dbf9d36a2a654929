//! Tokens that were exchanged (RFC 8693), as an integration is told of them.

use serde_json::{Value, json};
use tokensmith_issuer::GrantType;
use tokensmith_issuer::store::records::Client;
use tokensmith_tests::TestClient;
use tokensmith_tests::records::API;
use tokensmith_verifier::paths;

use super::support::{Gate, INTERVAL, Kind, Verdict, decide};

impl Gate {
    /// A client that owns the API, and what it gets for a token of Alice's.
    async fn exchanged(&self) -> (TestClient, TestClient, String) {
        let exchanges = |client: &mut Client| client.grant_types = vec![GrantType::TokenExchange];
        let orders = self.issuer.confidential("orders", exchanges).await;
        let owned = |resource: &mut tokensmith_issuer::store::records::Resource| {
            resource.owners = vec![orders.client_id()];
        };
        let shop = self.issuer.confidential("shop", |_| {}).await;
        let grant = self.issuer.grant(&shop, |_| {}).await;
        self.issuer.resource(API, owned).await;
        let first = self.issuer.refresh(&shop, &grant.token).await;
        let form = [
            ("grant_type", GrantType::TokenExchange.as_str()),
            ("subject_token", &first.access_token()),
            (
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
        ];
        let answer = self.issuer.post(paths::TOKEN, &orders, &form).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        (shop, orders, answer.access_token())
    }
}

#[tokio::test]
async fn rfc8693_4_1_the_integration_is_told_who_acts() {
    let gate = Gate::new().await;
    let (.., token) = gate.exchanged().await;
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let event = kind.event(&format!("Bearer {token}"));
        let Verdict::Passes(told) = decide(&authorizer, kind, &event).await else {
            panic!("{kind:?}: it is refused");
        };
        assert_eq!(told["sub"], "alice", "{kind:?}");
        assert_eq!(told["client_id"], "orders", "{kind:?}");
        assert_eq!(told["act"], "{\"sub\":\"orders\"}", "{kind:?}");
        assert_eq!(told.get("grant_id"), None, "{kind:?}");
    }
    // Who acts for themselves is no actor.
    let own = gate.token().await;
    let kind = Kind::HttpSimple;
    let authorizer = gate.authorizer(kind, |_| {}).await;
    let verdict = decide(&authorizer, kind, &kind.event(&format!("Bearer {own}"))).await;
    let Verdict::Passes(told) = verdict else {
        panic!("it is refused");
    };
    assert_eq!(told.get("act"), None::<&Value>);
    assert_ne!(told, json!({}));
}

/// By the view of the feed, and by one read of the token's own records while there is none.
#[tokio::test]
async fn invariant_4_an_authorizer_refuses_a_token_whose_parent_was_revoked() {
    for is_warm in [true, false] {
        let gate = Gate::new().await;
        let (shop, _, token) = gate.exchanged().await;
        let kind = Kind::HttpSimple;
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let event = kind.event(&format!("Bearer {token}"));
        if is_warm {
            let verdict = decide(&authorizer, kind, &event).await;
            assert!(matches!(verdict, Verdict::Passes(_)), "{verdict:?}");
        }
        let admin = gate.issuer.administrator();
        let disabled = admin.disable_client(&shop.client_id()).await;
        disabled.expect("it is disabled");
        gate.issuer.pass(INTERVAL);
        let verdict = decide(&authorizer, kind, &event).await;
        assert!(!matches!(verdict, Verdict::Passes(_)), "{verdict:?}");
    }
}
