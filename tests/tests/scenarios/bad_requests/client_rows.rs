//! Client authentication (RFC 6749 §2.3): none, several, unreadable, wrong.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tokensmith_tests::HttpRequest;

use super::{Fixture, GRANT, INVALID_CLIENT, INVALID_REQUEST, Row, form, row};

pub fn rows(fixture: &Fixture) -> Vec<Row> {
    [
        several_methods(fixture),
        headers(fixture),
        basic_encodings(fixture),
        assertions(fixture),
        secrets(fixture),
        client_ids(fixture),
        clients(fixture),
    ]
    .concat()
}

fn several_methods(fixture: &Fixture) -> Vec<Row> {
    let (id, secret) = (&fixture.client.id, fixture.client.secret());
    let both = fixture.good(&format!("&client_id={id}&client_secret={secret}"));
    let both_without_id = fixture.good(&format!("&client_secret={secret}"));
    let basic_twice = fixture.good("").basic(id, secret);
    let two_clients = fixture.good("").by(&fixture.other);
    let with_bearer = fixture.good("").header("authorization", "Bearer abc");
    let bearer_and_post = form(format!("{GRANT}&client_id={id}&client_secret={secret}"))
        .header("authorization", "Bearer abc");
    let other_id = fixture.good(&format!("&client_id={}", fixture.other.id));
    let unknown_id = fixture.good("&client_id=nobody");
    [
        ("Basic and form", both),
        ("Basic and a secret in the form", both_without_id),
        ("Basic twice", basic_twice),
        ("Basic for two clients", two_clients),
        ("Basic and Bearer", with_bearer),
        ("Bearer and form", bearer_and_post),
        ("Basic for one client, client_id of another", other_id),
        ("Basic, client_id of nobody", unknown_id),
    ]
    .into_iter()
    .map(|(name, request)| row(format!("RFC 6749 §2.3: {name}"), request, INVALID_REQUEST))
    .collect()
}

fn headers(fixture: &Fixture) -> Vec<Row> {
    let (id, secret) = (&fixture.client.id, fixture.client.secret());
    let right = STANDARD.encode(format!("{id}:{secret}"));
    let url_safe = URL_SAFE_NO_PAD.encode(format!("{id}~:?{secret}"));
    let with = |value: &[u8]| form(GRANT).header("authorization", value);
    [
        ("no authentication", form(GRANT)),
        ("an empty header", with(b"")),
        ("Basic alone", with(b"Basic")),
        ("Basic and a space", with(b"Basic ")),
        (
            "Basic without a space",
            with(format!("Basic{right}").as_bytes()),
        ),
        (
            "Basic with a tab",
            with(format!("Basic\t{right}").as_bytes()),
        ),
        ("Bearer", with(format!("Bearer {secret}").as_bytes())),
        ("Digest", with(b"Digest username=\"u\"")),
        ("DPoP", with(b"DPoP abc")),
        (
            "Basic in clear",
            with(format!("Basic {id}:{secret}").as_bytes()),
        ),
        ("broken base64", with(b"Basic !!!!")),
        (
            "half base64",
            with(&[b"Basic ", &right.as_bytes()[..right.len() - 3]].concat()),
        ),
        ("base64url", with(format!("Basic {url_safe}").as_bytes())),
        (
            "base64 in two parts",
            with(format!("Basic {right} {right}").as_bytes()),
        ),
        ("bytes that are not UTF-8", with(b"Basic \xff\xfe")),
        ("a scheme that is not UTF-8", with(b"\xff abc")),
    ]
    .into_iter()
    .map(|(name, request)| row(format!("RFC 7617 §2: {name}"), request, INVALID_CLIENT))
    .collect()
}

fn basic_encodings(fixture: &Fixture) -> Vec<Row> {
    let (id, secret) = (&fixture.client.id, fixture.client.secret());
    let basic = |credentials: &[u8]| {
        let value = format!("Basic {}", STANDARD.encode(credentials));
        form(GRANT).header("authorization", value)
    };
    let mut rows = vec![
        (
            "no colon".to_owned(),
            basic(format!("{id}{secret}").as_bytes()),
        ),
        ("nothing".to_owned(), basic(b"")),
        ("a colon".to_owned(), basic(b":")),
    ];
    for (name, broken) in [
        ("%", &b"%"[..]),
        ("%2", b"%2"),
        ("%zz", b"%zz"),
        ("bytes that are not UTF-8", b"\xff\xfe"),
        ("escapes that are not UTF-8", b"%ff%fe"),
        ("a NUL", b"\0"),
        ("an escaped NUL", b"%00"),
        ("a line break", b"%0d%0a"),
    ] {
        let in_id = [id.as_bytes(), broken, b":", secret.as_bytes()].concat();
        rows.push((format!("{name} in the id"), basic(&in_id)));
        let in_secret = [id.as_bytes(), b":", secret.as_bytes(), broken].concat();
        rows.push((format!("{name} in the secret"), basic(&in_secret)));
    }
    rows.into_iter()
        .map(|(name, request)| row(format!("RFC 6749 §2.3.1: {name}"), request, INVALID_CLIENT))
        .collect()
}

