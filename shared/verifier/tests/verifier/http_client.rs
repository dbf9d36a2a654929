//! The client of the feature `fetch`, against a server on loopback.

use std::sync::Arc;

use tokensmith_verifier::{Fetch, FetchError, FetchRequest, Fetched, HttpFetch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// Answers every connection with these bytes, and returns the bytes that it received.
async fn server(answer: String) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let received = Arc::new(Mutex::new(String::new()));
    let seen = received.clone();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match connection.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            *seen.lock().await = String::from_utf8(head).expect("text");
            // The client may stop reading before the end.
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (format!("http://{address}/jwks"), received)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
}

async fn get(url: &str, etag: Option<&str>) -> Result<Fetched, FetchError> {
    let client = HttpFetch::new().expect("a client");
    let request = FetchRequest {
        url,
        etag,
        max_bytes: 100,
    };
    client.fetch(request).await
}

#[tokio::test]
async fn a_document_comes_with_its_caching_headers() {
    let headers = "ETag: \"v1\"\r\nCache-Control: public, max-age=60\r\nAge: 5\r\n";
    let (url, received) = server(answer("200 OK", headers, "body")).await;
    let Ok(Fetched::Document(body, caching)) = get(&url, None).await else {
        panic!("no document");
    };
    assert_eq!(body, b"body");
    assert_eq!(caching.etag.as_deref(), Some("\"v1\""));
    assert_eq!(caching.fresh_for(), Some(55));
    let head = received.lock().await.to_lowercase();
    assert!(head.starts_with("get /jwks http/1.1\r\n"), "{head}");
    assert!(!head.contains("if-none-match"), "{head}");
}

#[tokio::test]
async fn a_known_document_is_not_sent_again() {
    let headers = "ETag: \"v1\"\r\nCache-Control: max-age=60\r\n";
    let unmodified = format!("HTTP/1.1 304 Not Modified\r\n{headers}\r\n");
    let (url, received) = server(unmodified).await;
    let Ok(Fetched::NotModified(caching)) = get(&url, Some("\"v1\"")).await else {
        panic!("not 304");
    };
    assert_eq!(caching.fresh_for(), Some(60));
    let head = received.lock().await.to_lowercase();
    assert!(head.contains("if-none-match: \"v1\"\r\n"), "{head}");
}

#[tokio::test]
async fn everything_else_is_an_error() {
    let long = "x".repeat(101);
    let chunked =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n{long}\r\n0\r\n\r\n");
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf".to_owned();
    for (sent, expected) in [
        (
            answer("503 Unavailable", "", ""),
            Some(FetchError::Status(503)),
        ),
        (
            answer("302 Found", "Location: http://169.254.169.254/\r\n", ""),
            Some(FetchError::Status(302)),
        ),
        (answer("200 OK", "", &long), Some(FetchError::TooLong)),
        (chunked, Some(FetchError::TooLong)),
        (broken, None),
        ("nonsense\r\n\r\n".to_owned(), None),
    ] {
        let (url, _) = server(sent.clone()).await;
        let fetched = get(&url, None).await;
        let err = fetched.expect_err(&sent);
        match expected {
            Some(expected) => assert_eq!(err, expected, "{sent}"),
            None => assert!(matches!(err, FetchError::Transport(_)), "{sent}: {err}"),
        }
    }
}

#[tokio::test]
async fn nobody_listening_and_no_tls_are_errors_that_say_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let refused = get(&format!("http://{address}/"), None).await;
    let text = refused.expect_err("nobody listens").to_string();
    assert!(text.contains("refused"), "{text}");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let plain = answer("200 OK", "", "not over TLS");
        connection.write_all(plain.as_bytes()).await.expect("sent");
    });
    let plain = get(&format!("https://{address}/"), None).await;
    assert!(matches!(plain, Err(FetchError::Transport(_))), "{plain:?}");
}

/// However the host is written: a name is looked up, an address is not.
#[tokio::test]
async fn only_allowed_addresses_are_connected_to() {
    let (url, received) = server(answer("200 OK", "", "body")).await;
    let named = url.replace("127.0.0.1", "localhost");
    let fetched = async |allowed, url| {
        let client = HttpFetch::only_to(allowed).expect("a client");
        let request = FetchRequest {
            url,
            etag: None,
            max_bytes: 100,
        };
        client.fetch(request).await
    };
    for url in [&url, &named] {
        let refused = fetched(|_| false, url).await;
        assert!(matches!(refused, Err(FetchError::Transport(_))), "{url}");
        assert_eq!(*received.lock().await, "", "{url}");
    }
    for url in [&url, &named] {
        let answered = fetched(|address| address.is_loopback(), url).await;
        assert!(matches!(answered, Ok(Fetched::Document(..))), "{url}");
    }
}
