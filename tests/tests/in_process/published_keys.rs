//! Keys that clients and other issuers publish: found, renewed and done without, in bounded ways.

use serde_json::{Value, json};
use tokensmith_issuer::GrantType;
use tokensmith_issuer::admin::NewRule;
use tokensmith_issuer::federation::ForeignIssuer;
use tokensmith_issuer::fetched::{FETCH_INTERVAL, OLDEST_COPY, Reach};
use tokensmith_issuer::store::records::{AuthenticationMethod, Client, SourceKeys};
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::foreign::{Behavior, ForeignServer};
use tokensmith_tests::{Answer, InProcess, TestClient};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

const OWN_TOKEN: &[(&str, &str)] = &[("grant_type", "client_credentials")];
const AUDIENCE: &str = "https://issuer.example";

/// A client that publishes its keys.
struct Publishing {
    issuer: InProcess,
    server: ForeignServer,
    client: TestClient,
    key: OwnKey,
}

impl Publishing {
    async fn new() -> Self {
        let issuer = InProcess::start().await.fetching().await;
        let key = OwnKey::new(SignatureAlgorithm::ES256);
        let server = ForeignServer::publishing(&key.jwks().to_string());
        let url = Reach::Private.parse(&format!("{}/keys", server.base_url()));
        let signs = |client: &mut Client| {
            client.authentication = Some(AuthenticationMethod::PrivateKeyJwt);
            client.jwks_uri = Some(url.expect("a URL"));
            client.grant_types = GrantType::ALL.to_vec();
        };
        let client = issuer.public("signs", signs).await;
        issuer.dynamo.take_calls();
        Self {
            issuer,
            server,
            client,
            key,
        }
    }

    async fn token_by(&self, key: &OwnKey) -> Answer {
        let assertion = key.assertion(&self.client, &self.issuer);
        let issuer = &self.issuer;
        issuer
            .post_asserted(paths::TOKEN, OWN_TOKEN, &assertion)
            .await
    }

    async fn token(&self) -> Answer {
        self.token_by(&self.key).await
    }
}

#[tokio::test]
async fn published_keys_are_fetched_once_and_cost_nothing_while_they_are_fresh() {
    let publishing = Publishing::new().await;
    assert_eq!(publishing.token().await.status, 200);
    publishing.issuer.dynamo.take_calls();
    for _ in 0..5 {
        assert_eq!(publishing.token().await.status, 200);
        assert_eq!(publishing.issuer.dynamo.take_calls(), ["PutItem"]);
    }
    assert_eq!(publishing.server.take_requests().len(), 1);
}

#[tokio::test]
async fn a_key_that_was_published_since_is_found_and_one_that_was_taken_away_ends() {
    let publishing = Publishing::new().await;
    assert_eq!(publishing.token().await.status, 200);
    let next = OwnKey::new(SignatureAlgorithm::EdDSA);
    publishing.server.publish("", &next.jwks().to_string());
    publishing.issuer.pass(FETCH_INTERVAL.as_secs());
    assert_eq!(publishing.token_by(&next).await.status, 200);
    assert_eq!(publishing.token().await.status, 401);
}

/// Invariant 12: whoever makes up keys causes at most one fetch in 30 s.
#[tokio::test]
async fn invariant_12_made_up_keys_of_a_client_cost_one_fetch_in_30_seconds() {
    let publishing = Publishing::new().await;
    assert_eq!(publishing.token().await.status, 200);
    publishing.server.take_requests();
    for second in 0..60 {
        let made_up = OwnKey::new(SignatureAlgorithm::ES256);
        assert_eq!(publishing.token_by(&made_up).await.status, 401, "{second}");
        publishing.issuer.pass(1);
    }
    let fetches = publishing.server.take_requests().len();
    assert!((1..=2).contains(&fetches), "{fetches}");
    assert_eq!(publishing.token().await.status, 200);
}

#[tokio::test]
async fn invariant_9_while_its_server_is_out_a_client_lives_by_the_old_copy_and_then_waits() {
    let publishing = Publishing::new().await;
    let other = publishing.issuer.confidential("other", |_| {}).await;
    assert_eq!(publishing.token().await.status, 200);
    for behavior in [
        Behavior::Answers(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_vec()),
        Behavior::Answers(Vec::new()),
        Behavior::Answers(
            b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
        Behavior::Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>".to_vec()),
    ] {
        publishing.server.behave(behavior);
        publishing.issuer.pass(4 * 60 * 60);
        assert_eq!(publishing.token().await.status, 200);
    }
    publishing.issuer.pass(OLDEST_COPY.as_secs());
    publishing.token().await.assert_unavailable();
    assert_eq!(
        publishing.issuer.client_credentials(&other).await.status,
        200
    );
    publishing
        .server
        .publish("", &publishing.key.jwks().to_string());
    publishing.issuer.pass(FETCH_INTERVAL.as_secs());
    assert_eq!(publishing.token().await.status, 200);
}

/// A set that nobody should trust refuses its client, and nobody else.
#[tokio::test]
async fn a_published_set_that_is_not_to_be_trusted_refuses_its_client() {
    let key = OwnKey::new(SignatureAlgorithm::ES256);
    let with = |name: &str, value: &str| {
        let mut jwk = key.jwk();
        jwk[name] = json!(value);
        json!({ "keys": [jwk] })
    };
    let many = |count: usize| {
        let keys = (0..count).map(|number| {
            let mut jwk = key.jwk();
            jwk["kid"] = json!(number.to_string());
            jwk
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    };
    for (what, set) in [
        ("a private key", with("d", "AAAA")),
        (
            "a symmetric key",
            json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] }),
        ),
        ("101 keys", many(101)),
        (
            "two keys of one name",
            json!({ "keys": [key.jwk(), key.jwk()] }),
        ),
        ("no key for signatures", with("use", "enc")),
        ("no key", json!({ "keys": [] })),
    ] {
        let publishing = Publishing::new().await;
        publishing.server.publish("", &set.to_string());
        let answer = publishing.token_by(&key).await;
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()), "{what}");
    }
}

