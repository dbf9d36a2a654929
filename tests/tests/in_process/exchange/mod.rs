//! RFC 8693: an API exchanges the token that was sent to it, and goes on for the person who has given it.

mod actors;
mod bound;
mod chains;
mod interrupted;
mod limits;
mod refusals;
mod revocations;

use serde_json::{Value, json};
use tokensmith_issuer::store::records::{Allowance, Client, ExchangeRule, Resource};
use tokensmith_issuer::{GrantType, Judged};
use tokensmith_tests::records::{API, OTHER_API, scopes};
use tokensmith_tests::{Answer, InProcess, TestClient, TestGrant};
use tokensmith_verifier::paths;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A resource behind the other two.
const THIRD_API: &str = "https://third.example/";

/// Alice's app has a token for [`API`]. The client `orders` owns that, and may go on to [`OTHER_API`] with it, whose owner
/// `stock` may go on to [`THIRD_API`].
struct Scene {
    issuer: InProcess,
    app: TestClient,
    orders: TestClient,
    stock: TestClient,
    grant: TestGrant,
    /// The token of the app.
    token: String,
}

impl Scene {
    async fn new() -> Self {
        Self::on(InProcess::start().await).await
    }

    async fn on(issuer: InProcess) -> Self {
        let holds = |resource: &str| Allowance {
            resource: resource.parse().expect("an audience"),
            scopes: scopes("a b"),
        };
        let app = issuer.confidential("app", |c| c.allowed = vec![holds(API)]);
        let app = app.await;
        let exchanges = |client: &mut Client| client.grant_types = vec![GrantType::TokenExchange];
        let orders = issuer.confidential("orders", exchanges).await;
        let stock = issuer.confidential("stock", exchanges).await;
        let owned = |resource: &mut Resource, owner: &TestClient| {
            resource.owners = vec![owner.client_id()];
        };
        issuer.resource(API, |r| owned(r, &orders)).await;
        issuer
            .resource(OTHER_API, |r| {
                owned(r, &stock);
                r.exchanges = vec![rule(API, "a", "b")];
            })
            .await;
        issuer
            .resource(THIRD_API, |r| r.exchanges = vec![rule(OTHER_API, "b", "a")])
            .await;
        let grant = issuer.grant(&app, |_| {}).await;
        let token = issuer.refresh(&app, &grant.token).await.access_token();
        Self {
            issuer,
            app,
            orders,
            stock,
            grant,
            token,
        }
    }

    /// What the owner of [`API`] gets for a token.
    async fn exchange(&self, token: &str, more: &[(&str, &str)]) -> Answer {
        exchange(&self.issuer, &self.orders, token, more).await
    }

    /// What is in a token that is live or was.
    async fn claims(&self, token: &str) -> Value {
        match self.issuer.issuer.judge(token).await.expect("a judgement") {
            Judged::AccessToken { claims, .. } => json!(claims),
            other => panic!("{other:?}"),
        }
    }

    /// A token of `stock` for [`THIRD_API`], the last of a chain of three.
    async fn chain(&self) -> [String; 3] {
        let to = |resource| [("resource", resource)];
        let second = self.exchange(&self.token, &to(OTHER_API)).await;
        let second = second.access_token();
        let third = exchange(&self.issuer, &self.stock, &second, &to(THIRD_API)).await;
        [self.token.clone(), second, third.access_token()]
    }
}

fn rule(from: &str, scope: &str, becomes: &str) -> ExchangeRule {
    ExchangeRule {
        from: from.parse().expect("an audience"),
        scope: scope.parse().expect("a scope"),
        becomes: becomes.parse().expect("a scope"),
    }
}

async fn exchange(
    issuer: &InProcess,
    client: &TestClient,
    token: &str,
    more: &[(&str, &str)],
) -> Answer {
    let form = [
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    let mut form: Vec<_> = form.to_vec();
    // What a test says takes the place of what is usual.
    form.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
    form.extend(more);
    form.retain(|(_, value)| !value.is_empty());
    issuer.post(paths::TOKEN, client, &form).await
}
