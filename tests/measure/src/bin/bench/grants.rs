//! What refresh, introspection and revocation cost, with few grants in the table and with many.

use std::time::Duration;

use futures_util::future::join_all;
use tokensmith_issuer::credential::Nonce;
use tokensmith_issuer::keys::{Custody, HmacKeys};
use tokensmith_issuer::names::SubjectName;
use tokensmith_issuer::store::Insert;
use tokensmith_issuer::store::records::{Client, Subject, SubjectKind};
use tokensmith_local::LocalData;
use tokensmith_tests::records::{new_grant, refresh_token};
use tokensmith_tests::{HttpRequest, TestClient, TestIssuer};
use tokensmith_verifier::Clock;

use crate::load::{Load, Measured};

/// Prints what the operations on grants cost.
pub fn measure(time: Duration, many: usize) {
    println!("\ngrants over HTTP, ES256\n");
    println!(
        "{:<34} {:>7} {:>8} {:>8} {:>10} {:>9}",
        "operation", "per s", "p50 ms", "p99 ms", "CPU us", "RSS MiB"
    );
    let mut bench = Bench::start();
    let tokens = bench.seed(16 * 64);
    report("refresh, 16 connections", &bench.refresh(&tokens, 16, time));
    report(
        "introspect, 16 connections",
        &bench.introspect(&tokens[0], time),
    );
    let tokens = bench.seed(16 * 4000);
    report("revoke, 16 connections", &bench.revoke(&tokens, time));

    let mut few = Bench::start();
    let tokens = few.seed(10);
    let cost_few = few.refresh(&tokens, 10, time);
    report("refresh, 10 grants", &cost_few);
    let tokens = few.seed(many - 10);
    let cost_many = few.refresh(&tokens, 10, time);
    report(&format!("refresh, {many} grants"), &cost_many);
    println!(
        "\ncost of many against few: {:.2}",
        cost_many.cpu_us() / cost_few.cpu_us()
    );
}

fn report(name: &str, measured: &Measured) {
    println!(
        "{name:<34} {:>7.0} {:>8.2} {:>8.2} {:>10.0} {:>9.1}",
        measured.per_second(),
        measured.percentile(0.50),
        measured.percentile(0.99),
        measured.cpu_us(),
        measured.rss_mib,
    );
}

struct Bench {
    issuer: TestIssuer,
    client: TestClient,
}

impl Bench {
    fn start() -> Self {
        let issuer = TestIssuer::serve(&["--alg=ES256"]);
        let client = issuer.register(
            "bench",
            &[
                "--grant=refresh_token",
                "--grant=client_credentials",
                "--scope=read",
            ],
        );
        Self { issuer, client }
    }

    /// Makes grants as `tokensmith grant create` does, straight in the data.
    fn seed(&self, count: usize) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let data = LocalData::open(self.issuer.data()).await.expect("the data");
            let (table, now) = (&data.table, Clock::System.now());
            let keys = HmacKeys::new(table.reader(), data.custody.open(), Duration::ZERO);
            let key = keys.newest(now).await.expect("a key");
            let id = self.client.id.parse().expect("a client id");
            let client = table.get(&Client::key_of(&id)).await.expect("a read");
            let client = client.expect("the client").record;
            let subject: SubjectName = "bench".parse().expect("a subject");
            let claim = Subject::new(subject.as_str(), SubjectKind::User);
            table.insert(&claim).await.expect("a claim");
            let issuer = self.issuer.url.parse().expect("a URL");
            let mut tokens = Vec::with_capacity(count);
            while tokens.len() < count {
                let batch = (count - tokens.len()).min(64);
                let made = (0..batch).map(|_| {
                    let nonce = Nonce::random();
                    let mut grant = new_grant(&client, &subject, &nonce, now);
                    grant.hmac_version = key.version();
                    let token = refresh_token(&key, &issuer, grant.id, 1, &nonce);
                    (grant, token)
                });
                let made: Vec<_> = made.collect();
                let inserts = made.iter().map(|(grant, _)| table.insert(grant));
                for inserted in join_all(inserts).await {
                    assert!(matches!(inserted, Ok(Insert::Inserted)));
                }
                tokens.extend(made.into_iter().map(|(_, token)| token));
            }
            tokens
        })
    }

    /// Every connection refreshes its own grants in turn, each time with the newest token.
    fn refresh(&mut self, tokens: &[String], connections: usize, time: Duration) -> Measured {
        let load = Load::new(&mut self.issuer, connections);
        let scripts = (0..connections).map(|connection| {
            let mut own: Vec<String> = tokens
                .iter()
                .skip(connection)
                .step_by(connections)
                .cloned()
                .collect();
            // A step that shares no factor with the count visits all, far apart from each other.
            let (mut at, step) = (0, 7919 % own.len().max(2));
            let (load, client) = (&load, &self.client);
            move |answer: Option<&[u8]>| {
                if let Some(body) = answer {
                    let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
                    own[at] = body["refresh_token"].as_str().expect("a token").to_owned();
                    at = (at + step) % own.len();
                }
                Some(load.bytes(&HttpRequest::refresh(client, &own[at])))
            }
        });
        load.run(scripts.collect(), time)
    }

    fn introspect(&mut self, _: &str, time: Duration) -> Measured {
        let token = self.issuer.token(&self.client, "").access_token();
        let request = HttpRequest::introspect(&self.client, &token);
        Load::new(&mut self.issuer, 16).repeat(&request, time)
    }

    /// Every token once.
    fn revoke(&mut self, tokens: &[String], time: Duration) -> Measured {
        let load = Load::new(&mut self.issuer, 16);
        let scripts = (0..16).map(|connection| {
            let mut own = tokens.iter().skip(connection).step_by(16);
            let (load, client) = (&load, &self.client);
            move |_: Option<&[u8]>| Some(load.bytes(&HttpRequest::revoke(client, own.next()?)))
        });
        load.run(scripts.collect(), time)
    }
}
