//! Registered resources: a token is for one of them at most, and carries only scopes that the resource defines and the
//! client, or its grant, holds for it.

use serde_json::{Value, json};
use tokensmith_tests::{HttpRequest, TestClient, TestIssuer, unique};

/// Two registered resources that define scopes of the same names, and an owner of the first.
struct Resources {
    issuer: TestIssuer,
    orders: String,
    stock: String,
    owner: TestClient,
}

fn resources() -> Resources {
    let issuer = TestIssuer::shared();
    let owner = issuer.register("owner", &[]);
    let [orders, stock] =
        ["orders", "stock"].map(|name| format!("https://{name}.example/{}", unique("v")));
    issuer.register_resource(&orders, &["read", "write"], &["--owner", &owner.id]);
    issuer.register_resource(&stock, &["read", "write"], &[]);
    Resources {
        issuer,
        orders,
        stock,
        owner,
    }
}

impl Resources {
    /// A client that reads orders, and reads and writes stock. It may refresh, too.
    fn client(&self, arguments: &[&str]) -> TestClient {
        let orders = format!("{}=read", self.orders);
        let stock = format!("{}=read,write", self.stock);
        let grants = ["--grant=client_credentials", "--grant=refresh_token"];
        let allowed = ["--allow", &orders, "--allow", &stock];
        self.issuer
            .register("app", &[&grants[..], &allowed, arguments].concat())
    }
}

#[test]
fn invariant_5_a_token_has_only_scopes_that_its_client_holds_for_its_resource() {
    let all = resources();
    let client = all.client(&["--scope=write", "--scope=admin"]);
    let (orders, stock) = (&all.orders, &all.stock);
    for (form, expected) in [
        (format!("&resource={orders}"), Ok("read")),
        (format!("&resource={stock}"), Ok("read write")),
        (format!("&audience={stock}&scope=write"), Ok("write")),
        // Held for the other resource, and for audiences without a record.
        (
            format!("&resource={orders}&scope=write"),
            Err("invalid_scope"),
        ),
        // Held, but not defined.
        (
            format!("&resource={stock}&scope=admin"),
            Err("invalid_scope"),
        ),
        (
            format!("&resource={stock}&scope=read+admin"),
            Err("invalid_scope"),
        ),
        // The first of its resources is the default.
        (String::new(), Ok("read")),
        ("&scope=write".to_owned(), Err("invalid_scope")),
    ] {
        let answer = all.issuer.token(&client, &form);
        match expected {
            Ok(scope) => {
                let claims = answer.token().claims;
                assert_eq!(claims["scope"], scope, "{form}");
                let aud = if form.contains(stock.as_str()) {
                    stock
                } else {
                    orders
                };
                assert_eq!(claims["aud"], aud.as_str(), "{form}");
            }
            Err(error) => answer.assert_refused(400, error),
        }
    }
}

#[test]
fn rfc8707_2_a_token_for_a_registered_resource_is_for_nothing_else() {
    let all = resources();
    let client = all.client(&[
        "--audience=https://one.example/",
        "--audience=https://two.example/",
    ]);
    let (one, two) = ("https://one.example/", "https://two.example/");
    let of =
        |uris: &[&str]| -> String { uris.iter().map(|uri| format!("&resource={uri}")).collect() };
    for several in [
        [&all.orders, all.stock.as_str()],
        [&all.orders, one],
        [one, &all.orders],
    ] {
        let answer = all.issuer.token(&client, &of(&several));
        answer.assert_refused(400, "invalid_target");
    }
    // Nothing has changed for audiences without a record.
    let answer = all.issuer.token(&client, &of(&[one, two]));
    assert_eq!(answer.token().claims["aud"], json!([one, two]));
    assert_eq!(all.issuer.token(&client, "").token().claims["aud"], one);
}

#[test]
fn a_client_that_names_a_registered_resource_as_an_audience_holds_no_scopes_for_it() {
    let all = resources();
    let audience = [
        "--audience",
        &all.orders,
        "--scope=read",
        "--default-scope=read",
    ];
    let client = all.issuer.register("lists", &audience);
    let answer = all.issuer.token(&client, "");
    assert_eq!(answer.token().claims["aud"], all.orders.as_str());
    assert_eq!(answer.token().claims["scope"], Value::Null);
    all.issuer
        .token(&client, "&scope=read")
        .assert_refused(400, "invalid_scope");
    // The resource of nobody's allowance is nobody's.
    let stock = format!("&resource={}", all.stock);
    all.issuer
        .token(&client, &stock)
        .assert_refused(400, "invalid_target");
}

#[test]
fn default_scopes_are_those_that_the_client_holds_for_the_resource() {
    let all = resources();
    let client = all.client(&["--default-scope=read"]);
    let stock = format!("&resource={}", all.stock);
    assert_eq!(
        all.issuer.token(&client, &stock).token().claims["scope"],
        "read"
    );
    let asked = all
        .issuer
        .token(&client, &format!("{stock}&scope=write+read"));
    assert_eq!(asked.token().claims["scope"], "write read");
}

