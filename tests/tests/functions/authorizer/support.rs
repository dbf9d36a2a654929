//! An authorizer beside an issuer, its events, and a reader of policies.

use serde_json::{Value, json};
use tokensmith_authorizer::{Authorizer, AuthorizerConfig, ResponseFormat};
use tokensmith_issuer::Level;
use tokensmith_tests::authorizer::new_authorizer;
use tokensmith_tests::forge::Forger;
use tokensmith_tests::{InProcess, TestClient};
use tokensmith_verifier::Algorithm;

/// The default poll interval, in seconds.
pub const INTERVAL: u64 = tokensmith_tests::authorizer::INTERVAL.as_secs();

/// Every kind of event, with the response that it is answered with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    HttpSimple,
    HttpPolicy,
    Http1,
    RestToken,
    RestRequest,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::HttpSimple,
        Self::HttpPolicy,
        Self::Http1,
        Self::RestToken,
        Self::RestRequest,
    ];

    /// Those that say all headers of the request; the other says one value.
    pub fn with_headers() -> impl Iterator<Item = Self> {
        let kinds = Self::ALL.into_iter();
        kinds.filter(|kind| *kind != Self::RestToken)
    }

    pub fn is_rest(self) -> bool {
        matches!(self, Self::RestToken | Self::RestRequest)
    }

    fn response(self) -> ResponseFormat {
        match self {
            Self::HttpPolicy => ResponseFormat::Policy,
            _ => ResponseFormat::Simple,
        }
    }

    /// The event of `GET /orders/17` with this value for `Authorization`.
    pub fn event(self, authorization: &str) -> Value {
        let text = match self {
            Self::HttpSimple | Self::HttpPolicy => include_str!("events/http-api-2.json"),
            Self::Http1 => include_str!("events/http-api-1.json"),
            Self::RestToken => include_str!("events/rest-api-token.json"),
            Self::RestRequest => include_str!("events/rest-api-request.json"),
        };
        replaced(
            serde_json::from_str(text).expect("an event"),
            "Bearer TOKEN",
            authorization,
        )
    }

    /// The event of another request: of a route by its key, and the path that was requested.
    pub fn event_of(self, authorization: &str, key: &str, requested: &str) -> Value {
        let mut event = self.event(authorization);
        let (method, path) = requested.split_once(' ').expect("METHOD /path");
        let resource = key.split_once(' ').map_or(key, |(_, path)| path);
        let arn = if event["routeArn"].is_null() {
            "methodArn"
        } else {
            "routeArn"
        };
        let old = event[arn].as_str().expect("an ARN");
        event[arn] = json!(old.replace("GET/orders/17", &format!("{method}{path}")));
        match self {
            Self::HttpSimple | Self::HttpPolicy => {
                event["routeKey"] = json!(key);
                event["requestContext"]["routeKey"] = json!(key);
            }
            Self::Http1 => event["requestContext"]["resourceId"] = json!(key),
            Self::RestRequest => {
                event["httpMethod"] = json!(method);
                event["resource"] = json!(resource);
                event["requestContext"]["resourcePath"] = json!(resource);
            }
            Self::RestToken => {}
        }
        event
    }
}

fn replaced(value: Value, from: &str, to: &str) -> Value {
    match value {
        Value::String(text) if text == from => json!(to),
        Value::Array(values) => {
            let values = values.into_iter();
            values.map(|value| replaced(value, from, to)).collect()
        }
        Value::Object(members) => {
            let members = members.into_iter();
            members
                .map(|(name, value)| (name, replaced(value, from, to)))
                .collect()
        }
        other => other,
    }
}

/// An issuer, a client of it, and authorizers on its table and clock.
pub struct Gate {
    pub issuer: InProcess,
    pub client: TestClient,
}

impl Gate {
    pub async fn new() -> Self {
        let issuer = InProcess::start().await;
        let client = issuer.confidential("app", |_| {}).await;
        Self { issuer, client }
    }

    /// A warm authorizer for events of this kind, that has heard of no revocation yet.
    pub async fn authorizer(
        &self,
        kind: Kind,
        configure: impl FnOnce(&mut AuthorizerConfig),
    ) -> Authorizer {
        let authorizer = self.cold_authorizer(kind, configure).await;
        authorizer.warm_up().await.expect("it can be warmed up");
        self.issuer.dynamo.take_attempts();
        authorizer
    }

    /// An authorizer that has read nothing.
    pub async fn cold_authorizer(
        &self,
        kind: Kind,
        configure: impl FnOnce(&mut AuthorizerConfig),
    ) -> Authorizer {
        let authorizer = new_authorizer(&self.issuer, self.issuer.dynamo.clone(), |config| {
            config.response = kind.response();
            config.log_level = Level::Error;
            configure(config);
        });
        authorizer.await
    }

