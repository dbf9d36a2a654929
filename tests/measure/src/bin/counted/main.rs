//! Counts what each operation of the issuer and of the authorizer costs in AWS: request units of DynamoDB, calls to KMS, bytes of the answer.
//! Prints JSON; the log lines on stderr are counted by whoever reads them. `tests/bench cost` turns it into money.

mod api_keys;
mod authorizer;
mod custody;
mod delegation;
mod federation;
mod people;
mod units;

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::ExposeSecret;
use serde::Serialize;
use tokensmith_issuer::keys::KeyAccess;
use tokensmith_issuer::{Abilities, Issuer, RequestContext, endpoint};
use tokensmith_local::make_table;
use tokensmith_people::Passwords;
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::authorizer::INTERVAL;
use tokensmith_tests::faults::Attempt;
use tokensmith_tests::{Answer, HttpRequest, InProcess, Items, TestClient, TestProof};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::{Algorithm, paths};

use authorizer::CountedAuthorizer;
use custody::CountingCustody;
use delegation::Delegation;
use federation::Source;
use units::{read_units, size, write_units};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let counted = Counter::start().await.count().await;
    println!("{}", serde_json::to_string_pretty(&counted).expect("JSON"));
}

/// What was counted.
#[derive(Serialize)]
struct Counted {
    operations: BTreeMap<&'static str, Cost>,
    /// What a grant takes in the table.
    grant_bytes: u64,
}

/// What one operation costs.
#[derive(Serialize)]
struct Cost {
    /// DynamoDB read request units.
    reads: f64,
    /// DynamoDB write request units, with those of the indexes.
    writes: f64,
    /// Keys that KMS opens.
    opens: u64,
    /// Signatures: calls to KMS in the custody `kms`.
    signatures: u64,
    /// Bytes of the answer, with its headers.
    answer_bytes: usize,
}

struct Counter {
    world: InProcess,
    issuer: Issuer,
    custody: Arc<CountingCustody>,
    client: TestClient,
}

impl Counter {
    async fn start() -> Self {
        let world = InProcess::configured(|config| {
            config.algorithms = vec![Algorithm::RS256];
            config.sign_in = true;
        });
        let world = world.await;
        let client = world.confidential("billing-service", |_| {}).await;
        let custody = Arc::new(CountingCustody::new(world.direct.custody.clone()));
        let abilities = Abilities {
            keys: KeyAccess {
                open: Some(custody.clone()),
                sign: Some(custody.clone()),
            },
            documents: None,
            web: None,
            passwords: Some(Arc::new(Passwords::default())),
        };
        let table = make_table(world.dynamo.clone()).await.expect("the table");
        let issuer = Issuer::new(world.config.clone(), table, abilities, world.clock());
        world.dynamo.take_attempts();
        Self {
            world,
            issuer,
            custody,
            client,
        }
    }

    async fn count(self) -> Counted {
        let mut operations = BTreeMap::new();
        self.issuer
            .warm_up(&endpoint::TOKEN)
            .await
            .expect("it starts");
        operations.insert("start", self.taken(0).await);
        // What is registered about an audience is read too, once for all clients.
        let another = self.world.confidential("another-service", |_| {}).await;
        let first = HttpRequest::client_credentials(&another);
        let (cost, _) = self.cost("first_of_audience", &first).await;
        operations.insert("first_of_audience", cost);
        let own = HttpRequest::client_credentials(&self.client);
        // The client's record is read, for it is not cached yet.
        let (cost, _) = self.cost("uncached_client", &own).await;
        operations.insert("uncached_client", cost);
        let (cost, answer) = self.cost("client_credentials", &own).await;
        operations.insert("client_credentials", cost);
        operations.insert("uncached_signing_client", self.signing_cost().await);
        operations.insert("uncached_bound_client", self.bound_cost().await);
        operations.insert("limited_client", self.limited_cost().await);
        operations.extend(self.federated_costs().await);
        operations.extend(self.exchange_costs().await);
        operations.insert("uncached_delegation", self.delegation_cost().await);
        let access_token = answer.access_token();
        let grant = self.world.grant(&self.client, |_| {}).await;
        for (name, request) in [
            (
                "introspect",
                HttpRequest::introspect(&self.client, &access_token),
            ),
            ("revoke", HttpRequest::revoke(&self.client, &access_token)),
            ("refresh", HttpRequest::refresh(&self.client, &grant.token)),
            ("jwks", HttpRequest::get(paths::JWKS)),
            ("revocations", HttpRequest::get(paths::REVOCATIONS)),
        ] {
            operations.insert(name, self.cost(name, &request).await.0);
        }
        operations.extend(self.people_costs().await);
        let (_, another) = self.cost("another_token", &own).await;
        operations.extend(self.authorizer_costs(&another.access_token()).await);
        operations.extend(self.api_key_costs().await);
        let items = self.world.items().await;
        Counted {
            operations,
            grant_bytes: size(&items[&format!("GRANT#{}/-", grant.id)]),
        }
    }

    /// A token for a client that signs, whose record is read.
    async fn signing_cost(&self) -> Cost {
        let key = OwnKey::new(SignatureAlgorithm::ES256);
        let client = self.world.signing("signing-service", &key).await;
        let assertion = key.assertion(&client, &self.world);
        let own = [("grant_type", "client_credentials")];
        let request = HttpRequest::asserted(paths::TOKEN, &own, &assertion);
        self.cost("uncached_signing_client", &request).await.0
    }

