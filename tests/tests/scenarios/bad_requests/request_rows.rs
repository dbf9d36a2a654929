//! The request itself: method, type, size, encoding, repetition, and what stands in the URL.

use tokensmith_tests::HttpRequest;

use super::{
    Fixture, GRANT, INVALID_REQUEST, METHOD_NOT_ALLOWED, REQUEST_PARAMETERS, Row,
    UNSUPPORTED_GRANT_TYPE, form, row,
};

pub fn rows(fixture: &Fixture) -> Vec<Row> {
    [
        repetitions(fixture),
        queries(fixture),
        methods(fixture),
        types(fixture),
        sizes(fixture),
        encodings(fixture),
        grant_types(fixture),
    ]
    .concat()
}

fn repetitions(fixture: &Fixture) -> Vec<Row> {
    let mut rows = Vec::new();
    for name in REQUEST_PARAMETERS.into_iter().chain(["unknown"]) {
        for (what, second) in [("other", "two"), ("equal", "one")] {
            let body = format!("&{name}=one&{name}={second}");
            let title = format!("RFC 6749 §3.2: {name} repeated with {what} value");
            rows.push(row(title, fixture.good(&body), INVALID_REQUEST));
        }
    }
    let encoded = fixture.good("&scope=read&sc%6Fpe=read");
    rows.push(row(
        "§3.2: repeated, once encoded",
        encoded,
        INVALID_REQUEST,
    ));
    rows
}

/// OAuth 2.1 §3.2: what stands in a URL is logged by whoever sees it.
fn queries(fixture: &Fixture) -> Vec<Row> {
    let secret = fixture.client.secret();
    let mut rows: Vec<Row> = REQUEST_PARAMETERS
        .into_iter()
        .chain(["resource"])
        .map(|name| {
            let request = in_query(fixture, &format!("{name}={secret}"));
            row(
                format!("OAuth 2.1 §3.2: {name} in the query"),
                request,
                INVALID_REQUEST,
            )
        })
        .collect();
    for (name, query) in [
        ("after another one", format!("a=b&client_secret={secret}")),
        ("with an encoded name", format!("client%5Fsecret={secret}")),
        ("without a value", "client_secret".to_owned()),
    ] {
        let title = format!("OAuth 2.1 §3.2: a parameter in the query {name}");
        rows.push(row(title, in_query(fixture, &query), INVALID_REQUEST));
    }
    rows
}

fn in_query(fixture: &Fixture, query: &str) -> HttpRequest {
    let target = format!("/oauth2/token?{query}");
    HttpRequest::post(&target, GRANT).by(&fixture.client)
}

