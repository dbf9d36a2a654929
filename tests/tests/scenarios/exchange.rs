//! RFC 8693, as `docs/delegation.md` goes through it: a person's app, an API, an agent, and another API behind it.

use serde_json::{Value, json};
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestGrant, TestIssuer, unique};
use tokensmith_verifier::paths;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Alice's shop, the API of its orders, an agent that the orders call, and the stock that the agent asks.
pub struct Chain {
    pub orders_api: TestClient,
    pub agent: TestClient,
    pub orders: String,
    pub agents: String,
    pub stock: String,
}

impl Chain {
    pub fn on(issuer: &TestIssuer) -> Self {
        let exchanges = ["--grant", TOKEN_EXCHANGE];
        let [orders_api, agent] =
            ["orders-api", "agent"].map(|name| issuer.register(name, &exchanges));
        let [orders, agents, stock] = ["orders", "agent", "stock"]
            .map(|name| format!("https://{name}.example/{}", unique("v")));
        let owned = ["--owner", orders_api.id.as_str()];
        issuer.register_resource(&orders, &["orders:read", "orders:write"], &owned);
        let taken = format!("{orders}:orders:write=restock");
        let owned = ["--owner", agent.id.as_str(), "--exchange", &taken];
        issuer.register_resource(&agents, &["restock"], &owned);
        let taken = format!("{agents}:restock=stock:read");
        let scopes = ["stock:read", "stock:reserve"];
        issuer.register_resource(&stock, &scopes, &["--exchange", &taken]);
        Self {
            orders_api,
            agent,
            orders,
            agents,
            stock,
        }
    }

    /// The scopes of an app of a person, as `--allow` has them.
    pub fn allowed(&self) -> String {
        format!("{}=orders:read,orders:write", self.orders)
    }

    /// An app, and what Alice has given it.
    fn shop(&self, issuer: &TestIssuer) -> (TestClient, TestGrant) {
        let allowed = ["--grant=refresh_token", "--allow", &self.allowed()];
        let shop = issuer.register("shop", &allowed);
        let scopes = ["--scope=orders:read", "--scope=orders:write"];
        let of = [&scopes[..], &["--audience", &self.orders]].concat();
        let grant = issuer.grant(&shop, "alice", &of);
        (shop, grant)
    }

    /// The tokens of the API and of the agent, which come of the app's.
    pub fn go_on(&self, issuer: &TestIssuer, first: &str) -> [Answer; 2] {
        let second = exchange(issuer, &self.orders_api, first, &self.agents);
        assert_eq!(second.status, 200, "{}", second.body);
        let third = exchange(issuer, &self.agent, &second.access_token(), &self.stock);
        assert_eq!(third.status, 200, "{}", third.body);
        [second, third]
    }
}

pub fn exchange(issuer: &TestIssuer, client: &TestClient, token: &str, resource: &str) -> Answer {
    let form = [
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("resource", resource),
    ];
    issuer.send(&HttpRequest::form(paths::TOKEN, &form).by(client))
}

#[test]
fn rfc8693_1_1_scopes_shrink_at_each_step_and_the_end_of_the_grant_ends_every_token() {
    let issuer = &TestIssuer::shared();
    let chain = Chain::on(issuer);
    let (shop, grant) = chain.shop(issuer);
    let first = issuer.send(&HttpRequest::refresh(&shop, &grant.token));
    let [second, third] = chain.go_on(issuer, &first.access_token());
    let act = json!({ "sub": chain.agent.id, "act": { "sub": chain.orders_api.id } });
    let answers = [&first, &second, &third];
    for (answer, aud, scope, act) in [
        (
            &first,
            &chain.orders,
            "orders:read orders:write",
            Value::Null,
        ),
        (
            &second,
            &chain.agents,
            "restock",
            json!({ "sub": chain.orders_api.id }),
        ),
        (&third, &chain.stock, "stock:read", act.clone()),
    ] {
        let claims = answer.token().claims;
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["aud"], aud.as_str());
        assert_eq!(claims["scope"], scope);
        assert_eq!(claims["act"], act);
    }
    let ends = answers.map(|answer| answer.claims().exp);
    assert!(
        ends.is_sorted_by(|earlier, later| earlier >= later),
        "{ends:?}"
    );

    let told = issuer.introspect(&chain.agent, &third.access_token());
    assert_eq!(told["active"], true);
    assert_eq!(told["act"], act);
    let inspected = issuer.manage(&["inspect", &third.access_token()]);
    let [shop_id, api, agent] = [&shop, &chain.orders_api, &chain.agent].map(|client| &client.id);
    let alive = format!("alice → {shop_id} → {api} → {agent}");
    assert_eq!(inspected["chain"]["drawn"], alive);

    issuer.change(&["revoke", "--grant", &grant.id.to_string()]);
    let dead = json!({ "active": false });
    assert_eq!(issuer.introspect(&shop, &first.access_token()), dead);
    assert_eq!(
        issuer.introspect(&chain.orders_api, &second.access_token()),
        dead
    );
    assert_eq!(issuer.introspect(&chain.agent, &third.access_token()), dead);
    let refused = exchange(issuer, &chain.agent, &second.access_token(), &chain.stock);
    refused.assert_refused(400, "invalid_request");
    let inspected = issuer.manage(&["inspect", &third.access_token()]);
    assert_eq!(inspected["reason"], "the token's grant was revoked");
    let drawn = format!("alice → {shop_id} ✗ grant revoked → {api} → {agent}");
    assert_eq!(inspected["chain"]["drawn"], drawn);
}