    /// A token that is bound to a key, for a client whose record is read.
    async fn bound_cost(&self) -> Cost {
        let key = OwnKey::new(SignatureAlgorithm::ES256);
        let client = self.world.confidential("bound-service", |_| {}).await;
        let url = self.world.config.issuer.join(paths::TOKEN);
        let proof = TestProof::at(self.world.now().seconds(), &key, "POST", &url);
        let request = HttpRequest::client_credentials(&client);
        let request = request.header("dpop", proof.signed(&key));
        self.cost("uncached_bound_client", &request).await.0
    }

    /// A token for a client with a limit, whose record is in the cache: one permit is leased for it.
    async fn limited_cost(&self) -> Cost {
        let limit = "1000/1m".parse().expect("a limit");
        let limited = self
            .world
            .confidential("limited-service", |client| client.limit = Some(limit));
        let own = HttpRequest::client_credentials(&limited.await);
        self.cost("uncached_limited", &own).await;
        self.cost("limited_client", &own).await.0
    }

    /// A token for a client that a token of another issuer speaks for, whose record is read: for the first one,
    /// sources and rules are read too.
    async fn federated_costs(&self) -> [(&'static str, Cost); 2] {
        let source = Source::register(&self.world).await;
        let first = source.request_of(&self.world, "first-workload").await;
        let next = source.request_of(&self.world, "orders-workload").await;
        let (first, _) = self.cost("first_federated", &first).await;
        let (next, _) = self.cost("uncached_workload", &next).await;
        [("first_federated", first), ("uncached_workload", next)]
    }

    async fn authorizer_costs(&self, access_token: &str) -> [(&'static str, Cost); 3] {
        self.taken(0).await;
        // Its first request reads the token's own keys, and the feed.
        let authorizer = CountedAuthorizer::start(&self.world, access_token).await;
        authorizer.ask("authorizer_start").await;
        let start = self.taken(0).await;
        authorizer.ask("authorizer").await;
        let warm = self.taken(0).await;
        self.world.pass(INTERVAL.as_secs());
        authorizer.ask("authorizer_poll").await;
        [
            ("authorizer_start", start),
            ("authorizer", warm),
            ("authorizer_poll", self.taken(0).await),
        ]
    }

    /// A token for an API key: the first one reads the key and its client, and notes that it is used.
    async fn exchange_costs(&self) -> [(&'static str, Cost); 2] {
        let key = api_keys::key_of(&self.world, "exporting-service").await;
        let request = HttpRequest::exchange(key.expose_secret());
        let (first, _) = self.cost("first_exchange", &request).await;
        let (warm, _) = self.cost("warm_exchange", &request).await;
        [("first_exchange", first), ("warm_exchange", warm)]
    }

    /// A token for a person's token, for a client whose record is read; those of the resources are in the cache.
    async fn delegation_cost(&self) -> Cost {
        let [earlier, own] = Delegation::new(&self.world).await.requests();
        self.cost("first_delegation", &earlier).await;
        self.cost("uncached_delegation", &own).await.0
    }

    /// A request with an API key, to an authorizer that has the feed: the first one reads the key and its client, and notes that it is used.
    async fn api_key_costs(&self) -> [(&'static str, Cost); 2] {
        let [earlier, key] = [
            api_keys::key_of(&self.world, "earlier-service").await,
            api_keys::key_of(&self.world, "calling-service").await,
        ];
        let authorizer = api_keys::authorizer(&self.world).await;
        let authorizer =
            CountedAuthorizer::warm(authorizer, &self.world, earlier.expose_secret()).await;
        authorizer.ask("api_key_start").await;
        let authorizer = authorizer.with(key.expose_secret());
        self.taken(0).await;
        authorizer.ask("api_key_first").await;
        let first = self.taken(0).await;
        authorizer.ask("api_key").await;
        [("api_key_first", first), ("api_key", self.taken(0).await)]
    }

    async fn cost(&self, name: &str, request: &HttpRequest) -> (Cost, Answer) {
        self.answered(name, request, 200).await
    }

    async fn answered(&self, name: &str, request: &HttpRequest, status: u16) -> (Cost, Answer) {
        self.taken(0).await;
        let mut request = request.in_process();
        // Names the log line, in as many characters as API Gateway's ids have.
        request.extensions_mut().insert(RequestContext {
            request_id: format!("{name:=<16}"),
            source: Some("203.0.113.195".to_owned()),
            trace_id: Some("1-67891233-abcdef012345678912345678".to_owned()),
        });
        let path = request.uri().path();
        let endpoint = endpoint::at(path).or_else(|| tokensmith_people::at(path));
        let endpoint = endpoint.expect("an endpoint");
        let answer: Answer = self.issuer.handle(endpoint, request).await.into();
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        let headers = answer.headers.iter();
        let head: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum();
        (self.taken(head + answer.body.len()).await, answer)
    }

    /// What was spent since the last call.
    async fn taken(&self, answer_bytes: usize) -> Cost {
        let attempts = self.world.dynamo.take_attempts();
        let items = self.world.items().await;
        let units = |of: fn(&Attempt, &Items) -> f64| {
            let costs = attempts.iter().map(|attempt| of(attempt, &items));
            costs.fold(0.0, |sum, cost| sum + cost)
        };
        Cost {
            reads: units(read_units),
            writes: units(write_units),
            opens: self.custody.take_opened(),
            signatures: self.custody.take_signed(),
            answer_bytes,
        }
    }
}
