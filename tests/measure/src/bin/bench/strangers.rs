//! What one request of a stranger costs the issuer: the processor time of each endpoint, without HTTP and
//! without the calls to AWS, which `docs/contract.md` lists.

use std::time::{Duration, Instant};

use tokensmith_tests::strangers::{ENDPOINTS, requests};
use tokensmith_tests::{HttpRequest, InProcess};

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
    });
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
