//! RFC 6749 §5.2: what a client can do wrong at the token endpoint has one exact answer and leaves
//! nothing behind; what looks odd but is right gets a token.

mod accepted_rows;
mod access_rows;
mod client_rows;
mod request_rows;

use proptest::prelude::*;
use serde_json::Value;
use tokensmith_tests::records::API;
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer};

#[test]
fn rfc6749_5_2_every_bad_request_has_its_exact_answer_and_writes_nothing() {
    // Nobody else may write while the table is compared.
    let fixture = Fixture::new(TestIssuer::alone());
    let rows = [
        request_rows::rows(&fixture),
        client_rows::rows(&fixture),
        access_rows::rows(&fixture),
    ]
    .concat();
    assert!(rows.len() >= 75, "{} rows", rows.len());
    let mut wrong = Vec::new();
    let before = fixture.issuer.table_items();
    assert!(!before.is_empty(), "the table is seen");
    for row in &rows {
        if !fixture.issuer.hears(&row.name, &row.request) {
            continue;
        }
        let answer = fixture.issuer.send(&row.request);
        wrong.extend(
            faults_of(row, &answer, &fixture)
                .into_iter()
                .map(|fault| format!("{}: {fault}: {} {}", row.name, answer.status, answer.body)),
        );
        if fixture.issuer.table_items() != before {
            wrong.push(format!("{}: something was written", row.name));
            break;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rfc6749_3_1_what_is_odd_but_right_gets_a_token() {
    let fixture = Fixture::new(TestIssuer::shared());
    let mut wrong = Vec::new();
    for row in accepted_rows::rows(&fixture) {
        if !fixture.issuer.hears(&row.name, &row.request) {
            continue;
        }
        let answer = fixture.issuer.send(&row.request);
        if answer.status != 200 {
            wrong.push(format!("{}: {} {}", row.name, answer.status, answer.body));
            continue;
        }
        let token = answer.token();
        let granted = (&token.claims["scope"], &token.claims["aud"]);
        if granted != (&row.scope, &row.audience) {
            wrong.push(format!("{}: {}", row.name, token.claims));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn invariant_10_a_wrong_client_id_and_a_wrong_secret_are_indistinguishable() {
    let fixture = Fixture::new(TestIssuer::shared());
    let id = &fixture.client.id;
    let unknown = &format!("{id}x");
    let wrong = fixture.other.secret();
    let body = |id: &str, secret: &str| {
        form(format!(
            "{GRANT}&client_id={id}&client_secret={secret}&scope=nobody-has-this"
        ))
    };
    let basic = |id: &str, secret: &str| form(GRANT).basic(id, secret);
    let named = |id: &str| form(format!("{GRANT}&client_id={id}"));
    let post_only = &fixture.post_only;
    let cases = [
        ("Basic", basic(unknown, wrong), basic(id, wrong)),
        ("form", body(unknown, wrong), body(id, wrong)),
        ("garbage", basic(unknown, "short"), basic(id, "short")),
        ("no secret", named(unknown), named(id)),
        (
            "disabled",
            basic(unknown, wrong),
            basic(&fixture.disabled.id, wrong),
        ),
        (
            "wrong method",
            basic(unknown, wrong),
            basic(&post_only.id, post_only.secret()),
        ),
    ];
    // Twice: the second answers rest on cached records.
    for (name, unknown_client, wrong_secret) in cases.iter().chain(&cases) {
        let one = fixture.issuer.send(unknown_client).comparable();
        let other = fixture.issuer.send(wrong_secret).comparable();
        assert_eq!(one.status, 401, "{name}");
        assert_eq!(one, other, "{name}");
    }
    // The comparison would see a difference if there were one.
    let right = fixture
        .issuer
        .send(&form(GRANT).basic(id, fixture.client.secret()));
    assert_ne!(right.status, 401);
}

#[test]
fn no_bytes_that_a_client_can_send_make_a_server_error() {
    let fixture = Fixture::new(TestIssuer::shared());
    let config = ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
    let line_bytes = || {
        // What would end the header line is not part of its value. Half of the values are text.
        (bytes(), any::<bool>()).prop_map(|(bytes, text)| {
            let in_line =
                |byte: &u8| !matches!(*byte, b'\r' | b'\n' | 0) && (byte.is_ascii() || !text);
            bytes.into_iter().filter(in_line).collect::<Vec<u8>>()
        })
    };
    proptest!(config, |(body in bytes(), credentials in line_bytes(), kind in line_bytes(), guided: bool)| {
        let body = match guided {
            true => [GRANT.as_bytes(), b"&scope=", &body].concat(),
            false => body,
        };
        let request = form(body).header("authorization", [b"Basic ", &credentials[..]].concat());
        let typed = request.clone().without_header("content-type").header("content-type", kind);
        for request in [request, typed] {
            if fixture.issuer.hears("random bytes", &request) {
                let answer = fixture.issuer.send(&request);
                prop_assert!((400..500).contains(&answer.status), "{}", answer.body);
            }
        }
    });
    assert_eq!(fixture.issuer.token(&fixture.client, "").status, 200);
}

/// An issuer, and a client of each kind that the rows need.
struct Fixture {
    issuer: TestIssuer,
    /// May use both methods; scopes `read write`, by default `read`; audiences [`API`], [`OTHER`].
    client: TestClient,
    other: TestClient,
    basic_only: TestClient,
    post_only: TestClient,
    disabled: TestClient,
    deleted: TestClient,
    /// With the secret that it had before an immediate rotation.
    rotated: TestClient,
}

impl Fixture {
    fn new(issuer: TestIssuer) -> Self {
        let access = [
            "--scope=read",
            "--scope=write",
            "--default-scope=read",
            "--audience",
            API,
            "--audience",
            OTHER,
        ];
        let with = |more: &'static str| [&access[..], &[more]].concat();
        let fixture = Self {
            client: issuer.register("client", &access),
            other: issuer.register("other", &access),
            basic_only: issuer.register("basic", &with("--auth=client_secret_basic")),
            post_only: issuer.register("post", &with("--auth=client_secret_post")),
            disabled: issuer.register("disabled", &access),
            deleted: issuer.register("deleted", &access),
            rotated: issuer.register("rotated", &access),
            issuer,
        };
        let Self { issuer, .. } = &fixture;
        issuer.manage(&["client", "disable", &fixture.disabled.id, "--yes"]);
        issuer.manage(&["client", "delete", &fixture.deleted.id, "--yes"]);
        let rotated = &fixture.rotated.id;
        issuer.manage(&["client", "rotate-secret", rotated, "--overlap=0s"]);
        fixture
    }

    /// A request that works, to be spoilt in one point; `more` follows the grant type.
    fn good(&self, more: &str) -> HttpRequest {
        form(format!("{GRANT}{more}")).by(&self.client)
    }

    fn clients(&self) -> [&TestClient; 7] {
        [
            &self.client,
            &self.other,
            &self.basic_only,
            &self.post_only,
            &self.disabled,
            &self.deleted,
            &self.rotated,
        ]
    }
}

/// A request that must be refused.
#[derive(Clone)]
struct Row {
    name: String,
    request: HttpRequest,
    status: u16,
    error: &'static str,
}

fn row(name: impl Into<String>, request: HttpRequest, expected: (u16, &'static str)) -> Row {
    Row {
        name: name.into(),
        request,
        status: expected.0,
        error: expected.1,
    }
}

/// What is wrong with the answer to a bad request.
fn faults_of(row: &Row, answer: &Answer, fixture: &Fixture) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let header = |name| answer.header(name).unwrap_or_default();
    expect(answer.status == row.status, "status");
    expect(header("content-type") == "application/json", "content-type");
    expect(header("cache-control") == "no-store", "cache-control");
    expect(header("pragma") == "no-cache", "pragma");
    expect(header("access-control-allow-origin") == "*", "CORS");
    let exposed = match answer.status {
        401 => "WWW-Authenticate, DPoP-Nonce, Retry-After, RateLimit, RateLimit-Policy",
        _ => "",
    };
    expect(
        header("access-control-expose-headers") == exposed,
        "exposed",
    );
    let credentials = answer.header("access-control-allow-credentials");
    expect(credentials.is_none(), "credentials");
    let challenge = answer.header("www-authenticate");
    let challenged = challenge.is_some_and(|value| value.starts_with("Basic "));
    expect(challenged == (answer.status == 401), "challenge");
    let allowed = answer.header("allow") == Some("POST, OPTIONS");
    expect(allowed == (answer.status == 405), "allow");

    let whole = format!("{:?}{}", answer.headers, answer.body);
    let echoed = |secret: &str| whole.contains(secret);
    let secrets = fixture.clients().map(|client| client.secret());
    expect(!secrets.into_iter().any(echoed), "echo");
    expect(!echoed("tksmc_"), "echo of a part");

    if row.request.method() == "HEAD" {
        expect(answer.body.is_empty(), "a body for HEAD");
        return faults;
    }
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    expect(body["error"] == row.error, "error");
    let members = body
        .as_object()
        .map(|object| object.keys().map(String::as_str));
    let known = |name| ["error", "error_description"].contains(&name);
    expect(
        members.is_some_and(|mut names| names.all(known)),
        "unknown members",
    );
    // RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E.
    let description = body["error_description"].as_str().unwrap_or_default();
    let plain = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    expect(!description.is_empty(), "no description");
    expect(description.bytes().all(plain), "description");
    faults
}

fn form(body: impl AsRef<[u8]>) -> HttpRequest {
    HttpRequest::post("/oauth2/token", body.as_ref())
}

const GRANT: &str = "grant_type=client_credentials";
const OTHER: &str = "https://other.example/v1?tenant=1";

const INVALID_REQUEST: (u16, &str) = (400, "invalid_request");
const INVALID_CLIENT: (u16, &str) = (401, "invalid_client");
const INVALID_SCOPE: (u16, &str) = (400, "invalid_scope");
const INVALID_TARGET: (u16, &str) = (400, "invalid_target");
const UNSUPPORTED_GRANT_TYPE: (u16, &str) = (400, "unsupported_grant_type");
const METHOD_NOT_ALLOWED: (u16, &str) = (405, "invalid_request");

/// The parameters of token requests that IANA lists; only `resource` may repeat.
const REQUEST_PARAMETERS: [&str; 18] = [
    "access_token",
    "assertion",
    "audience",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "grant_type",
    "password",
    "redirect_uri",
    "refresh_token",
    "scope",
    "token",
    "token_type_hint",
    "username",
];
