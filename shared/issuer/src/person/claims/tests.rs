use serde_json::json;
use tokensmith_verifier::Timestamp;

use super::*;

fn user(claims: Value) -> User {
    User {
        subject: "user-1".parse().expect("a subject"),
        name: "ada".parse().expect("a user name"),
        claims: claims.as_object().expect("an object").clone(),
        disabled: false,
        sessions_not_before: None,
        password_changed_at: None,
        created_at: Timestamp::from_seconds(1),
        updated_at: Timestamp::from_seconds(1_700_000_000),
    }
}

fn known() -> Value {
    json!({
        "name": "Ada Lovelace", "family_name": "Lovelace", "given_name": "Ada", "middle_name": "Augusta",
        "nickname": "A", "preferred_username": "countess", "profile": "https://example.com/ada",
        "picture": "https://example.com/ada.png", "website": "http://example.com", "gender": "female",
        "birthdate": "1815-12-10", "zoneinfo": "Europe/London", "locale": "en-GB",
        "email": "ada@example.com", "email_verified": true,
        "address": {"street_address": "12 St James's Square", "country": "UK"},
        "phone_number": "+44 20 7946 0000", "phone_number_verified": false,
    })
}

fn names(scope: &str) -> Vec<String> {
    let scopes = scope.parse().expect("scopes");
    told(&user(known()), &scopes).keys().cloned().collect()
}

/// OpenID Connect Core 1.0 §5.4.
#[test]
fn each_scope_asks_for_its_claims_and_for_no_other() {
    assert_eq!(names("openid"), ["sub"]);
    assert_eq!(names("openid email"), ["email", "email_verified", "sub"]);
    assert_eq!(names("openid address"), ["address", "sub"]);
    let phone = ["phone_number", "phone_number_verified", "sub"];
    assert_eq!(names("openid phone"), phone);
    let mut profile: Vec<_> =
        "name family_name given_name middle_name nickname preferred_username profile picture \
                               website gender birthdate zoneinfo locale updated_at sub"
            .split(' ')
            .collect();
    profile.sort_unstable();
    assert_eq!(names("openid profile"), profile);
    assert_eq!(names("openid offline_access reports:read"), ["sub"]);
}

/// OpenID Connect Core 1.0 §5.3.2: what is not known is left out, neither null nor empty.
#[test]
fn what_is_not_known_is_left_out() {
    let scopes = "openid profile email address phone"
        .parse()
        .expect("scopes");
    let little = user(json!({"email": "ada@example.com", "name": "", "locale": null, "secret": 1}));
    let told = Value::Object(told(&little, &scopes));
    let expected = json!({
        "sub": "user-1", "preferred_username": "ada", "updated_at": 1_700_000_000, "email": "ada@example.com",
    });
    assert_eq!(told, expected);
}

#[test]
fn every_claim_has_a_form() {
    let all = known();
    let claims = all.as_object().expect("an object");
    assert_eq!(check(claims), Ok(()));
    assert_eq!(
        claims.len() + 1,
        STANDARD_CLAIMS.len(),
        "all but updated_at"
    );
    for (name, wrong) in [
        ("name", json!("")),
        ("name", json!(" ")),
        ("name", json!(null)),
        ("name", json!(["Ada"])),
        ("website", json!("example.com")),
        ("website", json!("https://")),
        ("picture", json!("javascript:alert(1)")),
        ("profile", json!("https://example.com/a b")),
        ("birthdate", json!("1815-13-10")),
        ("birthdate", json!("1815-12-00")),
        ("birthdate", json!("1815-02-29")),
        ("birthdate", json!("1900-02-29")),
        ("birthdate", json!("1815-04-31")),
        ("birthdate", json!("1815-00-01")),
        ("birthdate", json!("181")),
        ("birthdate", json!("")),
        ("birthdate", json!("10.12.1815")),
        ("birthdate", json!(1815)),
        ("email_verified", json!("true")),
        ("phone_number_verified", json!(1)),
        ("address", json!("London")),
        ("address", json!({})),
        ("address", json!({"city": "London"})),
        ("address", json!({"locality": 1})),
    ] {
        let claim = StandardClaim::named(name).expect("a claim");
        let refused = InvalidClaim::Value(claim.name, claim.form.described());
        assert_eq!(claim.check(&wrong), Err(refused), "{name}: {wrong}");
    }
    for birthdate in [
        "1815",
        "0000-12-10",
        "1815-12-10",
        "0000-02-29",
        "2000-02-29",
        "1816-02-29",
    ] {
        let claim = StandardClaim::named("birthdate").expect("a claim");
        assert_eq!(claim.check(&json!(birthdate)), Ok(()), "{birthdate}");
    }
}

#[test]
fn nobody_sets_what_is_counted_or_what_nobody_understands() {
    let check = |claims: Value| check(claims.as_object().expect("an object"));
    let changed = InvalidClaim::NotYours("updated_at");
    assert_eq!(check(json!({"updated_at": 1})), Err(changed));
    for name in ["sub", "iss", "aud", "roles", "Name"] {
        let unknown = InvalidClaim::Unknown(name.to_owned());
        assert_eq!(check(json!({ name: "x" })), Err(unknown));
    }
}

#[test]
fn what_is_known_is_bounded() {
    let of_length = |length: usize| {
        let claims = json!({ "name": "x".repeat(length - r#"{"name":""}"#.len()) });
        check(claims.as_object().expect("an object"))
    };
    assert_eq!(of_length(MAX_BYTES), Ok(()));
    assert_eq!(of_length(MAX_BYTES + 1), Err(InvalidClaim::TooLong));
}
