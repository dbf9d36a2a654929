use std::net::Ipv4Addr;
use std::thread::JoinHandle;

use dynoxide::Database;
use dynoxide::server::serve_with_shutdown;
use serde_json::Value;
use tempfile::TempDir;
use tokensmith_local::{EmbeddedDynamo, make_table};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::HttpRequest;

/// DynamoDB over HTTP, with the empty table.
#[derive(Debug)]
pub(super) struct DynamoDb {
    /// Where it listens.
    pub(super) url: String,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    _data: TempDir,
}

impl DynamoDb {
    /// Starts it on a free port.
    pub(super) fn start() -> Self {
        let data = TempDir::new().expect("a temporary directory");
        let file = data.path().join("table.sqlite");
        let embedded = EmbeddedDynamo::open(&file).expect("a database");
        let database = Database::new(&file.to_string_lossy()).expect("the same database");
        database.disable_bulk_loading().expect("its durability");
        let runtime = Runtime::new().expect("a runtime");
        let (listener, url) = runtime.block_on(async {
            make_table(embedded).await.expect("a table");
            let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            let listener = bound.expect("a free port");
            let address = listener.local_addr().expect("an address");
            (listener, format!("http://{address}"))
        });
        let (stop, stopped) = oneshot::channel();
        let serving = std::thread::spawn(move || {
            let stopped = async move {
                let _ = stopped.await;
            };
            let server = serve_with_shutdown(listener, database, stopped);
            runtime.block_on(server).expect("DynamoDB serves");
            // Who holds a connection open must not hold the test.
            runtime.shutdown_background();
        });
        Self {
            url,
            stop: Some(stop),
            serving: Some(serving),
            _data: data,
        }
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

/// Calls an operation of an emulated service, which does not look at signatures.
pub(super) fn post(url: &str, operation: &str, input: &Value) -> Value {
    let credential = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/x/aws4_request, \
                      SignedHeaders=host, Signature=0";
    let request = HttpRequest::new("POST", "/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", credential)
        .header("x-amz-date", "20260101T000000Z")
        .header("x-amz-target", operation)
        .body(input.to_string());
    let answer = request.send(url);
    assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
    answer.json()
}
