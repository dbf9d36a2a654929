//! What API keys cost: at the authorizer, at the token endpoint, and when there are many of them.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use secrecy::ExposeSecret;
use tokensmith_authorizer::{AuthorizerEvent, ResponseFormat};
use tokensmith_issuer::credential::ApiKeySecret;
use tokensmith_issuer::store::records::ApiKey;
use tokensmith_issuer::store::{Insert, Table};
use tokensmith_local::{LocalData, make_table};
use tokensmith_tests::authorizer::{http_api_event, new_authorizer};
use tokensmith_tests::records::{API, new_api_key};
use tokensmith_tests::{HttpRequest, InProcess, TestClient, TestIssuer};
use tokensmith_verifier::{Clock, Timestamp};

use crate::exchanges;

/// Prints all of it; `many` is how many keys there are in the end.
pub fn measure(time: Duration, many: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(at_the_authorizer());
    exchanges::measure(time);
    runtime.block_on(growing(many));
}

/// A warm request with a key: the event is read, the key judged, the answer written, and a line logged.
async fn at_the_authorizer() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("bench", |_| {}).await;
    let created = issuer
        .administrator()
        .create_api_key(new_api_key(client.client_id()))
        .await;
    let key = created.expect("a key").outcome.secret;
    let of_table = |config: &mut tokensmith_authorizer::AuthorizerConfig| {
        config.response = ResponseFormat::Simple;
    };
    let authorizer = new_authorizer(&issuer, issuer.dynamo.clone(), of_table).await;
    let table = make_table(issuer.dynamo.clone()).await;
    let authorizer = authorizer.taking_api_keys(table.expect("the table"));
    let text = http_api_event(key.expose_secret());
    let ask = async || {
        let event: AuthorizerEvent = serde_json::from_str(&text).expect("an event");
        let answer = authorizer.answer(&event, "bench").await.expect("an answer");
        let answer = serde_json::to_vec(&answer).expect("JSON");
        assert!(answer.starts_with(br#"{"isAuthorized":true"#));
    };
    ask().await;
    issuer.dynamo.take_calls();
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        for _ in 0..100 {
            ask().await;
        }
        times.push(started.elapsed() / 100);
    }
    times.sort();
    let calls = issuer.dynamo.take_calls().len();
    let median = times[times.len() / 2].as_secs_f64() * 1e6;
    println!(
        "API key at the authorizer, warm   {median:>7.1} us, {calls} calls in 20,000 requests"
    );
}

/// Making a key, its first use, and a page of the list of a client that has few, while there are more and more keys of others.
async fn growing(many: usize) {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let [client, others] = ["few", "many"].map(|name| issuer.register(name, &["--scope=read"]));
    let data = LocalData::open(issuer.data()).await.expect("the data");
    println!(
        "\n{:>9} {:>12} {:>12} {:>12}",
        "keys", "create us", "first use us", "list us"
    );
    let (mut there, mut first) = (0, [0.0; 3]);
    for count in [many / 1000, many / 10, many] {
        seed(&data.table, &others, count - there).await;
        there = count;
        let times = [
            timed(|| {
                create(&issuer, &client);
            }),
            {
                let keys: Vec<_> = (0..REPEATS).map(|_| create(&issuer, &client)).collect();
                let mut keys = keys.iter();
                timed(|| {
                    let key = keys.next().expect("a key");
                    assert_eq!(issuer.send(&HttpRequest::exchange(key)).status, 200);
                })
            },
            timed(|| {
                issuer.manage(&["api-key", "list", "--client", &client.id, "--limit=10"]);
            }),
        ];
        if first == [0.0; 3] {
            first = times;
        }
        let [created, used, listed] = times;
        println!("{count:>9} {created:>12.0} {used:>12.0} {listed:>12.0}");
        if count == many {
            let ratios = [0, 1, 2].map(|index| times[index] / first[index]);
            let [created, used, listed] = ratios;
            println!("many against few {created:>5.2} x {used:>10.2} x {listed:>10.2} x");
        }
    }
}

/// Keys as `tokensmith api-key create` makes them, straight in the data.
async fn seed(table: &Table, client: &TestClient, count: usize) {
    let now = Clock::System.now();
    let mut left = count;
    while left > 0 {
        let batch: Vec<ApiKey> = (0..left.min(64)).map(|_| record(client, now)).collect();
        left -= batch.len();
        for inserted in join_all(batch.iter().map(|key| table.insert(key))).await {
            assert!(matches!(inserted, Ok(Insert::Inserted)));
        }
    }
}

fn record(client: &TestClient, now: Timestamp) -> ApiKey {
    let secret = ApiKeySecret::generate();
    let expires_at = now.after(Duration::from_secs(90 * 24 * 60 * 60));
    ApiKey {
        id: secret.id().clone(),
        client_id: client.client_id(),
        name: "bench".parse().expect("a name"),
        hash: secret.hash(),
        scopes: "read".parse().expect("scopes"),
        resource: API.parse().expect("a URI"),
        sources: Vec::new(),
        limit: None,
        created_at: now,
        expires_at,
        made_until: expires_at,
        revoked_at: None,
        replaces: None,
        replaced_by: None,
    }
}

fn create(issuer: &TestIssuer, client: &TestClient) -> String {
    let create = ["api-key", "create", "--client", &client.id, "--name=bench"];
    let created = issuer.change(&create);
    created["api_key"].as_str().expect("a key").to_owned()
}

/// The median of what `work` takes, in microseconds.
fn timed(mut work: impl FnMut()) -> f64 {
    let times = (0..REPEATS).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed()
    });
    let mut times: Vec<_> = times.collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

const REPEATS: usize = 21;
