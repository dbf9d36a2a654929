//! Only somebody on this machine, who asks the server itself, sees the page.

use std::net::UdpSocket;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tokensmith_tests::{Answer, Connection, HttpRequest, TestIssuer};

use super::{between, page};

#[test]
fn the_page_is_shown_under_every_name_of_loopback() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    for host in [
        "localhost",
        "localhost:8080",
        "LocalHost:1",
        "127.0.0.1",
        "127.9.9.9:65535",
        "[::1]",
        "[::1]:8080",
    ] {
        let answer = issuer.send_to(host, &HttpRequest::get("/"));
        assert_eq!(answer.status, 200, "{host}");
        let commands = format!("http://{host}/.well-known/jwks.json");
        assert!(answer.body.contains(&commands), "{host}");
    }
    let [get, head] = ["GET", "HEAD"].map(|method| issuer.send(&HttpRequest::new(method, "/")));
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[test]
fn no_other_name_leads_to_the_page() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    for host in [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost.",
        "localhost:",
        "localhost:99999",
        "localhost, evil.example",
        "0.0.0.0",
        "10.0.0.1",
        "[::ffff:10.0.0.1]",
        "[::]",
        "::1",
        "",
    ] {
        assert_hidden(&issuer, issuer.send_to(host, &HttpRequest::get("/")), host);
    }
    // RFC 9112 §3.2.2: the target of a request to a proxy counts, and not the `Host`.
    for target in ["http://evil.example/", "http://localhost/"] {
        let request = HttpRequest::get(target);
        assert_hidden(&issuer, issuer.send_to("localhost", &request), target);
    }
    let mut connection = Connection::open(&issuer.url);
    connection
        .write(b"GET / HTTP/1.0\r\n\r\n")
        .expect("it reads");
    assert_hidden(&issuer, connection.answer(), "no host");
}

#[test]
fn nobody_sees_the_page_through_a_proxy() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("X-Forwarded-Host", "localhost"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("via", "1.1 proxy"),
    ] {
        let answer = issuer.send(&HttpRequest::get("/").header(name, value));
        assert_hidden(&issuer, answer, name);
    }
}

/// A machine that has no address but loopback's cannot be asked from elsewhere either.
#[test]
fn nobody_sees_the_page_from_another_address() {
    let directory = TempDir::new().expect("a directory");
    let arguments = ["--alg=ES256", "--issuer=https://issuer.example"];
    let issuer = TestIssuer::serve_at("0.0.0.0:0", directory.path(), &arguments);
    assert_eq!(
        issuer.greeting().matches("http://").count(),
        1,
        "no page is named"
    );
    assert!(page(&issuer).contains("https://issuer.example"));
    let Some(address) = other_address() else {
        println!("this machine has no address but loopback's");
        return;
    };
    let port = issuer.url.rsplit(':').next().expect("a port");
    for host in ["localhost", "127.0.0.1", &address] {
        let mut connection = Connection::open(&format!("http://{address}:{port}"));
        let request = HttpRequest::get("/").bytes(host);
        connection.write(&request).expect("it reads");
        assert_hidden(&issuer, connection.answer(), host);
    }
}

#[test]
fn the_page_is_read_and_never_sent_to() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "HACK"] {
        let request = HttpRequest::new(method, "/");
        let answer = issuer.send(&request);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD")),
            "{method}"
        );
        assert_hidden(&issuer, issuer.send_to("evil.example", &request), method);
    }
}

#[test]
fn the_page_has_no_script_and_no_other_site_can_use_it() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let answer = issuer.send(&HttpRequest::get("/"));
    let sheets = between(&answer.body, "<style>", "</style>");
    assert_eq!(sheets.len(), 1);
    let sheet = STANDARD.encode(digest(&SHA256, sheets[0].as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{sheet}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    for (name, value) in [
        ("content-security-policy", policy.as_str()),
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    for name in ["access-control-allow-origin", "set-cookie", "etag"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    for part in [
        "<script",
        "javascript:",
        "<form",
        "<iframe",
        "style=",
        "http-equiv",
        " on",
    ] {
        let inside_tags = between(&answer.body, "<", ">");
        let found = inside_tags
            .iter()
            .any(|tag| format!("<{tag}").contains(part));
        assert!(!found, "{part}");
    }
    assert!(answer.body.len() < 15_000, "{} bytes", answer.body.len());
}

#[test]
fn serve_says_where_the_page_is() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    for _ in 0..2 {
        let expected = format!("what it is and does: {0}/\nlistening on {0}\n", issuer.url);
        assert!(
            issuer.greeting().ends_with(&expected),
            "{}",
            issuer.greeting()
        );
        page(&issuer);
        issuer.kill_and_restart();
    }
}

/// Whether an answer is the one for a path that is not there.
fn assert_hidden(issuer: &TestIssuer, mut answer: Answer, what: &str) {
    let mut expected = issuer.send(&HttpRequest::get("/nothing"));
    for answer in [&mut answer, &mut expected] {
        answer.headers.remove("date");
        answer.headers.remove("connection");
    }
    assert_eq!(answer.status, 404, "{what}");
    assert_eq!(answer, expected, "{what}");
}

/// An address of this machine that is not on loopback. Nothing is sent to find it.
fn other_address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then(|| address.to_string())
}
