//! Bounds on the size, the number and the time of what a connection brings.

use tokensmith_tests::{Answer, Connection, HttpRequest, TestClient, TestIssuer};

use super::{GRANT, JWKS, TOKEN, form};

#[test]
fn rfc6585_5_too_many_or_too_long_headers_are_refused() {
    let issuer = TestIssuer::shared();
    let with_headers = |count: usize| {
        (0..count).fold(HttpRequest::get(JWKS), |request, index| {
            request.header(&format!("x-{index}"), "value")
        })
    };
    let long = "x".repeat(1 << 20);
    // As many as a client that sits behind a few proxies may have.
    assert_eq!(issuer.send(&with_headers(50)).status, 200);
    let large = HttpRequest::get(JWKS).header("x-large", &long[..16 * 1024]);
    assert_eq!(issuer.send(&large).status, 200);
    for (name, request) in [
        ("100 headers", with_headers(100)),
        ("10,000 headers", with_headers(10_000)),
        (
            "a long value",
            HttpRequest::get(JWKS).header("x-long", long.as_str()),
        ),
        ("a long name", HttpRequest::get(JWKS).header(&long, "value")),
        ("a long target", HttpRequest::get(&format!("{JWKS}?{long}"))),
        ("a long method", HttpRequest::new(&long, JWKS)),
        ("long credentials", form(GRANT).basic("id", &long)),
    ] {
        let answer = issuer.send(&request);
        assert!(
            (400..500).contains(&answer.status),
            "{name}: {}",
            answer.status
        );
    }
    assert_eq!(issuer.send(&HttpRequest::get(JWKS)).status, 200);
}

#[test]
fn rfc9112_11_what_is_no_http_gets_no_token() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("smuggler", &[]);
    let request = form(GRANT).by(&client);
    let whole = String::from_utf8(request.bytes("issuer.example")).expect("text");
    let with = |from: &str, to: &str| whole.replace(from, to).into_bytes();
    let length = "content-length: 29\r\n";
    assert!(whole.contains(length));
    for (name, bytes) in [
        (
            "two lengths",
            with(length, &format!("{length}content-length: 28\r\n")),
        ),
        ("a negative length", with(length, "content-length: -1\r\n")),
        ("no number", with(length, "content-length: 0x1d\r\n")),
        (
            "a length with a sign",
            with(length, "content-length: +29\r\n"),
        ),
        (
            "chunks without end",
            with(length, "transfer-encoding: chunked\r\n"),
        ),
        ("no host", with("host: issuer.example\r\n", "")),
        ("two hosts", with("host:", "host: other.example\r\nhost:")),
        ("a space in a name", with("host:", "ho st:")),
        (
            "a space before the colon",
            with("content-type:", "content-type :"),
        ),
        (
            "a folded line",
            with("authorization: ", "authorization:\r\n "),
        ),
        ("a NUL in a value", with("host: ", "host: \0")),
        ("another version", with("HTTP/1.1", "HTTP/3.7")),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        ),
        ("bytes", vec![0xff; 1000]),
        ("empty lines", b"\r\n\r\n\r\n\0".to_vec()),
    ] {
        let mut connection = Connection::open(&issuer.url);
        let _ = connection.write(&bytes);
        let answer = connection.read_to_end();
        let refused = Answer::try_parse(&answer).is_none_or(|answer| answer.status >= 400);
        assert!(refused, "{name}: {}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(issuer.send(&request).status, 200);
}

#[test]
fn rfc9112_6_1_the_one_transfer_coding_is_chunked() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("codings", &[]);
    let send = |coding: &str| {
        let bytes = form("").by(&client).bytes("host");
        let head = String::from_utf8(bytes).expect("text");
        let head = head.replace("content-length: 0", coding);
        let mut connection = Connection::open(&issuer.url);
        let request = format!("{head}{:x}\r\n{GRANT}\r\n0\r\n\r\n", GRANT.len());
        connection.write(request.as_bytes()).expect("it reads");
        connection.answer()
    };
    send("transfer-encoding: chunked").token();
    send("Transfer-Encoding: Chunked").token();
    for coding in [
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity",
        "transfer-encoding: xchunked",
    ] {
        assert_eq!(send(coding).status, 400, "{coding}");
    }
}

/// RFC 9112 §3.2.2: with the target of a request to a proxy, and in the version before `Host`.
#[test]
fn rfc9112_3_2_other_forms_of_a_request_are_understood() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("forms", &[]);
    let request = form(GRANT).by(&client);
    let whole = String::from_utf8(request.bytes("issuer.example")).expect("text");
    let with = |from: &str, to: &str| whole.replace(from, to);
    for request in [
        with(TOKEN, "http://issuer.example/oauth2/token"),
        with("HTTP/1.1", "HTTP/1.0"),
        with("HTTP/1.1\r\nhost: issuer.example", "HTTP/1.0"),
        with("host: issuer.example", "Host:issuer.example"),
    ] {
        let mut connection = Connection::open(&issuer.url);
        connection.write(request.as_bytes()).expect("it reads");
        connection.answer().token();
    }
}

/// RFC 9112 §6.1: with both, the length is ignored and nothing more is read.
#[test]
fn rfc9112_6_1_a_request_with_two_lengths_is_the_last_of_its_connection() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("smuggler", &[]);
    let bytes = form("").by(&client).bytes("host");
    let head = String::from_utf8(bytes).expect("text");
    let head = head.replace("connection: close", "transfer-encoding: chunked");
    let head = head.replace("content-length: 0", "content-length: 5");
    let chunk = format!("{:x}\r\n{GRANT}\r\n0\r\n\r\n", GRANT.len());
    let mut connection = Connection::open(&issuer.url);
    let smuggled = format!("{head}{chunk}{head}{chunk}");
    connection.write(smuggled.as_bytes()).expect("it reads");
    let answers = String::from_utf8(connection.read_to_end()).expect("text");
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
}