/// Revoke and introspect read what others have fetched, and never fetch.
#[tokio::test]
async fn who_may_not_fetch_uses_the_record_of_who_may() {
    let publishing = Publishing::new().await;
    let Publishing {
        issuer,
        server,
        client,
        key,
    } = &publishing;
    let reading = issuer.reading().await;
    let form = [("token", "unknown")];
    let assertion = key.assertion(client, issuer);
    let answer = reading
        .post_asserted(paths::INTROSPECT, &form, &assertion)
        .await;
    answer.assert_unavailable();
    assert_eq!(server.take_requests().len(), 0);
    assert_eq!(publishing.token().await.status, 200);
    issuer.pass(1);
    let answer = reading
        .post_asserted(paths::INTROSPECT, &form, &key.assertion(client, issuer))
        .await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "active": false }))
    );
    assert_eq!(server.take_requests().len(), 1);
}

/// Another issuer with metadata, and a client that its tokens speak for.
struct Federated {
    issuer: InProcess,
    server: ForeignServer,
    client: TestClient,
    key: OwnKey,
    url: String,
}

impl Federated {
    /// The server answers every path, so that metadata and keys are one document.
    async fn new() -> Self {
        let issuer = InProcess::start().await.fetching().await;
        let key = OwnKey::new(SignatureAlgorithm::RS256);
        let server = ForeignServer::publishing("");
        let url = server.base_url();
        let by_federation = |client: &mut Client| {
            client.authentication = Some(AuthenticationMethod::Federation);
            client.grant_types = GrantType::ALL.to_vec();
        };
        let client = issuer.public("workload", by_federation).await;
        let federated = Self {
            issuer,
            server,
            client,
            key,
            url,
        };
        federated.publish(&federated.url);
        let admin = federated.issuer.administrator();
        let source: ForeignIssuer = federated.url.parse().expect("an issuer");
        let keys = SourceKeys::Discovery(source.metadata(Reach::Private).expect("a URL"));
        let name = || "source".parse().expect("a name");
        let created = admin.create_source(name(), source, keys).await;
        created.expect("a source");
        let rule = NewRule {
            name: "rule".parse().expect("a name"),
            source: name(),
            client_id: federated.client.client_id(),
            audience: AUDIENCE.to_owned(),
            subject: Some("workload".parse().expect("a pattern")),
            conditions: Vec::new(),
        };
        admin.create_rule(rule).await.expect("a rule");
        federated.issuer.dynamo.take_calls();
        federated
    }

    /// Publishes the key, and metadata that name this issuer.
    fn publish(&self, issuer: &str) {
        let mut document = self.key.jwks();
        document["issuer"] = json!(issuer);
        document["jwks_uri"] = json!(format!("{}/keys", self.url));
        self.server.publish("", &document.to_string());
    }

    fn claims(&self) -> Value {
        let now = self.issuer.now().seconds();
        json!({ "iss": self.url, "sub": "workload", "aud": AUDIENCE, "iat": now, "exp": now + 600 })
    }

    async fn token(&self) -> Answer {
        let token = self.key.jwt(&self.claims());
        let issuer = &self.issuer;
        issuer.post_asserted(paths::TOKEN, OWN_TOKEN, &token).await
    }
}

/// OpenID Connect Discovery 1.0 §4: two documents at first, and then nothing.
#[tokio::test]
async fn a_warm_federated_request_costs_no_fetch_and_no_call() {
    let federated = Federated::new().await;
    let answer = federated.token().await;
    assert_eq!(answer.claims().sub, federated.client.id);
    assert_eq!(federated.server.take_requests().len(), 2);
    federated.issuer.dynamo.take_calls();
    for _ in 0..5 {
        assert_eq!(federated.token().await.status, 200);
    }
    assert_eq!(federated.issuer.dynamo.take_calls(), Vec::<String>::new());
    assert_eq!(federated.server.take_requests().len(), 0);
}

/// OpenID Connect Discovery 1.0 §4.3: the metadata must name the issuer that they were asked from.
#[tokio::test]
async fn metadata_of_another_issuer_are_not_believed() {
    let federated = Federated::new().await;
    federated.publish("https://other.example");
    federated.token().await.assert_unavailable();
    federated.publish(&federated.url);
    federated.issuer.pass(FETCH_INTERVAL.as_secs());
    assert_eq!(federated.token().await.status, 200);
    // From now on there is a copy.
    federated.publish("https://other.example");
    federated.issuer.pass(12 * 60 * 60);
    assert_eq!(federated.token().await.status, 200);
}

/// A stranger's token with a made-up issuer costs a read in a second, and fetches nothing.
#[tokio::test]
async fn invariant_12_made_up_issuers_cost_one_read_in_a_second() {
    let federated = Federated::new().await;
    assert_eq!(federated.token().await.status, 200);
    federated.server.take_requests();
    federated.issuer.pass(1);
    federated.issuer.dynamo.take_calls();
    for number in 0..100 {
        let mut claims = federated.claims();
        claims["iss"] = json!(format!("https://{number}.example"));
        let token = federated.key.jwt(&claims);
        let issuer = &federated.issuer;
        let answer = issuer.post_asserted(paths::TOKEN, OWN_TOKEN, &token).await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!(federated.issuer.dynamo.take_calls(), ["Query"]);
    assert_eq!(federated.server.take_requests().len(), 0);
}
