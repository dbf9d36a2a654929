//! Requests that look odd, and must not be refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokensmith_tests::HttpRequest;

use super::{API, Fixture, GRANT, OTHER, REQUEST_PARAMETERS, form};

/// A request that must be granted, and what its token says.
pub struct Accepted {
    pub name: String,
    pub request: HttpRequest,
    pub scope: Value,
    pub audience: Value,
}

pub fn rows(fixture: &Fixture) -> Vec<Accepted> {
    let mut rows: Vec<Accepted> = [bodies(fixture), types(fixture), credentials(fixture)]
        .into_iter()
        .flatten()
        .map(|(name, request)| accepted(&name, request, "read", json!(API)))
        .collect();
    let other = OTHER.replace('?', "%3F").replace('=', "%3D");
    let target = |body: &str| fixture.good(body);
    rows.extend([
        accepted(
            "RFC 8707 §2: two resources make an array",
            target(&format!("&resource={API}&resource={other}")),
            "read",
            json!([API, OTHER]),
        ),
        accepted(
            "RFC 8707 §2: the same resource twice is one",
            target(&format!("&resource={other}&resource={other}")),
            "read",
            json!(OTHER),
        ),
        accepted(
            "RFC 6749 §3.3: a scope named twice is one",
            target("&scope=write+read+write"),
            "write read",
            json!(API),
        ),
        accepted(
            "RFC 6749 Appendix B: an escaped space",
            target("&scope=write%20read"),
            "write read",
            json!(API),
        ),
    ]);
    rows
}

fn accepted(name: &str, request: HttpRequest, scope: &str, audience: Value) -> Accepted {
    Accepted {
        name: name.to_owned(),
        request,
        scope: scope.into(),
        audience,
    }
}

type Named = Vec<(String, HttpRequest)>;

fn bodies(fixture: &Fixture) -> Named {
    // What is empty counts as absent, whatever it is called.
    let empty: Named = REQUEST_PARAMETERS
        .into_iter()
        .chain(["resource", "unknown"])
        .filter(|name| *name != "grant_type")
        .map(|name| {
            let request = fixture.good(&format!("&{name}="));
            (format!("RFC 6749 §3.1: {name} is empty"), request)
        })
        .collect();
    let mut full = format!("{GRANT}&pad=").into_bytes();
    full.resize(65_536, b'x');
    let hundred: String = (1..100).map(|index| format!("&p{index}=x")).collect();
    let unknown_in_query =
        HttpRequest::post("/oauth2/token?tenant=1&%zz=%", GRANT).by(&fixture.client);
    let latin = fixture.good("").header("x-name", b"J\xfcrgen".to_vec());
    let rows = [
        (
            "RFC 6749 §3.2: an unknown parameter",
            fixture.good("&colour=blue"),
        ),
        (
            "RFC 6749 §3.2: an unknown parameter without a value",
            fixture.good("&colour"),
        ),
        (
            "RFC 6749 §3.2: a parameter of another case",
            fixture.good("&Scope=admin"),
        ),
        (
            "RFC 6749 §3.1: an unknown parameter in the query",
            unknown_in_query,
        ),
        (
            "RFC 6749 Appendix B: empty pairs",
            fixture.good("&&&scope=read&"),
        ),
        (
            "RFC 6749 Appendix B: an escaped name",
            fixture.good("&sc%6fpe=read"),
        ),
        (
            "§5 of the contract: exactly 64 KiB",
            fixture.good("").body(full),
        ),
        ("§5 of the contract: 100 parameters", fixture.good(&hundred)),
        ("RFC 9110 §5.5: another header in Latin-1", latin),
    ];
    empty.into_iter().chain(named(rows)).collect()
}

fn types(fixture: &Fixture) -> Named {
    [
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded;charset=utf-8",
        "application/x-www-form-urlencoded; charset=\"utf-8\"",
        "application/x-www-form-urlencoded; Charset=Utf-8; q=1",
        "APPLICATION/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded;",
        "application/x-www-form-urlencoded ; charset=UTF-8",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "application/x-www-form-urlencoded; q=1; charset=\"UTF-16\"",
        "application/x-www-form-urlencoded; charset=\"utf-8",
        "application/x-www-form-urlencoded; charset=utf-8; charset=iso-8859-1",
        "application/x-www-form-urlencoded; charset=",
    ]
    .into_iter()
    .map(|value| {
        let request = fixture.good("").without_header("content-type");
        (
            format!("RFC 9110 §8.3.1: {value}"),
            request.header("content-type", value),
        )
    })
    .collect()
}

fn credentials(fixture: &Fixture) -> Named {
    let (id, secret) = (&fixture.client.id, fixture.client.secret());
    let own_id = fixture.good(&format!("&client_id={id}"));
    let post = form(format!("client_secret={secret}&client_id={id}&{GRANT}"));
    let escaped_post = form(format!(
        "{GRANT}&client_id={}&client_secret={}",
        escape(id),
        escape(secret)
    ));
    let escaped_basic = form(GRANT).basic(&escape(id), &escape(secret));
    let lower_case = {
        let credentials = STANDARD.encode(format!("{id}:{secret}"));
        form(GRANT).header("authorization", format!("bAsIc {credentials}"))
    };
    let spaced = {
        let credentials = STANDARD.encode(format!("{id}:{secret}"));
        form(GRANT).header("authorization", format!("Basic   {credentials}  "))
    };
    let basic_only = form(GRANT).by(&fixture.basic_only);
    let post_only = form(format!(
        "{GRANT}&client_id={}&client_secret={}",
        fixture.post_only.id,
        fixture.post_only.secret()
    ));
    let rows = [
        (
            "RFC 6749 §3.2.1: the client_id of the Basic credentials",
            own_id,
        ),
        ("RFC 6749 §2.3.1: credentials in the form", post),
        (
            "RFC 6749 §2.3.1: escaped credentials in the form",
            escaped_post,
        ),
        (
            "RFC 6749 §2.3.1: form-encoded Basic credentials",
            escaped_basic,
        ),
        ("RFC 9110 §11.1: the scheme in another case", lower_case),
        ("RFC 9110 §11.4: spaces around the credentials", spaced),
        ("RFC 7591 §2: Basic where Basic is registered", basic_only),
        ("RFC 7591 §2: form where form is registered", post_only),
    ];
    named(rows).collect()
}

/// Every character as an escape.
fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn named<const N: usize>(
    rows: [(&'static str, HttpRequest); N],
) -> impl Iterator<Item = (String, HttpRequest)> {
    rows.into_iter()
        .map(|(name, request)| (name.to_owned(), request))
}
