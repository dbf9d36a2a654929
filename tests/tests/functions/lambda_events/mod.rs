//! Events as API Gateway sends them, through the functions: HTTP APIs (payload format 2.0) and REST
//! APIs. `events/` has one of each kind; a test changes only what it is about.

mod wire;

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_runtime::Context;
use serde_json::{Value, json};
use tokensmith_aws::Function;
use tokensmith_issuer::{Endpoint, endpoint};
use tokensmith_tests::form_encode;
use tokensmith_tests::{InProcess, TestClient};

const HTTP_TOKEN: &str = include_str!("events/http-api-token.json");
const HTTP_JWKS: &str = include_str!("events/http-api-jwks.json");
const HTTP_METADATA_ON_A_STAGE: &str = include_str!("events/http-api-metadata-on-a-stage.json");
const REST_TOKEN: &str = include_str!("events/rest-api-token.json");
const REST_JWKS: &str = include_str!("events/rest-api-jwks.json");

const WELL_KNOWN: &[&Endpoint] = &[
    &endpoint::JWKS,
    &endpoint::AUTHORIZATION_SERVER_METADATA,
    &endpoint::OPENID_CONFIGURATION,
];

/// An answer as API Gateway reads it.
struct Answer {
    json: Value,
}

impl Answer {
    fn status(&self) -> u64 {
        self.json["statusCode"].as_u64().expect("a status")
    }

    fn header(&self, name: &str) -> &str {
        let value = match &self.json["multiValueHeaders"] {
            Value::Null => &self.json["headers"][name],
            several => &several[name][0],
        };
        value.as_str().unwrap_or_default()
    }

    fn body(&self) -> Value {
        assert_eq!(self.json["isBase64Encoded"], false);
        let body = self.json["body"].as_str().expect("a body");
        serde_json::from_str(body).unwrap_or_else(|err| panic!("{err}: {body}"))
    }
}

fn event(text: &str) -> Value {
    serde_json::from_str(text).expect("an event")
}

async fn ask(issuer: &InProcess, endpoints: &[&'static Endpoint], event: &Value) -> Answer {
    let function = Function::new(issuer.issuer.clone(), endpoints.iter().copied());
    let event = serde_json::from_value(event.clone()).expect("it can be read");
    let answer = function.answer(event, &Context::default()).await;
    let json = serde_json::to_value(answer.expect("an answer")).expect("JSON");
    Answer { json }
}

fn form(client: &TestClient, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", client.id.as_str()),
        ("client_secret", client.secret()),
    ];
    pairs.extend(more);
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", form_encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn a_token_through_an_http_api_with_base64_cookies_and_repeated_query_values() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let mut event = event(HTTP_TOKEN);
    let body = form(&client, &[("grant_type", "client_credentials")]);
    event["body"] = json!(STANDARD.encode(body));
    let answer = ask(&issuer, &[&endpoint::TOKEN], &event).await;
    assert_eq!(answer.status(), 200, "{}", answer.json);
    assert_eq!(answer.body()["token_type"], "Bearer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-request-id"), "JKJaXmPLvHcESHA=");
    // Payload format 2.0 has no member of this name.
    assert_eq!(answer.json["multiValueHeaders"], Value::Null);
    assert_eq!(answer.json["cookies"], json!([]));
}

#[tokio::test]
async fn a_token_through_a_rest_api() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let mut event = event(REST_TOKEN);
    event["body"] = json!(form(&client, &[("grant_type", "client_credentials")]));
    let answer = ask(&issuer, &[&endpoint::TOKEN], &event).await;
    assert_eq!(answer.status(), 200, "{}", answer.json);
    assert_eq!(answer.body()["token_type"], "Bearer");
    assert_eq!(
        answer.header("x-request-id"),
        "0f2e9a6e-52c8-4c6b-9a6d-2f2f1f6a7c11"
    );
    assert_eq!(answer.json["headers"], Value::Null);
}

/// OAuth 2.1 §3.2: request parameters belong in the body. Both formats hand the query on whole.
#[tokio::test]
async fn a_request_parameter_in_any_query_value_is_refused() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let body = form(&client, &[("grant_type", "client_credentials")]);
    for name in ["client_secret", "client%5Fsecret"] {
        let mut http = event(HTTP_TOKEN);
        http["body"] = json!(STANDARD.encode(&body));
        http["rawQueryString"] = json!(format!("trace=1&{name}=x&trace=2"));
        let answer = ask(&issuer, &[&endpoint::TOKEN], &http).await;
        assert_eq!(answer.status(), 400, "{name}");
        assert_eq!(answer.body()["error"], "invalid_request");
    }
    let mut rest = event(REST_TOKEN);
    rest["body"] = json!(body);
    rest["multiValueQueryStringParameters"]["client_secret"] = json!(["x"]);
    let answer = ask(&issuer, &[&endpoint::TOKEN], &rest).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.body()["error"], "invalid_request");
    // A value that looks like two parameters is still one.
    rest["multiValueQueryStringParameters"] = json!({ "lang": ["d&client_secret=x"] });
    assert_eq!(ask(&issuer, &[&endpoint::TOKEN], &rest).await.status(), 200);
}

