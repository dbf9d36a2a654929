//! Counts what each operation of the issuer and of the authorizer costs in AWS: request units of DynamoDB, calls to KMS, bytes of the answer.
//! Prints JSON; the log lines on stderr are counted by whoever reads them. `tests/bench cost` turns it into money.

mod authorizer;
mod custody;
mod units;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use serde::Serialize;
use serde_json::Value;
use tokensmith_issuer::keys::KeyAccess;
use tokensmith_issuer::{Endpoint, Issuer, RequestContext, endpoint};
use tokensmith_local::make_table;
use tokensmith_tests::faults::Attempt;
use tokensmith_tests::in_process::{InProcess, TestClient};
use tokensmith_verifier::Algorithm;

use authorizer::{CountedAuthorizer, INTERVAL};
use custody::CountingCustody;
use units::{Items, read_units, size, write_units};

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
        let world =
            InProcess::configured(|config| config.algorithms = vec![Algorithm::RS256]).await;
        let client = world.confidential("billing-service", |_| {}).await;
        let custody = Arc::new(CountingCustody::new(world.direct.custody.clone()));
        let access = KeyAccess {
            open: Some(custody.clone()),
            sign: Some(custody.clone()),
        };
        let table = make_table(world.dynamo.clone()).await.expect("the table");
        let issuer = Issuer::new(world.config.clone(), table, access, world.clock());
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
        operations.insert("start", self.start_cost().await);
        let own = [("grant_type", "client_credentials")];
        // The client's record is read, for it is not cached yet.
        let first = self.cost("uncached_client", &endpoint::TOKEN, &own).await;
        operations.insert("uncached_client", first.0);
        let (cost, answer) = self
            .cost("client_credentials", &endpoint::TOKEN, &own)
            .await;
        operations.insert("client_credentials", cost);

        let access_token = text(&answer, "access_token");
        let token = [("token", access_token.as_str())];
        operations.insert(
            "introspect",
            self.cost("introspect", &endpoint::INTROSPECT, &token)
                .await
                .0,
        );
        operations.insert(
            "revoke",
            self.cost("revoke", &endpoint::REVOKE, &token).await.0,
        );

        let grant = self.world.grant(&self.client, |_| {}).await;
        let refresh = [
            ("grant_type", "refresh_token"),
            ("refresh_token", grant.token.as_str()),
        ];
        operations.insert(
            "refresh",
            self.cost("refresh", &endpoint::TOKEN, &refresh).await.0,
        );
        for (name, endpoint) in [
            ("jwks", &endpoint::JWKS),
            ("revocations", &endpoint::REVOCATIONS),
        ] {
            operations.insert(name, self.cost(name, endpoint, &[]).await.0);
        }
        operations.extend(self.authorizer_costs(&self.another_token().await).await);
        let items = self.world.items().await;
        Counted {
            operations,
            grant_bytes: size(&items[&format!("GRANT#{}/-", grant.id)]),
        }
    }

    /// What a function that issues tokens costs when it starts.
    async fn start_cost(&self) -> Cost {
        self.issuer
            .warm_up(&endpoint::TOKEN)
            .await
            .expect("it starts");
        self.taken(0).await
    }

    async fn another_token(&self) -> String {
        let own = [("grant_type", "client_credentials")];
        let (_, answer) = self.cost("another_token", &endpoint::TOKEN, &own).await;
        text(&answer, "access_token")
    }

    async fn authorizer_costs(&self, access_token: &str) -> [(&'static str, Cost); 3] {
        self.taken(0).await;
        let table = make_table(self.world.dynamo.clone())
            .await
            .expect("the table");
        self.world.dynamo.take_attempts();
        // Its first request reads the token's own keys, and the feed.
        let authorizer = CountedAuthorizer::start(&self.world, table, access_token).await;
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

    async fn cost(
        &self,
        name: &str,
        endpoint: &'static Endpoint,
        form: &[(&str, &str)],
    ) -> (Cost, Bytes) {
        self.taken(0).await;
        let response = self
            .issuer
            .handle(endpoint, self.request(name, endpoint, form))
            .await;
        assert_eq!(response.status(), 200, "{name}");
        let headers = response.headers().iter();
        let head: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum();
        let body = response.into_body();
        (self.taken(head + body.len()).await, body)
    }

    fn request(
        &self,
        name: &str,
        endpoint: &'static Endpoint,
        form: &[(&str, &str)],
    ) -> Request<Bytes> {
        // Names the log line, in as many characters as API Gateway's ids have.
        let known = RequestContext {
            request_id: format!("{name:=<16}"),
            source: Some("203.0.113.195".to_owned()),
            trace_id: Some(
                "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=0"
                    .to_owned(),
            ),
        };
        let mut request = match form {
            [] => Request::get(endpoint.path)
                .body(Bytes::new())
                .expect("a request"),
            form => self.client.post(endpoint, form),
        };
        request.extensions_mut().insert(known);
        request
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

fn text(answer: &Bytes, name: &str) -> String {
    let answer: Value = serde_json::from_slice(answer).expect("JSON");
    answer[name].as_str().expect("a string").to_owned()
}