#[test]
fn invariant_5_a_refreshed_token_has_only_scopes_held_for_its_resource_now() {
    let all = resources();
    let client = all.client(&[]);
    let scopes = ["--scope=read", "--scope=write"];
    let grant = all.issuer.grant(&client, &unique("user"), &scopes);
    let refresh = |token: &str, more: &str| {
        let form = format!("grant_type=refresh_token&refresh_token={token}{more}");
        all.issuer
            .send(&HttpRequest::post("/oauth2/token", form).by(&client))
    };
    let of_orders = refresh(&grant.token, "");
    assert_eq!(of_orders.token().claims["aud"], all.orders.as_str());
    assert_eq!(of_orders.token().claims["scope"], "read");
    let (token, stock) = (
        of_orders.refresh_token(),
        format!("&resource={}", all.stock),
    );
    refresh(&token, "&scope=write").assert_refused(400, "invalid_scope");
    let both = format!("{stock}&resource={}", all.orders);
    refresh(&token, &both).assert_refused(400, "invalid_target");
    let of_stock = refresh(&token, &stock);
    assert_eq!(of_stock.token().claims["scope"], "read write");
    // The resource defines it no longer, and then the client does not hold it any more.
    all.issuer
        .change(&["resource", "update", &all.stock, "--remove-scope=write"]);
    let token = of_stock.refresh_token();
    refresh(&token, &format!("{stock}&scope=write")).assert_refused(400, "invalid_scope");
    let allow = format!("{}=", all.stock);
    all.issuer
        .change(&["client", "update", &client.id, "--allow", &allow]);
    refresh(&token, &format!("{stock}&scope=read")).assert_refused(400, "invalid_scope");
}

#[test]
fn grant_create_grants_only_scopes_that_the_client_holds_for_an_audience_of_the_grant() {
    let all = resources();
    let client = all.client(&["--scope=admin"]);
    let create = |audience: &str, scope: &str| {
        let (of, subject) = (["grant", "create", "--client", &client.id], unique("user"));
        let wanted = [
            "--subject",
            &subject,
            "--audience",
            audience,
            "--scope",
            scope,
        ];
        all.issuer
            .try_manage(&[&of[..], &wanted].concat())
            .status
            .success()
    };
    assert!(create(&all.orders, "read"));
    assert!(create(&all.stock, "write"));
    assert!(!create(&all.orders, "write"));
    // It holds this for audiences without a record.
    assert!(!create(&all.orders, "admin"));
    assert!(!create("https://elsewhere.example/", "read"));
}

#[test]
fn a_resource_decides_on_lifetime_and_algorithm_of_its_tokens() {
    let all = resources();
    let client = all.client(&["--access-ttl=10m", "--alg=ES256"]);
    let options = ["--access-ttl=2m", "--alg=PS256"];
    all.issuer
        .change(&[&["resource", "update", &all.orders], &options[..]].concat());
    all.issuer
        .change(&["resource", "update", &all.stock, "--access-ttl=1h"]);
    let lifetime =
        |claims: &Value| claims["exp"].as_u64().unwrap_or(0) - claims["iat"].as_u64().unwrap_or(0);
    let forget = HttpRequest::post("/oauth2/token", "grant_type=client_credentials&scope=none");
    let of = |uri: &str| {
        // A denial makes an issuer look at the records again.
        all.issuer.send(&forget.clone().by(&client));
        all.issuer
            .token(&client, &format!("&resource={uri}"))
            .token()
    };
    let orders = of(&all.orders);
    assert_eq!(
        (orders.header["alg"].as_str(), lifetime(&orders.claims)),
        (Some("PS256"), 120)
    );
    let stock = of(&all.stock);
    assert_eq!(
        (stock.header["alg"].as_str(), lifetime(&stock.claims)),
        (Some("ES256"), 600)
    );
}

#[test]
fn only_an_owner_of_its_resource_introspects_the_token_of_another_client() {
    let all = resources();
    let client = all.client(&[]);
    let lists = all.issuer.register("lists", &["--audience", &all.orders]);
    let orders = all.issuer.token(&client, "").access_token();
    let stock = format!("&resource={}", all.stock);
    let stock = all.issuer.token(&client, &stock).access_token();
    let is_told = |caller: &TestClient, token: &str| {
        all.issuer.introspect(caller, token) != json!({ "active": false })
    };
    assert!(is_told(&all.owner, &orders));
    assert!(!is_told(&all.owner, &stock));
    assert!(!is_told(&lists, &orders));
    // An owner that is added is known at once, and one that is removed within the lifetime of the cache.
    all.issuer
        .change(&["resource", "update", &all.stock, "--add-owner", &lists.id]);
    assert!(is_told(&lists, &stock));
    assert!(!is_told(&lists, &orders));
}

#[test]
fn a_deleted_resource_is_an_audience_without_a_record() {
    let all = resources();
    let client = all.client(&[]);
    let listed = ["--audience", &all.orders, "--scope=other"];
    let lists = all.issuer.register("lists", &listed);
    let token = all.issuer.token(&client, "").access_token();
    all.issuer
        .change(&["resource", "delete", &all.orders, "--yes"]);
    let asked = format!("&resource={}", all.orders);
    // The denial of what the record did not allow is decided on the table.
    let answer = all.issuer.token(&lists, &format!("{asked}&scope=other"));
    assert_eq!(answer.token().claims["scope"], "other");
    all.issuer
        .token(&client, &asked)
        .assert_refused(400, "invalid_target");
    assert_eq!(
        all.issuer.introspect(&all.owner, &token),
        json!({ "active": false })
    );
}
