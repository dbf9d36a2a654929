//! What servers answer.

use futures_util::future::join_all;
use tokensmith_issuer::fetched::{FETCH_INTERVAL, MAX_DOCUMENT_BYTES};
use tokensmith_issuer::store::records::Fetched;
use tokensmith_tests::InProcess;
use tokensmith_tests::foreign::{Behavior, ForeignServer};

use super::{instance, numbered, url, usual};

#[tokio::test]
async fn a_fresh_document_costs_no_call_and_no_second_fetch() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing(&numbered(1));
    let (documents, url) = (instance(&issuer).await, url(&server.base_url()));
    assert_eq!(usual(&documents, &url).await, Some(1));
    let calls = issuer.dynamo.take_calls();
    assert_eq!(calls, ["GetItem", "UpdateItem", "UpdateItem"]);
    assert_eq!(server.take_requests().len(), 1);
    server.publish("", &numbered(2));
    issuer.pass(299);
    assert_eq!(usual(&documents, &url).await, Some(1));
    assert!(issuer.dynamo.take_calls().is_empty());

    let other = instance(&issuer).await;
    assert_eq!(usual(&other, &url).await, Some(1));
    assert_eq!(issuer.dynamo.take_calls(), ["GetItem"]);
    assert!(server.take_requests().is_empty());
}

#[tokio::test]
async fn rfc9111_4_2_a_copy_is_fresh_for_five_minutes_to_an_hour() {
    let issuer = InProcess::start().await;
    for (headers, seconds) in [
        ("", 300),
        ("Cache-Control: no-store\r\n", 300),
        ("Cache-Control: max-age=10\r\n", 300),
        ("Cache-Control: public, max-age=1000\r\n", 1000),
        ("Cache-Control: max-age=1000\r\nAge: 100\r\n", 900),
        ("Cache-Control: max-age=86400\r\n", 3600),
    ] {
        let server = ForeignServer::publishing("");
        server.publish(headers, &numbered(1));
        let (documents, url) = (instance(&issuer).await, url(&server.base_url()));
        assert_eq!(usual(&documents, &url).await, Some(1));
        server.publish(headers, &numbered(2));
        issuer.pass(seconds - 1);
        assert_eq!(usual(&documents, &url).await, Some(1), "{headers}");
        issuer.pass(1);
        assert_eq!(usual(&documents, &url).await, Some(2), "{headers}");
    }
}

#[tokio::test]
async fn rfc9110_13_1_2_an_unchanged_document_is_confirmed_by_its_tag() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing("");
    let tag = "ETag: \"one\"\r\n";
    server.publish(tag, &numbered(1));
    let (documents, url) = (instance(&issuer).await, url(&server.base_url()));
    assert_eq!(usual(&documents, &url).await, Some(1));
    // With the same tag, it would be answered 304.
    server.publish(tag, "another text");
    for _ in 0..2 {
        server.take_requests();
        issuer.pass(300);
        assert_eq!(usual(&documents, &url).await, Some(1));
        let requests = server.take_requests();
        assert!(
            requests[0].contains("if-none-match: \"one\"\r\n"),
            "{requests:?}"
        );
    }
    let record = issuer.record(&Fetched::key_of(&url)).await;
    let copy = record.copy.expect("a copy");
    assert_eq!((copy.fetched_at, copy.body), (issuer.now(), numbered(1)));
}

