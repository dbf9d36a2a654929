//! The benchmark: what a token costs, over HTTP, beside what its signature alone costs.
//!
//! Every figure is from one run on one machine: an issuer in its own process, a load generator in
//! this one. Run it with `./tests/bench`; `./tests/bench authorizer` measures the authorizer alone, and
//! `./tests/bench strangers` what requests without credentials cost, `./tests/bench command` what the command takes, `./tests/bench api-keys` what
//! API keys cost, and `./tests/bench people` what people's requests cost.

mod api_keys;
mod authorizer;
mod command;
mod exchanges;
mod grants;
mod load;
mod people;
mod signing;
mod strangers;

use std::time::{Duration, Instant};

use tokensmith_issuer::keys::{InProcessSigner, Signer, generate_private_key};
use tokensmith_tests::{HttpRequest, TestIssuer};
use tokensmith_verifier::Algorithm;

use load::{Load, Measured};

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("authorizer").is_some() {
        return match arguments.next_if_eq("warm") {
            Some(_) => authorizer::measure_warm(),
            None => authorizer::measure(),
        };
    }
    if arguments.next_if_eq("command").is_some() {
        return command::measure();
    }
    if arguments.next_if_eq("api-keys").is_some() {
        let many = arguments.next().map_or(1_000_000, |text| {
            text.parse().expect("usage: bench api-keys [KEYS]")
        });
        return api_keys::measure(Duration::from_secs(5), many);
    }
    if arguments.next_if_eq("strangers").is_some() {
        return strangers::measure();
    }
    let of_people = arguments.next_if_eq("people").is_some();
    let mut number = |default: u64| {
        match arguments.next() {
        Some(text) => text.parse().expect(
            "usage: bench [authorizer [warm] | api-keys [KEYS] | command | strangers | [people] SECONDS | SECONDS GRANTS]",
        ),
        None => default,
    }
    };
    let (seconds, grants) = (number(5), number(1_000_000));
    let time = Duration::from_secs(seconds);
    if of_people {
        return people::measure(time);
    }
    tokens(time);
    signing::measure(time);
    grants::measure(time, grants as usize);
}

fn tokens(time: Duration) {
    println!("client_credentials over HTTP, {CONNECTIONS} connections, {time:?} each\n");
    println!(
        "{:<6} {:>9} {:>8} {:>8} {:>12} {:>12} {:>8} {:>9}",
        "alg", "tokens/s", "p50 ms", "p99 ms", "per CPU-s", "raw signs/s", "of raw", "RSS MiB"
    );
    for algorithm in Algorithm::ALL {
        let raw = raw_signatures_per_second(algorithm);
        let measured = client_credentials(algorithm, time);
        println!(
            "{:<6} {:>9.0} {:>8.2} {:>8.2} {:>12.0} {:>12.0} {:>7.0}% {:>9.1}",
            algorithm.as_str(),
            measured.per_second(),
            measured.percentile(0.50),
            measured.percentile(0.99),
            measured.per_cpu_second(),
            raw,
            100.0 * measured.per_cpu_second() / raw,
            measured.rss_mib,
        );
    }
}

/// Tokens with Basic authentication, the cheapest request that a client can make.
fn client_credentials(algorithm: Algorithm, time: Duration) -> Measured {
    let mut issuer = TestIssuer::serve(&["--alg", algorithm.as_str()]);
    let client = issuer.register("bench", &["--scope=read", "--default-scope=read"]);
    let request = HttpRequest::client_credentials(&client);
    Load::new(&mut issuer, CONNECTIONS).repeat(&request, time)
}

/// What one core can sign with one key, and nothing else.
fn raw_signatures_per_second(algorithm: Algorithm) -> f64 {
    let pkcs8 = generate_private_key(algorithm).expect("a key");
    let signer = InProcessSigner::from_pkcs8(algorithm, &pkcs8).expect("a signer");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let message = [b'x'; 400];
    runtime.expect("a runtime").block_on(async {
        let started = Instant::now();
        let mut signatures = 0_u32;
        while started.elapsed() < Duration::from_secs(1) {
            signer.sign(&message).await.expect("a signature");
            signatures += 1;
        }
        f64::from(signatures) / started.elapsed().as_secs_f64()
    })
}

const CONNECTIONS: usize = 16;
