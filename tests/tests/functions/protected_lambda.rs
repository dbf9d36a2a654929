//! A function that embeds the verifier, as another team runs it: it finds the issuer's keys and its feed over
//! TLS, answers with RFC 6750 challenges, and sees a revocation.

use serde_json::{Value, json};
use tempfile::TempDir;
use tokensmith_tests::records::API;
use tokensmith_tests::sandbox::Sandbox;
use tokensmith_tests::tls::TlsFront;
use tokensmith_tests::{HttpRequest, TestClient, TestIssuer, built, eventually};

/// `serve` behind TLS, and the example with what it trusts.
struct ProtectedApi {
    issuer: TestIssuer,
    /// The issuer URL.
    url: String,
    tls: TlsFront,
    _folder: TempDir,
}

impl ProtectedApi {
    fn start() -> Self {
        let folder = TempDir::new().expect("a directory");
        let tls = TlsFront::new(folder.path());
        let mut issuer = TestIssuer::serve(&[]);
        let url = tls.stand_before(&issuer.url);
        issuer.kill();
        issuer.restart_with(&[&format!("--issuer={url}")]);
        Self {
            issuer,
            url,
            tls,
            _folder: folder,
        }
    }

    fn client(&self, scope: &str) -> TestClient {
        let allowed = format!("--scope={scope}");
        let default = format!("--default-scope={scope}");
        let audience = format!("--audience={API}");
        self.issuer
            .register("app", &[&allowed, &default, &audience])
    }

    fn token(&self, client: &TestClient) -> String {
        self.issuer.token(client, "").access_token()
    }

    /// The example, which trusts the authority of `tls`.
    fn function(&self, tls: &TlsFront) -> Function {
        let variables = [
            ("TOKENSMITH_ISSUER", self.url.clone()),
            ("TOKENSMITH_AUDIENCE", API.to_owned()),
            ("SSL_CERT_FILE", tls.roots().display().to_string()),
        ];
        let mut sandbox = Sandbox::start(&built("tokensmith-example"), &variables);
        sandbox.next();
        Function(sandbox)
    }
}

struct Function(Sandbox);

impl Function {
    fn call(&mut self, token: Option<&str>) -> (u64, Value) {
        let mut event: Value =
            serde_json::from_str(include_str!("lambda_events/events/http-api-jwks.json"))
                .expect("an event");
        let headers = match token {
            Some(token) => json!({ "authorization": format!("Bearer {token}") }),
            None => json!({}),
        };
        event["headers"] = headers;
        self.0.invoke(&event);
        let answer = self.0.answer();
        self.0.next();
        (answer["statusCode"].as_u64().expect("a status"), answer)
    }
}

fn challenge(answer: &Value) -> &str {
    let value = &answer["headers"]["www-authenticate"];
    value.as_str().expect("a challenge")
}

#[test]
fn rfc6750_3_a_function_that_embeds_the_verifier_answers_for_itself() {
    let api = ProtectedApi::start();
    let mut function = api.function(&api.tls);
    let (status, answer) = function.call(None);
    let realm = format!("Bearer realm=\"{API}\"");
    assert_eq!((status, challenge(&answer)), (401, realm.as_str()));
    let (status, answer) = function.call(Some("nonsense"));
    assert_eq!(status, 401);
    assert!(challenge(&answer).contains("invalid_token"), "{answer}");
    let (status, answer) = function.call(Some(&api.token(&api.client("other"))));
    assert_eq!(status, 403);
    assert!(
        challenge(&answer).contains("insufficient_scope"),
        "{answer}"
    );
    let client = api.client("orders:read");
    let (status, answer) = function.call(Some(&api.token(&client)));
    assert_eq!(status, 200, "{answer}");
    let body = answer["body"].as_str().expect("a body");
    assert!(body.contains(&client.id), "{body}");
}

#[test]
fn invariant_4_a_function_that_embeds_the_verifier_refuses_what_is_revoked() {
    let api = ProtectedApi::start();
    let mut function = api.function(&api.tls);
    let client = api.client("orders:read");
    let token = api.token(&client);
    assert_eq!(function.call(Some(&token)).0, 200);
    let revoked = api.issuer.send(&HttpRequest::revoke(&client, &token));
    assert_eq!(revoked.status, 200);
    eventually("the revocation is seen", || {
        (function.call(Some(&token)).0 == 401).then_some(())
    });
    assert_eq!(function.call(Some(&api.token(&client))).0, 200);
}

/// Whose certificate nobody vouches for is not the issuer: nobody can tell whether the token is good.
#[test]
fn keys_of_an_issuer_without_a_trusted_certificate_are_not_used() {
    let api = ProtectedApi::start();
    let token = api.token(&api.client("orders:read"));
    let elsewhere = TempDir::new().expect("a directory");
    let other = TlsFront::new(elsewhere.path());
    let mut function = api.function(&other);
    assert_eq!(function.call(Some(&token)).0, 503);
}
