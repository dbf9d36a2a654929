//! What a peer, a probe or a pile of expired rows does to the other requests.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use dynoxide::{Database, ImportOptions};
use serde_json::json;
use tempfile::TempDir;
use tokensmith_tests::{Connection, HttpRequest, TestIssuer, eventually};

#[test]
fn a_peer_that_never_reads_loses_its_connection() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let mut connection = Connection::open(&issuer.url);
    let request = HttpRequest::get(JWKS).bytes(connection.host());
    let many = request.repeat(1000);
    // The answers fill the buffers in between, and then nothing can be written any more, until the
    // issuer gives up: without a bound, this write would wait until the test does.
    let given_up = eventually("the issuer closes the connection", || {
        connection.write(&many).err()
    });
    let kind = given_up.kind();
    assert!(
        [
            std::io::ErrorKind::ConnectionReset,
            std::io::ErrorKind::BrokenPipe
        ]
        .contains(&kind),
        "{given_up}"
    );
    assert_eq!(issuer.send(&HttpRequest::get(JWKS)).status, 200);
}

#[test]
fn healthz_answers_while_serve_runs() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let answer = issuer.send(&HttpRequest::get("/healthz"));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json(), json!({ "status": "ok" }));
    let head = issuer.send(&HttpRequest::new("HEAD", "/healthz"));
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(!issuer.log().contains("not_routed"), "{}", issuer.log());
    let post = issuer.send(&HttpRequest::post("/healthz", ""));
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD"))
    );
}

#[test]
fn requests_are_answered_while_100_000_expired_rows_are_deleted() {
    let directory = TempDir::new().expect("a directory");
    let mut issuer = TestIssuer::serve_in(directory.path(), &["--alg=ES256"]);
    let clients: Vec<_> = (0..20).map(|_| issuer.register("busy", &[])).collect();
    assert_eq!(issuer.terminate(), Some(0));
    let expired = Expired::add(issuer.data());
    issuer.restart();
    for client in &clients {
        assert_eq!(issuer.token(client, "").status, 200);
    }
    assert!(expired.is_there(EXPIRED - 1), "the rows went in one go");
    eventually("the first rows are deleted", || {
        (!expired.is_there(0)).then_some(())
    });
    for client in &clients {
        assert_eq!(issuer.token(client, "").status, 200);
    }
}

/// Rows that have expired, in a data directory.
struct Expired(Database);

impl Expired {
    fn add(data: &Path) -> Self {
        let file = data.join("table.sqlite");
        let database = Database::new(&file.to_string_lossy()).expect("the database");
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let ttl = (now.expect("after 1970").as_secs() - 60).to_string();
        let rows = (0..EXPIRED).map(|index| {
            let mut row = key(index);
            row["ttl"] = json!({ "N": ttl });
            serde_json::from_value(row).expect("an item")
        });
        database
            .import_items("tokensmith", rows.collect(), ImportOptions::default())
            .expect("the rows are written");
        Self(database)
    }

    fn is_there(&self, index: usize) -> bool {
        let request = json!({ "TableName": "tokensmith", "Key": key(index) });
        let request = serde_json::from_value(request).expect("a request");
        let answer = self.0.get_item(request).expect("an answer");
        answer.item.is_some()
    }
}

/// The sweep goes through the table in the order of the partition keys.
fn key(index: usize) -> serde_json::Value {
    json!({ "pk": { "S": format!("EXPIRED#{index:06}") }, "sk": { "S": "-" } })
}

const EXPIRED: usize = 100_000;
const JWKS: &str = "/.well-known/jwks.json";