fn assertions(fixture: &Fixture) -> Vec<Row> {
    let (id, secret) = (&fixture.client.id, fixture.client.secret());
    let assertion = "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\
                     &client_assertion=eyJhbGciOiJub25lIn0.e30.";
    let alone = form(format!("{GRANT}{assertion}"));
    let with_id = form(format!("{GRANT}{assertion}&client_id={id}"));
    let without_type = form(format!("{GRANT}&client_assertion=a.b.c&client_id={id}"));
    let with_post = form(format!(
        "{GRANT}{assertion}&client_id={id}&client_secret={secret}"
    ));
    let with_basic = fixture.good(assertion);
    vec![
        row("RFC 7521 §4.2: an assertion alone", alone, INVALID_CLIENT),
        row(
            "RFC 7521 §4.2: an assertion and client_id",
            with_id,
            INVALID_CLIENT,
        ),
        row(
            "RFC 7521 §4.2: an assertion without type",
            without_type,
            INVALID_CLIENT,
        ),
        row(
            "RFC 7521 §4.2: an assertion and a secret",
            with_post,
            INVALID_REQUEST,
        ),
        row(
            "RFC 7521 §4.2: an assertion and Basic",
            with_basic,
            INVALID_REQUEST,
        ),
    ]
}

fn secrets(fixture: &Fixture) -> Vec<Row> {
    let (id, secret) = (&fixture.client.id, fixture.client.secret());
    let mut last_changed = secret.to_owned();
    let last = if last_changed.pop() == Some('0') {
        '1'
    } else {
        '0'
    };
    last_changed.push(last);
    let other_middle = format!("{}{}", &fixture.other.secret()[..47], &secret[47..]);
    let mut rows = Vec::new();
    for (name, wrong) in [
        (
            "the secret of another client",
            fixture.other.secret().to_owned(),
        ),
        ("a truncated secret", secret[..secret.len() - 1].to_owned()),
        ("a secret and more", format!("{secret}A")),
        ("a wrong checksum", last_changed),
        ("another secret's checksum", other_middle),
        ("a secret without its prefix", secret[6..].to_owned()),
        ("a secret in lower case", secret.to_lowercase()),
        ("another prefix", secret.replacen("tksmc_", "tksmk_", 1)),
        ("the prefix", "tksmc_".to_owned()),
        ("the client id", id.clone()),
        ("an empty secret", String::new()),
        ("a secret of 20,000 characters", "x".repeat(20_000)),
        ("a secret of other letters", "ä".repeat(53)),
    ] {
        let title = |how: &str| format!("RFC 6749 §2.3.1: {name}, {how}");
        let basic = form(GRANT).basic(id, &wrong);
        rows.push(row(title("Basic"), basic, INVALID_CLIENT));
        rows.push(row(title("form"), post(id, &wrong), INVALID_CLIENT));
    }
    rows
}

fn client_ids(fixture: &Fixture) -> Vec<Row> {
    let secret = fixture.client.secret();
    let long = "x".repeat(129);
    let mut rows = Vec::new();
    for (name, id) in [
        ("an unknown client", "nobody"),
        (
            "a client id in another case",
            &fixture.client.id.to_uppercase(),
        ),
        ("a client id of 129 characters", &long),
        ("a client id with a slash", "a/b"),
        ("a client id with a hash sign", "CLIENT#a"),
        ("a client id with a space", "a b"),
        ("a client id with another letter", "ä"),
        ("a client id with a line break", "a\nb"),
        ("an empty client id", ""),
    ] {
        let title = |how: &str| format!("RFC 6749 §2.2: {name}, {how}");
        let basic = form(GRANT).basic(id, secret);
        rows.push(row(title("Basic"), basic, INVALID_CLIENT));
        let encoded = id.replace('#', "%23");
        rows.push(row(title("form"), post(&encoded, secret), INVALID_CLIENT));
    }
    rows
}

fn clients(fixture: &Fixture) -> Vec<Row> {
    let (id, secret) = (&fixture.client.id, fixture.client.secret());
    let named = form(format!("{GRANT}&client_id={id}"));
    let nameless = form(format!("{GRANT}&client_secret={secret}"));
    let basic_only = post(&fixture.basic_only.id, fixture.basic_only.secret());
    let post_only = form(GRANT).by(&fixture.post_only);
    let disabled = form(GRANT).by(&fixture.disabled);
    let deleted = form(GRANT).by(&fixture.deleted);
    let rotated = form(GRANT).by(&fixture.rotated);
    [
        ("a client id without a secret", named),
        ("a secret without a client id", nameless),
        ("form where only Basic is registered", basic_only),
        ("Basic where only form is registered", post_only),
        ("a disabled client", disabled),
        ("a deleted client", deleted),
        ("a secret that has been rotated away", rotated),
    ]
    .into_iter()
    .map(|(name, request)| row(format!("RFC 6749 §2.3: {name}"), request, INVALID_CLIENT))
    .collect()
}

fn post(id: &str, secret: &str) -> HttpRequest {
    form(format!("{GRANT}&client_id={id}&client_secret={secret}"))
}