#[test]
fn rfc8693_2_2_2_no_step_is_left_out_and_none_goes_elsewhere() {
    let issuer = &TestIssuer::shared();
    let chain = Chain::on(issuer);
    let (shop, grant) = chain.shop(issuer);
    let first = issuer.send(&HttpRequest::refresh(&shop, &grant.token));
    let first = first.access_token();
    let refused = exchange(issuer, &chain.orders_api, &first, &chain.stock);
    refused.assert_refused(400, "invalid_target");
    let refused = exchange(issuer, &chain.agent, &first, &chain.agents);
    refused.assert_refused(400, "invalid_request");
    let refused = exchange(issuer, &shop, &first, &chain.orders);
    refused.assert_refused(400, "unauthorized_client");
    // What the resource takes back is not given any more.
    let taken = format!("{}:orders:write=restock", chain.orders);
    let update = ["resource", "update", &chain.agents];
    issuer.change(&[&update[..], &["--remove-exchange", &taken]].concat());
    tokensmith_tests::eventually("it is taken back", || {
        let answer = exchange(issuer, &chain.orders_api, &first, &chain.agents);
        (answer.status == 400).then(|| answer.assert_refused(400, "invalid_target"))
    });
}

/// Nobody can be told what an operator has not said.
#[test]
fn an_exchange_names_what_is_registered() {
    let issuer = &TestIssuer::shared();
    let chain = Chain::on(issuer);
    let stock = chain.stock.as_str();
    for (written, code) in [
        (format!("{}:restock=stock:read", chain.orders), 1),
        (format!("{stock}:stock:read=stock:read"), 1),
        ("https://nobody.example/:read=stock:read".to_owned(), 1),
        (format!("{}:restock=stock:write", chain.agents), 1),
        (format!("{}:restock", chain.agents), 2),
        ("restock=stock:read".to_owned(), 2),
    ] {
        let update = ["resource", "update", stock, "--add-exchange", &written];
        let refused = issuer.try_manage(&update);
        assert_eq!(refused.status.code(), Some(code), "{written}");
    }
    let shown = |arguments: &[&str]| {
        let update = ["resource", "update", stock];
        issuer.change(&[&update[..], arguments].concat())["exchanges"].clone()
    };
    let [read, reserve] =
        ["read", "reserve"].map(|scope| format!("{}:restock=stock:{scope}", chain.agents));
    assert_eq!(shown(&["--add-exchange", &reserve]), json!([read, reserve]));
    assert_eq!(shown(&["--remove-exchange", &read]), json!([reserve]));
    assert_eq!(shown(&["--exchange", &read]), json!([read]));
    assert_eq!(shown(&["--unset", "exchange"]), json!([]));
    let gone = ["resource", "update", stock, "--remove-exchange", &read];
    assert_eq!(issuer.try_manage(&gone).status.code(), Some(1));
}

/// One line has the whole chain, and no token.
#[test]
fn invariant_1_the_log_shows_the_chain_and_no_token() {
    let mut issuer = TestIssuer::serve(&[]);
    let chain = Chain::on(&issuer);
    let (shop, grant) = chain.shop(&issuer);
    let first = issuer.send(&HttpRequest::refresh(&shop, &grant.token));
    let [second, third] = chain.go_on(&issuer, &first.access_token());
    let log = issuer.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut lines = lines.filter(|line: &Value| line["jti"] == third.claims().jti.as_str());
    let line = lines.next().expect("the line of the last exchange");
    assert_eq!(line["event"], "issued");
    assert_eq!(line["subject"], "alice");
    assert_eq!(line["actors"], json!([chain.agent.id, chain.orders_api.id]));
    let parents = json!([
        { "jti": first.claims().jti, "client_id": shop.id, "grant_id": grant.id },
        { "jti": second.claims().jti, "client_id": chain.orders_api.id },
    ]);
    assert_eq!(line["parents"], parents);
    for answer in [&first, &second, &third] {
        let token = answer.access_token();
        let signature = token.rsplit('.').next().expect("a signature");
        assert!(!log.contains(signature));
    }
}