fn methods(fixture: &Fixture) -> Vec<Row> {
    let methods = [
        "GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "post",
    ];
    let mut rows: Vec<Row> = methods
        .into_iter()
        .map(|method| {
            let name = format!("RFC 6749 §3.2, RFC 9110 §15.5.6: {method}");
            let request = HttpRequest::new(method, "/oauth2/token").by(&fixture.client);
            row(name, request, METHOD_NOT_ALLOWED)
        })
        .collect();
    let target = format!(
        "/oauth2/token?{GRANT}&client_id={}&client_secret={}",
        fixture.client.id,
        fixture.client.secret()
    );
    let request = HttpRequest::get(&target);
    rows.push(row(
        "RFC 6749 §3.2: GET with all in the query",
        request,
        METHOD_NOT_ALLOWED,
    ));
    let put = HttpRequest::new("PUT", "/oauth2/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(GRANT)
        .by(&fixture.client);
    rows.push(row(
        "RFC 6749 §3.2: PUT of a right form",
        put,
        METHOD_NOT_ALLOWED,
    ));
    rows
}

fn types(fixture: &Fixture) -> Vec<Row> {
    let typed = |value: &[u8]| {
        let request = fixture.good("").without_header("content-type");
        request.header("content-type", value)
    };
    let json = typed(b"application/json").body(r#"{"grant_type":"client_credentials"}"#);
    let multipart = typed(b"multipart/form-data; boundary=b").body(
        "--b\r\ncontent-disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--b--\r\n",
    );
    let twice = fixture
        .good("")
        .header("content-type", "application/x-www-form-urlencoded");
    let untyped = fixture.good("").without_header("content-type");
    let obscure = typed(b"application/x-www-form-urlencoded; charset=\xff");
    [
        ("no content type", untyped),
        ("an empty content type", typed(b"")),
        ("text/plain", typed(b"text/plain")),
        ("octets", typed(b"application/octet-stream")),
        (
            "a longer type",
            typed(b"application/x-www-form-urlencodedx"),
        ),
        (
            "a list of types",
            typed(b"application/x-www-form-urlencoded, text/plain"),
        ),
        ("the content type twice", twice),
        ("JSON", json),
        ("a form that says JSON", typed(b"application/json")),
        ("multipart", multipart),
        ("a content type that is not UTF-8", obscure),
    ]
    .into_iter()
    .map(|(name, request)| {
        row(
            format!("RFC 6749 §4.4.2, Appendix B: {name}"),
            request,
            INVALID_REQUEST,
        )
    })
    .collect()
}

fn sizes(fixture: &Fixture) -> Vec<Row> {
    let padded = |length: usize| {
        let mut body = format!("{GRANT}&pad=").into_bytes();
        body.resize(length, b'x');
        fixture.good("").body(body)
    };
    let parameters = |count: usize| {
        // The grant type is one of them.
        let more = (1..count).map(|index| format!("&{index:x}="));
        fixture.good(&more.collect::<String>())
    };
    let only_separators = fixture.good("").body(vec![b'&'; 1000]);
    [
        ("64 KiB and a byte", padded(65_537)),
        ("3 MiB", padded(3 << 20)),
        ("8 MiB", padded(8 << 20)),
        ("101 parameters", parameters(101)),
        ("10,000 parameters", parameters(10_000)),
        ("an empty body", fixture.good("").body("")),
        ("nothing but separators", only_separators),
    ]
    .into_iter()
    .map(|(name, request)| {
        row(
            format!("§5 of the contract: {name}"),
            request,
            INVALID_REQUEST,
        )
    })
    .collect()
}

fn encodings(fixture: &Fixture) -> Vec<Row> {
    let raw = |more: &[u8]| fixture.good("").body([GRANT.as_bytes(), more].concat());
    [
        ("% at the end of the value", raw(b"&scope=read%")),
        ("% and one digit", raw(b"&scope=read%2")),
        ("% and no digits", raw(b"&scope=read%zz")),
        ("% in the middle of a pair", raw(b"&scope=%2&x=y")),
        ("% in a name", raw(b"&sc%pe=read")),
        ("% in a parameter that nobody knows", raw(b"&unknown=%")),
        ("a signed escape", raw(b"&scope=%+1")),
        ("bytes that are not UTF-8", raw(b"&scope=\xff\xfe")),
        ("escapes that are not UTF-8", raw(b"&scope=%ff%fe")),
        ("an overlong escape", raw(b"&scope=%c0%af")),
        ("half a surrogate", raw(b"&scope=%ed%a0%80")),
        ("a name that is not UTF-8", raw(b"&%ff=read")),
        ("a NUL", raw(b"&scope=re\0ad")),
        ("an escaped NUL", raw(b"&scope=re%00ad")),
        ("a NUL in a parameter that nobody knows", raw(b"&x=%00")),
        ("a NUL in a name", raw(b"&x%00=y")),
    ]
    .into_iter()
    .map(|(name, request)| {
        row(
            format!("RFC 6749 Appendix B: {name}"),
            request,
            INVALID_REQUEST,
        )
    })
    .collect()
}

fn grant_types(fixture: &Fixture) -> Vec<Row> {
    let with = |body: &str| fixture.good("").body(body);
    let mut rows: Vec<Row> = [
        ("no grant_type", with("scope=read")),
        ("an empty grant_type", with("grant_type=")),
        ("grant_type without a value", with("grant_type")),
        (
            "a name of another case",
            with("Grant_Type=client_credentials"),
        ),
        (
            "a name with a space",
            with("+grant_type=client_credentials"),
        ),
        (
            "a name with brackets",
            with("grant_type[]=client_credentials"),
        ),
        (
            "a name behind a byte order mark",
            with("\u{feff}grant_type=client_credentials"),
        ),
    ]
    .into_iter()
    .map(|(name, request)| row(format!("RFC 6749 §4.4.2: {name}"), request, INVALID_REQUEST))
    .collect();
    for grant_type in [
        "nonsense",
        "CLIENT_CREDENTIALS",
        "Client_Credentials",
        "client_credentials+",
        "client-credentials",
        "client_credentials;scope=read",
        "client_credentials\r\n",
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "https://example.com/own-grant",
    ] {
        let name = format!("RFC 6749 §5.2: grant_type {grant_type}");
        let request = with(&format!("grant_type={grant_type}&username=u&password=p"));
        rows.push(row(name, request, UNSUPPORTED_GRANT_TYPE));
    }
    let jwt_bearer = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer";
    rows.push(row(
        "RFC 7521 §4.1: no assertion",
        form(jwt_bearer),
        INVALID_REQUEST,
    ));
    rows.push(row(
        "RFC 7521 §4.1.1: an assertion that is none",
        form(format!("{jwt_bearer}&assertion=a.b.c")),
        (400, "invalid_grant"),
    ));
    let unauthenticated = form("grant_type=password&username=u&password=p");
    rows.push(row(
        "RFC 6749 §5.2: a grant that is not served, without client authentication",
        unauthenticated,
        UNSUPPORTED_GRANT_TYPE,
    ));
    rows
}