/// What a client may write into URL and headers is its own mistake at most: nothing of it ends the
/// function or is a 500.
#[tokio::test]
async fn whatever_stands_in_query_and_headers_is_answered() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let body = form(&client, &[("grant_type", "client_credentials")]);
    for query in [
        "a=\"b\"", "a=<b>", "a=é", "a=%zz", "a b", "{|}^`\\", "#", "a=%00", "?&&=&",
    ] {
        let mut event = event(HTTP_TOKEN);
        event["body"] = json!(STANDARD.encode(&body));
        event["rawQueryString"] = json!(query);
        let answer = ask(&issuer, &[&endpoint::TOKEN], &event).await;
        assert_eq!(answer.status(), 200, "{query}");
    }
    for (name, value) in [
        ("x-forwarded-proto", "a b"),
        ("host", "a b"),
        ("x-name", "Jürgen \u{1F600}"),
        ("x-empty", ""),
        ("x-lines", "a\nb"),
        ("not a name", "x"),
        ("x-null\0", "x"),
    ] {
        let mut event = event(HTTP_TOKEN);
        event["body"] = json!(STANDARD.encode(&body));
        event["headers"][name] = json!(value);
        let answer = ask(&issuer, &[&endpoint::TOKEN], &event).await;
        assert_eq!(answer.status(), 200, "{name}: {value}");
    }
}

/// RFC 6749 §2.3.1, in the header names of both formats.
#[tokio::test]
async fn basic_authentication_arrives() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let credentials = STANDARD.encode(format!("{}:{}", client.id, client.secret()));
    let basic = format!("Basic {credentials}");
    let mut http = event(HTTP_TOKEN);
    http["body"] = json!("grant_type=client_credentials");
    http["isBase64Encoded"] = json!(false);
    http["headers"]["authorization"] = json!(basic);
    assert_eq!(ask(&issuer, &[&endpoint::TOKEN], &http).await.status(), 200);
    let mut rest = event(REST_TOKEN);
    rest["body"] = json!("grant_type=client_credentials");
    rest["headers"]["Authorization"] = json!(basic);
    rest["multiValueHeaders"]["Authorization"] = json!([basic]);
    assert_eq!(ask(&issuer, &[&endpoint::TOKEN], &rest).await.status(), 200);
    // Two of them are two methods, whichever is right.
    rest["multiValueHeaders"]["Authorization"] = json!([basic, basic]);
    let refused = ask(&issuer, &[&endpoint::TOKEN], &rest).await;
    assert!(matches!(refused.status(), 400 | 401), "{}", refused.json);
}

/// Each endpoint's function on one grant: refresh, introspect, revoke, introspect.
#[tokio::test]
async fn every_function_answers_in_its_own_way() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let mut event = event(HTTP_TOKEN);
    let mut ask_with = async |endpoint: &'static Endpoint, more: &[(&str, &str)]| {
        event["body"] = json!(STANDARD.encode(form(&client, more)));
        ask(&issuer, &[endpoint], &event).await
    };
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &grant.token),
    ];
    let refreshed = ask_with(&endpoint::REFRESH, &refresh).await;
    assert_eq!(refreshed.status(), 200, "{}", refreshed.json);
    let token = refreshed.body()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let token = [("token", token.as_str())];
    let before = ask_with(&endpoint::INTROSPECT, &token).await;
    assert_eq!(before.body()["active"], true);
    assert_eq!(ask_with(&endpoint::REVOKE, &token).await.status(), 200);
    let after = ask_with(&endpoint::INTROSPECT, &token).await;
    assert_eq!(after.body(), json!({ "active": false }));
    let other = ask_with(&endpoint::REFRESH, &[("grant_type", "client_credentials")]).await;
    assert_eq!(other.body()["error"], "unsupported_grant_type");
}

