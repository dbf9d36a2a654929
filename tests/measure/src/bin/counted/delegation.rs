//! An API that goes on with the token of a person (RFC 8693).

use tokensmith_issuer::GrantType;
use tokensmith_issuer::store::records::{Allowance, Client, ExchangeRule};
use tokensmith_tests::records::scopes;
use tokensmith_tests::{HttpRequest, InProcess, TestClient};
use tokensmith_verifier::paths;

const SHOP: &str = "https://shop.example/";
const STOCK: &str = "https://stock.example/";

/// Two owners of one API, and a token for it.
pub struct Delegation {
    owners: [TestClient; 2],
    token: String,
}

impl Delegation {
    pub async fn new(world: &InProcess) -> Self {
        let exchanges = |client: &mut Client| client.grant_types = vec![GrantType::TokenExchange];
        let owners = [
            world.confidential("earlier-api", exchanges).await,
            world.confidential("shop-api", exchanges).await,
        ];
        let owning = owners.each_ref().map(TestClient::client_id).to_vec();
        world.resource(SHOP, |shop| shop.owners = owning).await;
        let rule = ExchangeRule {
            from: SHOP.parse().expect("an audience"),
            scope: "a".parse().expect("a scope"),
            becomes: "b".parse().expect("a scope"),
        };
        world
            .resource(STOCK, |stock| stock.exchanges = vec![rule])
            .await;
        let allowed = Allowance {
            resource: SHOP.parse().expect("an audience"),
            scopes: scopes("a"),
        };
        let app = world.confidential("shop-app", |app| app.allowed = vec![allowed]);
        let app = app.await;
        let for_shop = |grant: &mut tokensmith_issuer::store::records::Grant| {
            grant.audiences = vec![SHOP.parse().expect("an audience")];
            grant.scopes = scopes("a");
        };
        let grant = world.grant(&app, for_shop).await;
        let token = world.refresh(&app, &grant.token).await.access_token();
        Self { owners, token }
    }

    /// An exchange for a token of the next API by each of them.
    pub fn requests(&self) -> [HttpRequest; 2] {
        let form = [
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("subject_token", self.token.as_str()),
            (
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
            ("resource", STOCK),
        ];
        let by = |owner| HttpRequest::form(paths::TOKEN, &form).by(owner);
        self.owners.each_ref().map(by)
    }
}
