//! Somebody signs in at an app, and the API behind it goes on for them (RFC 8693).

use serde_json::json;
use tokensmith_tests::{CodeFlow, TestIssuer};

use super::{CALLBACK, World};
use crate::exchange::{Chain, exchange};

/// As `docs/delegation.md` has it, from the page on which Ada signs in to the one where she takes it back.
#[test]
fn rfc8693_1_1_what_a_person_takes_back_ends_every_token_that_came_of_it() {
    let issuer = TestIssuer::shared();
    let chain = Chain::on(&issuer);
    let callback = format!("--redirect-uri={CALLBACK}");
    let app = [callback.as_str(), "--allow", &chain.allowed()];
    let shop = issuer.register("shop", &app);
    let mut world = World::of(issuer, shop.clone());
    let flow = CodeFlow::new(&shop, CALLBACK, "orders:read orders:write");
    let flow = flow.with("resource", &chain.orders);
    let code = world.code(&flow);
    let first = flow.redeem(&world.issuer, &code);
    assert_eq!(first.status, 200, "{}", first.body);
    let [second, third] = chain.go_on(&world.issuer, &first.access_token());
    let claims = third.token().claims;
    assert_eq!(claims["sub"], first.token().claims["sub"]);
    assert_eq!(claims["scope"], "stock:read");
    assert_eq!(claims["auth_time"], first.token().claims["auth_time"]);

    let account = world.person.open(&world.issuer, "/account").page();
    world
        .person
        .press(&world.issuer, &account, "revoke-grant", &[]);
    let dead = json!({ "active": false });
    for (caller, token) in [
        (&shop, &first),
        (&chain.orders_api, &second),
        (&chain.agent, &third),
    ] {
        let told = world.issuer.introspect(caller, &token.access_token());
        assert_eq!(told, dead, "{}", caller.id);
    }
    let again = exchange(
        &world.issuer,
        &chain.agent,
        &second.access_token(),
        &chain.stock,
    );
    again.assert_refused(400, "invalid_request");
}
