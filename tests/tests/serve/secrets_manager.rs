//! `client apply --secrets secretsmanager:…`: each secret is kept before its client is registered.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokensmith_tests::{TestClient, TestIssuer};

/// AWS Secrets Manager, which has one secret already. Every request is passed on.
fn secrets_manager(existing: &'static str) -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            answer(connection.expect("a connection"), existing, &sender);
        }
    });
    (format!("http://{address}"), requests)
}

/// Answers one request. The thread ends with the test, so nobody may be there to be told of it.
fn answer(connection: TcpStream, existing: &str, sender: &Sender<(String, Value)>) {
    let mut reader = BufReader::new(connection);
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim().split_once(": ") else {
            match line.trim().is_empty() {
                true => break,
                false => continue,
            }
        };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => operation = value.rsplit('.').next().unwrap_or_default().to_owned(),
            "content-length" => length = value.parse().expect("a number"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let exists = operation == "CreateSecret" && body["Name"] == existing;
    let (status, told) = match exists {
        true => (
            "400 Bad Request",
            json!({ "__type": "ResourceExistsException" }),
        ),
        false => (
            "200 OK",
            json!({ "ARN": "arn", "Name": "name", "VersionId": "1" }),
        ),
    };
    let told = told.to_string();
    let _ = sender.send((operation, body));
    let answer = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{told}",
        told.len()
    );
    reader
        .into_inner()
        .write_all(answer.as_bytes())
        .expect("an answer");
}

#[test]
fn secrets_are_kept_in_aws_secrets_manager() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let (endpoint, requests) = secrets_manager("prod/two");
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("clients.yaml");
    fs::write(&file, "[{client_id: one}, {client_id: two}]").expect("written");
    let file = format!("--file={}", file.display());
    let apply = ["client", "apply", "--secrets=secretsmanager:prod/", &file];
    let output = issuer
        .command(&apply)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!String::from_utf8_lossy(&output.stdout).contains("tksmc_"));

    let requests: Vec<(String, Value)> = requests.try_iter().collect();
    let operations: Vec<&str> = requests.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        operations,
        ["CreateSecret", "CreateSecret", "PutSecretValue"]
    );
    for (id, name, (_, request)) in [
        ("one", request_name(&requests[0].1, "Name"), &requests[0]),
        (
            "two",
            request_name(&requests[2].1, "SecretId"),
            &requests[2],
        ),
    ] {
        assert_eq!(name, format!("prod/{id}"));
        let kept = request["SecretString"].as_str().expect("a string");
        let kept: Value = serde_json::from_str(kept).expect("JSON");
        assert_eq!(kept["client_id"], id);
        let secret = kept["client_secret"].as_str().expect("a secret");
        assert_eq!(issuer.token(&TestClient::new(id, secret), "").status, 200);
    }
}

fn request_name(request: &Value, member: &str) -> String {
    request[member].as_str().expect("a name").to_owned()
}
