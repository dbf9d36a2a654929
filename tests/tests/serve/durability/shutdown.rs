//! A signal ends the issuer, and no request that is under way.

use std::io::ErrorKind;

use tokensmith_tests::{Connection, HttpRequest, TestClient, TestIssuer, eventually};

#[test]
fn sigterm_lets_a_running_request_finish_and_exits_with_0() {
    for signal in ["TERM", "INT"] {
        let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
        let client = issuer.register("finishes", &[]);
        let mut request = HalfRequest::start(&issuer, &client);
        issuer.signal(signal);
        no_longer_listens(&issuer);
        request.finish();
        request.connection.answer().token();
        assert_eq!(issuer.exit_code(), Some(0), "{signal}");
    }
}

#[test]
fn sigterm_does_not_wait_for_who_has_asked_nothing() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("idle", &[]);
    let silent = Connection::open(&issuer.url);
    // One that has had an answer, and could ask again.
    let mut idle = HalfRequest::start(&issuer, &client);
    idle.finish();
    idle.connection
        .read_until(b"\"Bearer\",\"expires_in\":900}");
    assert_eq!(issuer.terminate(), Some(0));
    assert_eq!(idle.connection.read_to_end(), b"");
    drop(silent);
}

#[test]
fn sigterm_does_not_wait_for_ever() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("stalls", &[]);
    let stalled = HalfRequest::start(&issuer, &client);
    assert_eq!(issuer.terminate(), Some(0));
    drop(stalled);
}

/// A request whose body is announced, and that the issuer is waiting for.
struct HalfRequest {
    connection: Connection,
}

impl HalfRequest {
    fn start(issuer: &TestIssuer, client: &TestClient) -> Self {
        let mut connection = Connection::open(&issuer.url);
        // RFC 9110 §10.1.1: the issuer says when it is ready for the body.
        let request = HttpRequest::post("/oauth2/token", BODY)
            .by(client)
            .header("expect", "100-continue");
        let bytes = request.bytes(connection.host());
        let head = &bytes[..bytes.len() - BODY.len()];
        let head = String::from_utf8_lossy(head).replace("connection: close\r\n", "");
        connection.write(head.as_bytes()).expect("it reads");
        let interim = connection.read_until(b"\r\n\r\n");
        assert!(interim.starts_with(b"HTTP/1.1 100 "));
        connection.write(&BODY.as_bytes()[..10]).expect("it reads");
        Self { connection }
    }

    fn finish(&mut self) {
        self.connection
            .write(&BODY.as_bytes()[10..])
            .expect("it reads");
    }
}

fn no_longer_listens(issuer: &TestIssuer) {
    eventually("the issuer stops listening", || {
        let refused = Connection::try_open(&issuer.url).err()?;
        (refused.kind() == ErrorKind::ConnectionRefused).then_some(())
    });
}

const BODY: &str = "grant_type=client_credentials";
