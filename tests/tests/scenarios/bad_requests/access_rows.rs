//! What is asked for: scopes (RFC 6749 §3.3) and resources (RFC 8707 §2).

use super::{API, Fixture, GRANT, INVALID_CLIENT, INVALID_SCOPE, INVALID_TARGET, Row, form, row};

pub fn rows(fixture: &Fixture) -> Vec<Row> {
    [scopes(fixture), resources(fixture), order(fixture)].concat()
}

fn scopes(fixture: &Fixture) -> Vec<Row> {
    let long = "x".repeat(129);
    [
        ("a quote", "%22"),
        ("a quote inside", "re%22ad"),
        ("a backslash", "re%5Cad"),
        ("other letters", "lesen+%C3%A4ndern"),
        ("a control character", "read%07"),
        ("DEL", "read%7F"),
        ("a tab between scopes", "read%09write"),
        ("a line break between scopes", "read%0Awrite"),
        ("a no-break space between scopes", "read%C2%A0write"),
        ("an unknown scope", "nobody-has-this"),
        ("an allowed and an unknown scope", "read+admin"),
        ("a scope in another case", "READ"),
        ("a comma between scopes", "read,write"),
        ("a part of a scope", "rea"),
        ("a scope of 129 characters", &long),
    ]
    .into_iter()
    .map(|(name, scope)| {
        let request = fixture.good(&format!("&scope={scope}"));
        row(format!("RFC 6749 §3.3: {name}"), request, INVALID_SCOPE)
    })
    .collect()
}

fn resources(fixture: &Fixture) -> Vec<Row> {
    let long = format!("{API}{}", "x".repeat(512));
    [
        ("a resource of nobody", "https://evil.example/".to_owned()),
        ("a relative reference", "/v1".to_owned()),
        ("a name", "api".to_owned()),
        ("a reference without scheme", "//api.example/".to_owned()),
        ("a fragment", format!("{API}%23part")),
        ("an empty fragment", format!("{API}%23")),
        ("a longer path", format!("{API}v1")),
        ("another slash at the end", format!("{API}/")),
        ("another case", "https://API.example/".to_owned()),
        ("the default port", "https://api.example:443/".to_owned()),
        ("a user name", "https://user@api.example/".to_owned()),
        ("a space", "https://api.example/+".to_owned()),
        ("two in one", format!("{API}+{API}")),
        ("one that is too long", long),
        (
            "one of nobody after an allowed one",
            format!("{API}&resource=https://evil.example/"),
        ),
        (
            "one of nobody before an allowed one",
            format!("https://evil.example/&resource={API}"),
        ),
        (
            "a relative one after an allowed one",
            format!("{API}&resource=/v1"),
        ),
    ]
    .into_iter()
    .map(|(name, resource)| {
        let request = fixture.good(&format!("&resource={resource}"));
        row(format!("RFC 8707 §2: {name}"), request, INVALID_TARGET)
    })
    .collect()
}

/// A stranger learns nothing of what a client may ask for.
fn order(fixture: &Fixture) -> Vec<Row> {
    let (id, wrong) = (&fixture.client.id, fixture.other.secret());
    let scope = form(format!("{GRANT}&scope=nobody-has-this")).basic(id, wrong);
    let resource = form(format!("{GRANT}&resource=https://evil.example/")).basic(id, wrong);
    vec![
        row(
            "RFC 6749 §5.2: a wrong secret and an unknown scope",
            scope,
            INVALID_CLIENT,
        ),
        row(
            "RFC 6749 §5.2: a wrong secret and a wrong resource",
            resource,
            INVALID_CLIENT,
        ),
    ]
}
