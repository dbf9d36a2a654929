//! What one request of a stranger costs the issuer: the processor time of each endpoint, without HTTP and
//! without the calls to AWS, which `docs/contract.md` lists. And how long a verifier takes that starts, with a
//! feed that has many entries which matter to nobody any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokensmith_tests::records::API;
use tokensmith_tests::strangers::{ENDPOINTS, requests};
use tokensmith_tests::{HttpRequest, InProcess, OverHttp};
use tokensmith_verifier::{FeedSettings, Verifier};

/// Prints the most expensive request of each endpoint.
pub fn measure() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        println!("one request of a stranger, medians of {ROUNDS}\n");
        let issuer = InProcess::start().await;
        let client = issuer.confidential("app", |_| {}).await;
        let grant = issuer.grant(&client, |_| {}).await;
        let answer = issuer.refresh(&client, &grant.token).await;
        let (refresh_token, access_token) = (answer.refresh_token(), answer.access_token());
        for path in ENDPOINTS {
            let mut worst = Duration::ZERO;
            for request in requests(path, &refresh_token, &refresh_token, &access_token) {
                worst = worst.max(median(&issuer, &request).await);
            }
            println!("{path:<42} {:>8.1} us", worst.as_secs_f64() * 1e6);
        }
        println!("\na verifier that starts, and the function that makes its feed\n");
        for dead in [0, 1_000_000] {
            let time = start_beside(dead).await;
            println!(
                "beside {dead:>7} dead entries {:>19.1} ms",
                time.as_secs_f64() * 1e3
            );
        }
    });
}

/// The time until a verifier that has nothing has judged its first token, by keys and a feed that the
/// issuer makes for it.
async fn start_beside(dead: usize) -> Duration {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    issuer.pass(DAY);
    let expired = issuer.now().before(Duration::from_secs(DAY / 2));
    let revoked = expired.before(Duration::from_secs(DAY / 4));
    issuer.insert_revoked(dead, revoked, expired).await;
    let token = issuer.client_credentials(&client).await.access_token();
    let verifier = Verifier::builder(issuer.config.issuer.as_str())
        .audience(API)
        .fetch(Arc::new(OverHttp(issuer.issuer.clone())))
        .revocation_feed(FeedSettings::default())
        .clock(issuer.clock())
        .build();
    let verifier = verifier.expect("a verifier");
    let started = Instant::now();
    let accepted = verifier.verify(&token).await;
    let time = started.elapsed();
    accepted.expect("the token is valid");
    time
}

/// The clock stands still, so only the first round makes calls.
async fn median(issuer: &InProcess, request: &HttpRequest) -> Duration {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        issuer.send(request).await;
        times.push(started.elapsed());
    }
    times.sort();
    times[ROUNDS / 2]
}

const ROUNDS: usize = 2001;
const DAY: u64 = 24 * 3600;
