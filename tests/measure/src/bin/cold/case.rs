//! What each function is asked.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokensmith_tests::emulated::EmulatedAws;
use tokensmith_tests::functions::{
    INTROSPECT, ISSUE, JWKS, REFRESH, REVOCATIONS, REVOKE, ROTATE_KEYS,
};
use tokensmith_tests::sandbox::Sandbox;
use tokensmith_tests::{CLIENT, TestClient, TestIssuer};

/// The event after an answer, by the refresh token in it.
type Following = Box<dyn Fn(&str) -> Value>;

/// A function and an event for it.
pub struct Case {
    /// What the line is called.
    pub name: &'static str,
    /// The binary.
    pub function: &'static str,
    /// The event.
    pub event: Value,
    /// The event that follows from a refresh token; without it, the same event comes again.
    following: Option<Following>,
}

impl Case {
    /// Takes what is in an answer into the next event: a refresh that is asked for twice would be
    /// answered without a write.
    pub fn follow(&mut self, answer: &Value) {
        if let Some(following) = &self.following {
            self.event = following(&from_body(answer, "refresh_token"));
        }
    }
}

/// Makes keys, clients and tokens, with the functions themselves.
pub fn cases(folder: &Path, variables: &[(&'static str, String)], aws: &EmulatedAws) -> Vec<Case> {
    let call = |function: &str, event: &Value| {
        let mut sandbox = Sandbox::start(&folder.join(function), variables);
        sandbox.next();
        sandbox.invoke(event);
        sandbox.answer()
    };
    call(ROTATE_KEYS, &json!({}));
    let mut environment = variables.to_vec();
    environment.retain(|(name, _)| !name.starts_with("AWS_ENDPOINT"));
    environment.push(("AWS_ENDPOINT_URL_DYNAMODB", aws.dynamodb.clone()));
    environment.push(("AWS_ENDPOINT_URL_KMS", aws.kms.clone()));
    let issuer = TestIssuer::functions("https://auth.example", "tokensmith", &environment);
    let client = issuer.register("cold", &CLIENT);
    let first = issuer.grant(&client, "user", &["--scope=read"]).token;
    let refresher = client.clone();
    let refresh = move |token: &str| {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        post("/oauth2/refresh", &refresher, &form)
    };
    let answer = call(REFRESH, &refresh(&first));
    let token = format!("token={}", from_body(&answer, "access_token"));
    let case = |name, function, event| Case {
        name,
        function,
        event,
        following: None,
    };
    vec![
        case("hello world", HELLO, json!({})),
        case(
            "issue",
            ISSUE,
            post("/oauth2/token", &client, "grant_type=client_credentials"),
        ),
        Case {
            event: refresh(&from_body(&answer, "refresh_token")),
            following: Some(Box::new(refresh)),
            ..case("refresh", REFRESH, Value::Null)
        },
        case(
            "introspect",
            INTROSPECT,
            post("/oauth2/introspect", &client, &token),
        ),
        case("revoke", REVOKE, post("/oauth2/revoke", &client, &token)),
        case(
            "revocations",
            REVOCATIONS,
            event("GET", "/oauth2/revocations", json!({}), ""),
        ),
        case(
            "jwks",
            JWKS,
            event("GET", "/.well-known/jwks.json", json!({}), ""),
        ),
        case("rotate-keys", ROTATE_KEYS, json!({})),
    ]
}

fn from_body(answer: &Value, name: &str) -> String {
    let body = answer["body"].as_str().expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    body[name].as_str().expect("a token").to_owned()
}

fn post(path: &str, client: &TestClient, form: &str) -> Value {
    let basic = STANDARD.encode(format!("{}:{}", client.id, client.secret()));
    let headers = json!({
        "authorization": format!("Basic {basic}"),
        "content-type": "application/x-www-form-urlencoded",
        "host": "auth.example",
        "x-forwarded-proto": "https",
    });
    event("POST", path, headers, form)
}

/// An event of an HTTP API.
fn event(method: &str, path: &str, headers: Value, body: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": format!("ANY {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7" },
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
        },
        "body": STANDARD.encode(body),
        "isBase64Encoded": true,
    })
}

const HELLO: &str = "tokensmith-hello";