#[test]
fn rfc9112_7_1_a_body_in_chunks_is_a_body() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("chunks", &[]);
    let send = |chunks: &[&str]| {
        let bytes = form("").by(&client).bytes("host");
        let head = String::from_utf8(bytes).expect("text");
        let head = head.replace("content-length: 0", "transfer-encoding: chunked");
        let mut connection = Connection::open(&issuer.url);
        connection.write(head.as_bytes()).expect("it reads");
        for chunk in chunks.iter().chain([&""]) {
            let _ = connection.write(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes());
        }
        connection.answer()
    };
    send(&["grant_type=client_", "credentials"]).token();
    send(&[GRANT]).token();
    let pad = "x".repeat(16_384);
    let long = send(&[GRANT, "&pad=", &pad, &pad, &pad, &pad]);
    assert_eq!(
        (long.status, &long.json()["error"]),
        (400, &"invalid_request".into())
    );
}

#[test]
fn a_peer_that_stalls_is_cut_off() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("stalls", &[]);
    let whole = form(GRANT).by(&client).bytes("host");
    let head = whole.len() - GRANT.len();
    std::thread::scope(|scope| {
        for (name, part) in [
            ("nothing", 0),
            ("half a request line", 10),
            ("a request line", 29),
            ("half a header", 40),
            ("all but the last byte of the head", head - 1),
        ] {
            let mut connection = Connection::open(&issuer.url);
            let part = &whole[..part];
            scope.spawn(move || {
                connection.write(part).expect("it reads");
                let answer = connection.read_to_end();
                let refused = answer.is_empty() || Answer::parse(&answer).status == 408;
                assert!(refused, "{name}: {}", String::from_utf8_lossy(&answer));
            });
        }
        for part in [head, head + 9, whole.len() - 1] {
            let mut connection = Connection::open(&issuer.url);
            let part = &whole[..part];
            scope.spawn(move || {
                connection.write(part).expect("it reads");
                // RFC 9110 §15.5.9.
                assert_eq!(connection.answer().status, 408, "half a body");
            });
        }
        scope.spawn(|| {
            let mut connection = Connection::open(&issuer.url);
            let request = String::from_utf8(whole.clone()).expect("text");
            let request = request.replace("connection: close\r\n", "");
            connection.write(request.as_bytes()).expect("it reads");
            let answer = Answer::parse(&connection.read_to_end());
            assert_eq!(
                answer.status, 200,
                "one answer, and then an idle connection"
            );
        });
    });
    assert_eq!(issuer.token(&client, "").status, 200);
}

#[test]
fn a_peer_that_drips_is_cut_off() {
    let issuer = TestIssuer::shared();
    let body = format!("{GRANT}&pad={}", "x".repeat(200));
    let whole = form(&body).bytes("host");
    let head = whole.len() - body.len();
    std::thread::scope(|scope| {
        for at_once in [head, 10] {
            let mut connection = Connection::open(&issuer.url);
            let (first, rest) = whole.split_at(at_once);
            scope.spawn(move || {
                connection.write(first).expect("it reads");
                connection.drip(rest);
            });
        }
    });
}

#[test]
fn two_hundred_requests_at_once_are_all_answered() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("parallel", &[]);
    let whole = form(GRANT).by(&client).bytes("host");
    let (first, rest) = whole.split_at(whole.len() - 10);
    let mut connections: Vec<Connection> =
        (0..200).map(|_| Connection::open(&issuer.url)).collect();
    // All are under way before the first can be answered.
    for part in [first, rest] {
        for connection in &mut connections {
            connection.write(part).expect("it reads");
        }
    }
    for mut connection in connections {
        connection.answer().token();
    }
}

#[test]
fn requests_that_are_broken_off_harm_nobody() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("breaks-off", &[]);
    let whole = form(GRANT).by(&client).bytes("host");
    for part in (0..whole.len()).step_by(7).chain([whole.len()]) {
        let mut connection = Connection::open(&issuer.url);
        let _ = connection.write(&whole[..part]);
    }
    assert_eq!(issuer.token(&client, "").status, 200);
}

#[test]
fn rfc9112_9_3_requests_on_one_connection_do_not_mix() {
    let issuer = TestIssuer::shared();
    let [one, other] = ["one", "other"].map(|prefix| issuer.register(prefix, &[]));
    let text = |client: &TestClient| {
        let request = form(GRANT).by(client);
        let bytes = request.bytes("host");
        String::from_utf8(bytes).expect("text")
    };
    let mut connection = Connection::open(&issuer.url);
    let stay = |request: String| request.replace("connection: close\r\n", "");
    // Three in one piece, before any answer is read.
    let refused = stay(text(&one)).replace(TOKEN, "/oauth2/token?client_secret=x");
    let requests = [stay(text(&one)), refused, text(&other)].concat();
    connection.write(requests.as_bytes()).expect("it reads");
    let answers = String::from_utf8(connection.read_to_end()).expect("text");
    let answers: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).collect();
    let statuses: Vec<&str> = answers.iter().map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "400", "200"]);
    for (index, client) in [(0, &one), (2, &other)] {
        let answer = Answer::parse(format!("HTTP/1.1 {}", answers[index]).as_bytes());
        assert_eq!(answer.token().claims["sub"], client.id);
    }
}