/// What is not taken for a document, by what it is.
fn refused(elsewhere: &str) -> Vec<(&'static str, Behavior)> {
    let whole = |head: &str, body: &str| {
        let length = body.len();
        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}");
        Behavior::Answers(answer.into_bytes())
    };
    let redirect = |status| {
        whole(
            &format!("{status}\r\nLocation: {elsewhere}/keys"),
            &numbered(2),
        )
    };
    let long = format!("{}{}", numbered(2), " ".repeat(MAX_DOCUMENT_BYTES));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    vec![
        ("301", redirect("301 Moved Permanently")),
        ("302", redirect("302 Found")),
        ("307", redirect("307 Temporary Redirect")),
        ("308", redirect("308 Permanent Redirect")),
        ("201", whole("201 Created", &numbered(2))),
        (
            "203",
            whole("203 Non-Authoritative Information", &numbered(2)),
        ),
        ("206", whole("206 Partial Content", &numbered(2))),
        ("404", whole("404 Not Found", &numbered(2))),
        ("500", whole("500 Internal Server Error", &numbered(2))),
        ("304 unasked", whole("304 Not Modified", "")),
        (
            "HTML",
            whole("200 OK", "<!doctype html><title>Sign in</title>"),
        ),
        ("empty", whole("200 OK", "")),
        ("another kind", whole("200 OK", "{}")),
        ("a byte too long", whole("200 OK", &long)),
        (
            "not UTF-8",
            Behavior::Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff".to_vec()),
        ),
        (
            "1 GB announced",
            Behavior::Stops(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{".to_vec()),
        ),
        (
            "without end",
            Behavior::Floods(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        ),
        (
            "cut off",
            Behavior::Answers(
                b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"number\":2}".to_vec(),
            ),
        ),
        (
            "chunks cut off",
            Behavior::Answers(format!("{chunked}c\r\n{{\"number\":2}}\r\n").into_bytes()),
        ),
        (
            "headers without end",
            Behavior::Floods(b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec()),
        ),
        (
            "no HTTP",
            Behavior::Answers(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        ),
        ("nothing", Behavior::Answers(Vec::new())),
        ("silence", Behavior::Stops(Vec::new())),
        (
            "slow headers",
            Behavior::Drips(b"HTTP/1.1 200 OK\r\nX-Slow:".to_vec()),
        ),
        (
            "a slow body",
            Behavior::Drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec()),
        ),
    ]
}

/// It is logged, and not recorded.
#[tokio::test]
async fn an_answer_that_is_no_document_replaces_none() {
    let issuer = &InProcess::start().await;
    let elsewhere = ForeignServer::publishing(&numbered(3));
    let cases = refused(&elsewhere.base_url());
    let tried = cases.into_iter().map(async |(what, behavior)| {
        let server = ForeignServer::publishing(&numbered(1));
        let (documents, url) = (instance(issuer).await, url(&server.base_url()));
        assert_eq!(usual(&documents, &url).await, Some(1));
        (what, behavior, server, documents, url)
    });
    let cases = join_all(tried).await;
    issuer.pass(300);
    let answered = cases
        .iter()
        .map(async |(what, behavior, server, documents, url)| {
            let before = issuer.record(&Fetched::key_of(url)).await.copy;
            server.take_requests();
            server.behave(behavior.clone());
            assert_eq!(usual(documents, url).await, Some(1), "{what}");
            assert_eq!(server.take_requests().len(), 1, "{what}");
            let record = issuer.record(&Fetched::key_of(url)).await;
            assert_eq!(record.copy, before, "{what}");
            assert_eq!(
                record.next_attempt,
                issuer.now().after(FETCH_INTERVAL),
                "{what}"
            );
            assert!(server.flooded() < FLOOD, "{what}: {}", server.flooded());
        });
    join_all(answered).await;
    assert!(
        elsewhere.take_requests().is_empty(),
        "redirects are not followed"
    );
}

/// What fits into the buffers of a connection between two processes that do not read.
const FLOOD: usize = 32 * 1024 * 1024;

#[tokio::test]
async fn without_a_copy_an_answer_that_is_no_document_is_unavailable() {
    let issuer = &InProcess::start().await;
    let cases = refused("http://127.0.0.1:9");
    let tried = cases.into_iter().map(async |(what, behavior)| {
        let server = ForeignServer::publishing("");
        server.behave(behavior);
        let (documents, url) = (instance(issuer).await, url(&server.base_url()));
        assert_eq!(usual(&documents, &url).await, None, "{what}");
        assert_eq!(
            issuer.record(&Fetched::key_of(&url)).await.copy,
            None,
            "{what}"
        );
        server.publish("", &numbered(1));
        assert_eq!(
            usual(&documents, &url).await,
            None,
            "{what}: not before 30 s"
        );
        (server, documents, url)
    });
    let cases = join_all(tried).await;
    issuer.pass(FETCH_INTERVAL.as_secs());
    for (_server, documents, url) in &cases {
        assert_eq!(usual(documents, url).await, Some(1));
    }
}

#[tokio::test]
async fn a_document_of_64_kib_is_recorded() {
    let issuer = InProcess::start().await;
    let text = numbered(1);
    let longest = format!("{text}{}", " ".repeat(MAX_DOCUMENT_BYTES - text.len()));
    let server = ForeignServer::publishing(&longest);
    let (documents, url) = (instance(&issuer).await, url(&server.base_url()));
    assert_eq!(usual(&documents, &url).await, Some(1));
    let copy = issuer.record(&Fetched::key_of(&url)).await.copy;
    assert_eq!(copy.expect("a copy").body, longest);
}