    /// An authorizer with these scopes for routes.
    pub async fn guarding(&self, kind: Kind, routes: &Value) -> Authorizer {
        let routes = routes.to_string().parse().expect("routes");
        self.authorizer(kind, |config| config.routes = Some(routes))
            .await
    }

    /// Asks until the authorizer judges by its view of the feed, which it reads beside the first requests.
    pub async fn warm(&self, authorizer: &Authorizer, kind: Kind) {
        let event = kind.event(&format!("Bearer {}", self.token().await));
        for _ in 0..1000 {
            self.issuer.dynamo.take_calls();
            assert!(decide(authorizer, kind, &event).await.passes());
            if self.issuer.dynamo.take_calls().is_empty() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the view of the feed is never read");
    }

    /// A token of the client for itself, with the scope `a`.
    pub async fn token(&self) -> String {
        let answer = self.issuer.client_credentials(&self.client).await;
        answer.access_token()
    }

    /// The client with the issuer's key of `algorithm`.
    pub async fn forger(&self, algorithm: Algorithm) -> Forger {
        Forger::with_key_of(&self.issuer, &self.client, algorithm).await
    }

    /// A live token with claims of the test's choice.
    pub async fn token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let forger = self.forger(Algorithm::ES256).await;
        let mut claims = forger.claims();
        change(&mut claims);
        forger.token(&claims).await
    }

    /// A live token with so many bytes in a claim that nobody knows.
    pub async fn padded_token(&self, padding: usize) -> String {
        self.token_with(|claims| claims["padding"] = "x".repeat(padding).into())
            .await
    }

    pub async fn token_with_scopes(&self, scopes: &str) -> String {
        self.token_with(|claims| claims["scope"] = scopes.into())
            .await
    }
}

/// What API Gateway would do.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// It calls the integration, with this context.
    Passes(Value),
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 500.
    Failed,
}

impl Verdict {
    pub fn passes(&self) -> bool {
        matches!(self, Self::Passes(_))
    }
}

/// Who is not let through, at this kind of API.
pub fn refused(kind: Kind) -> Verdict {
    match kind.is_rest() {
        true => Verdict::Unauthorized,
        false => Verdict::Forbidden,
    }
}

/// The answer as it goes to API Gateway, or the text of the error.
pub async fn ask(authorizer: &Authorizer, event: &Value) -> Result<Value, String> {
    let event = serde_json::from_value(event.clone()).expect("it can be read");
    let answer = authorizer.answer(&event, "lambda-id").await;
    let answer = answer.map_err(|failure| failure.to_string())?;
    Ok(serde_json::to_value(answer).expect("JSON"))
}

/// Asks, and does with the answer what API Gateway does.
pub async fn decide(authorizer: &Authorizer, kind: Kind, event: &Value) -> Verdict {
    let answer = match ask(authorizer, event).await {
        Ok(answer) => answer,
        Err(text) if text == "Unauthorized" && kind.is_rest() => return Verdict::Unauthorized,
        Err(_) => return Verdict::Failed,
    };
    let passes = match answer.get("isAuthorized") {
        Some(passes) => {
            assert_eq!(kind, Kind::HttpSimple, "{answer}");
            passes.as_bool().expect("a boolean")
        }
        None => {
            assert_ne!(kind, Kind::HttpSimple, "{answer}");
            let arn = event.get("routeArn").unwrap_or_else(|| &event["methodArn"]);
            policy_allows(&answer, arn.as_str().expect("an ARN"))
        }
    };
    match passes {
        true => Verdict::Passes(answer["context"].clone()),
        false => Verdict::Forbidden,
    }
}

/// Whether a policy allows an ARN: something must allow it, and nothing may deny it.
pub fn policy_allows(answer: &Value, arn: &str) -> bool {
    let document = &answer["policyDocument"];
    assert_eq!(document["Version"], "2012-10-17");
    assert!(
        !answer["principalId"]
            .as_str()
            .expect("a principal")
            .is_empty()
    );
    let statements = document["Statement"].as_array().expect("statements");
    assert!(!statements.is_empty(), "API Gateway refuses such a policy");
    let applies = |effect: &str| {
        statements.iter().any(|statement| {
            assert_eq!(statement["Action"], "execute-api:Invoke");
            let resources = statement["Resource"].as_array().expect("resources");
            statement["Effect"] == effect
                && resources.iter().any(|resource| {
                    matches(
                        resource.as_str().expect("a resource").as_bytes(),
                        arn.as_bytes(),
                    )
                })
        })
    };
    applies("Allow") && !applies("Deny")
}

/// IAM's patterns: `*` is any text, `?` any one character.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, _) => text.is_empty(),
        (Some((b'*', rest)), _) => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
        (Some((wanted, pattern)), Some((found, text))) => {
            (*wanted == b'?' || wanted == found) && matches(pattern, text)
        }
        (Some(_), None) => false,
    }
}
