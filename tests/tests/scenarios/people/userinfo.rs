//! OpenID Connect Core 1.0 §5.3: what a client is told about who has signed in for it.

use serde_json::{Value, json};
use tokensmith_tests::{HttpRequest, Person, TestIssuer, unique};
use tokensmith_verifier::paths;

use super::{World, create_user, register};

/// Somebody of whom something is known.
fn world() -> World {
    let issuer = TestIssuer::shared();
    let client = register(&issuer, &[]);
    let user = unique("ada");
    let claims = [
        r#"--claim=name="Ada Lovelace""#,
        r#"--claim=email="ada@example.com""#,
        "--claim=email_verified=true",
        r#"--claim=address={"locality":"London"}"#,
        r#"--claim=phone_number="+44 20 7946 0000""#,
    ];
    create_user(&issuer, &user, &claims);
    World {
        issuer,
        client,
        user,
        person: Person::new(),
    }
}

fn userinfo(world: &World, token: &str) -> Value {
    let get = HttpRequest::userinfo(token);
    let bearer = format!("Bearer {token}");
    let post = HttpRequest::new("POST", paths::USERINFO).header("authorization", bearer);
    let form = HttpRequest::form(paths::USERINFO, &[("access_token", token)]);
    let [told, posted, formed] = [get, post, form].map(|request| {
        let answer = world.issuer.send(&request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.json()
    });
    assert_eq!([&posted, &formed], [&told, &told]);
    told
}

#[test]
fn oidc_core_5_4_a_client_is_told_what_was_agreed_and_no_more() {
    let mut world = world();
    let flow = world.flow("openid");
    let code = world.code(&flow);
    let answer = flow.redeem(&world.issuer, &code).token();
    let sub = answer.claims["sub"].clone();
    assert_eq!(userinfo(&world, &answer.text), json!({ "sub": sub }));
    let flow = world.flow("openid profile email address phone");
    let code = world.code(&flow);
    let answer = flow.redeem(&world.issuer, &code).token();
    let mut told = userinfo(&world, &answer.text);
    assert!(told["updated_at"].is_u64(), "{told}");
    told["updated_at"] = Value::Null;
    let expected = json!({
        "sub": sub,
        "name": "Ada Lovelace",
        "preferred_username": world.user,
        "updated_at": null,
        "email": "ada@example.com",
        "email_verified": true,
        "address": { "locality": "London" },
        "phone_number": "+44 20 7946 0000",
    });
    assert_eq!(told, expected);
}

/// The grant ends, and with it what the client is told.
#[test]
fn a_client_that_gives_back_its_grant_is_told_nothing_more() {
    let mut world = world();
    let flow = world.flow("openid email");
    let code = world.code(&flow);
    let tokens = flow.redeem(&world.issuer, &code).tokens();
    userinfo(&world, &tokens.access);
    let revoke = HttpRequest::revoke(&world.client, &tokens.refresh);
    assert_eq!(world.issuer.send(&revoke).status, 200);
    let ask = HttpRequest::userinfo(&tokens.access);
    let answer = world.issuer.send(&ask);
    answer.assert_refused(401, "invalid_token");
}