/// RFC 9110 §15.5.6: the gateway's routes take any method, so that this is ours.
#[tokio::test]
async fn another_method_is_405_and_says_which_is_allowed() {
    let issuer = InProcess::start().await;
    for text in [HTTP_TOKEN, REST_TOKEN] {
        let mut event = event(text);
        for method in ["GET", "DELETE", "PROPFIND"] {
            set_method(&mut event, method);
            let answer = ask(&issuer, &[&endpoint::TOKEN], &event).await;
            assert_eq!(answer.status(), 405, "{method}");
            assert_eq!(answer.header("allow"), "POST, OPTIONS");
        }
        set_method(&mut event, "OPTIONS");
        let answer = ask(&issuer, &[&endpoint::TOKEN], &event).await;
        assert_eq!(answer.status(), 204);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.json["body"], "");
    }
}

fn set_method(event: &mut Value, method: &str) {
    match event["requestContext"]["http"]["method"].is_string() {
        true => event["requestContext"]["http"]["method"] = json!(method),
        false => event["httpMethod"] = json!(method),
    }
}

/// RFC 7517 §5, RFC 8414 §3: one function for all public documents, told apart by the path.
#[tokio::test]
async fn the_public_documents_are_found_by_their_paths() {
    let issuer = InProcess::start().await;
    for text in [HTTP_JWKS, REST_JWKS] {
        let mut event = event(text);
        let keys = ask(&issuer, WELL_KNOWN, &event).await;
        assert_eq!(keys.body()["keys"][0]["alg"], "ES256");
        assert_eq!(keys.header("cache-control"), "public, max-age=300");
        let place = match event["rawPath"].is_string() {
            true => "rawPath",
            false => "path",
        };
        for name in ["oauth-authorization-server", "openid-configuration"] {
            event[place] = json!(format!("/.well-known/{name}"));
            let answer = ask(&issuer, WELL_KNOWN, &event).await;
            assert_eq!(answer.body()["issuer"], "https://issuer.example");
        }
        for path in [
            "/.well-known/",
            "/.well-known/jwks",
            "/oauth2/token",
            "/",
            "",
        ] {
            event[place] = json!(path);
            let answer = ask(&issuer, WELL_KNOWN, &event).await;
            assert_eq!(answer.status(), 404, "{path}");
            assert_eq!(answer.body(), json!({ "message": "Not Found" }));
        }
    }
}

#[tokio::test]
async fn the_name_of_a_stage_is_no_part_of_the_path() {
    let issuer = InProcess::start().await;
    let answer = ask(&issuer, WELL_KNOWN, &event(HTTP_METADATA_ON_A_STAGE)).await;
    assert_eq!(answer.body()["issuer"], "https://issuer.example");
    let mut other = event(HTTP_METADATA_ON_A_STAGE);
    other["requestContext"]["stage"] = json!("pro");
    assert_eq!(ask(&issuer, WELL_KNOWN, &other).await.status(), 404);
}

/// RFC 9110 §13.1.2.
#[tokio::test]
async fn a_known_key_set_is_304_without_a_body() {
    let issuer = InProcess::start().await;
    let mut event = event(HTTP_JWKS);
    let first = ask(&issuer, WELL_KNOWN, &event).await;
    event["headers"]["if-none-match"] = json!(first.header("etag"));
    let second = ask(&issuer, WELL_KNOWN, &event).await;
    assert_eq!(second.status(), 304);
    assert_eq!(second.json["body"], "");
}

/// Every header of the local answer is in the event's answer, with the same value.
#[tokio::test]
async fn both_formats_carry_the_same_headers() {
    let issuer = InProcess::start().await;
    let http = ask(&issuer, WELL_KNOWN, &event(HTTP_JWKS)).await;
    let rest = ask(&issuer, WELL_KNOWN, &event(REST_JWKS)).await;
    let http: HashMap<String, String> =
        serde_json::from_value(http.json["headers"].clone()).expect("headers");
    let rest: HashMap<String, [String; 1]> =
        serde_json::from_value(rest.json["multiValueHeaders"].clone()).expect("headers");
    assert!(http.len() > 4, "{http:?}");
    for (name, value) in &http {
        if name != "x-request-id" {
            assert_eq!(&rest[name][0], value, "{name}");
        }
    }
    assert_eq!(http.len(), rest.len());
}

/// An operator's invocation with something else is an error of the invocation, not an answer.
#[tokio::test]
async fn what_is_no_http_request_is_refused() {
    let issuer = InProcess::start().await;
    let function = Function::new(issuer.issuer.clone(), [&endpoint::TOKEN]);
    for other in [
        json!({}),
        json!({ "source": "aws.events" }),
        json!({ "requestContext": { "http": { "method": "PO ST" } } }),
        json!({ "httpMethod": "POST", "body": "?", "isBase64Encoded": true }),
    ] {
        let event = serde_json::from_value(other.clone()).expect("JSON of an object");
        assert!(
            function.answer(event, &Context::default()).await.is_err(),
            "{other}"
        );
    }
}
