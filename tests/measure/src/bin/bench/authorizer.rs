//! What the authorizer costs: a warm request beside the raw verification of its signature, a cold
//! start beside many revocations, and how long a revoked token still passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokensmith_authorizer::{Authorizer, AuthorizerConfig, AuthorizerEvent, ResponseFormat};
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::authorizer::{INTERVAL, http_api_event, new_authorizer_by};
use tokensmith_tests::forge::Forger;
use tokensmith_tests::{InProcess, TestClient, TestProof};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::{Algorithm, Clock};

/// Prints all of it.
pub fn measure() {
    within(async {
        warm_requests().await;
        cold_starts().await;
        revocations_seen().await;
    });
}

/// Prints what a warm request costs.
pub fn measure_warm() {
    within(warm_requests());
}

fn within(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work);
}

/// Whole requests: the event is read, the answer written, and a line logged, as Lambda has it done.
async fn warm_requests() {
    println!("\nauthorizer, ES256, warm: {ROUNDS} rounds of {BATCH}, medians\n");
    let bench = Bench::start().await;
    // No two signatures are the same, as those of proofs never are: a processor learns one that is repeated.
    let (mut events, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..BATCH {
        let event = bench.event(&bench.token().await);
        raw.push(RawSignature::of(&bench, &event.token).await);
        events.push(event);
    }
    let simple = bench.authorizer(ResponseFormat::Simple);
    let policy = bench.authorizer(ResponseFormat::Policy);
    let (simple, policy) = (simple.await, policy.await);
    let bound = BoundToken::of(&bench).await;
    let bound_gate = bench.authorizer(ResponseFormat::Simple).await;
    let mut times = [const { Vec::new() }; 4];
    // In turn, so that whatever else the machine does concerns all of them.
    for _ in 0..ROUNDS {
        times[0].push(timed(async |each| raw[each].verify()).await);
        times[1].push(timed(async |each| events[each].ask(&simple).await).await);
        times[2].push(timed(async |each| events[each].ask(&policy).await).await);
        // A proof is good once.
        let bound = bound.events(&bench);
        times[3].push(timed(async |each| bound[each].ask(&bound_gate).await).await);
    }
    let [raw, simple, policy, bound] = times.map(median_us);
    println!("raw signature verification        {raw:>7.1} us");
    for (name, time) in [
        ("simple response", simple),
        ("policy of 20 routes", policy),
        ("a token bound to a key", bound),
    ] {
        println!("request, {name:<24} {time:>7.1} us   {:.2} x", time / raw);
    }
}

/// The first request of an authorizer that has its keys, as after its initialization.
async fn cold_starts() {
    println!("\nauthorizer, cold: the first request, {COLD_STARTS} starts, medians\n");
    let mut medians = Vec::new();
    for live in [0, 100_000] {
        let bench = Bench::start().await;
        let now = bench.issuer.now();
        let until = now.after(Duration::from_secs(3600));
        bench.issuer.insert_revoked(live, now, until).await;
        let event = bench.event(&bench.token().await);
        let mut times = Vec::new();
        for _ in 0..COLD_STARTS {
            let authorizer = bench.authorizer(ResponseFormat::Simple).await;
            let started = Instant::now();
            event.ask(&authorizer).await;
            times.push(started.elapsed());
        }
        medians.push(median_us(times));
        println!(
            "{live:>7} live revocations   {:>9.0} us",
            medians[medians.len() - 1]
        );
    }
    println!("many against none: {:.2} x", medians[1] / medians[0]);
}

/// In real time and with the default interval, in each situation: tokens are issued and revoked one after
/// the other, and each is asked for 50 times a second until it is refused.
async fn revocations_seen() {
    println!("\nauthorizer, revoked until refused: {REVOKED} times, interval {INTERVAL:?}\n");
    println!(
        "{:<44} {:>8} {:>8} {:>8} {:>8}",
        "", "p50", "p90", "p99", "max"
    );
    for situation in SITUATIONS {
        let mut delays = situation.delays().await;
        delays.sort();
        let at = |share: f64| delays[((delays.len() - 1) as f64 * share).round() as usize];
        let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|share| at(share).as_secs_f64());
        println!(
            "{:<44} {p50:>6.3} s {p90:>6.3} s {p99:>6.3} s {max:>6.3} s",
            situation.name
        );
    }
    println!(
        "{:<44} {:>35}",
        "a withdrawn key, 20 times",
        withdrawn_key().await
    );
}

/// Under which revocations have to be seen.
struct Situation {
    name: &'static str,
    /// How far the authorizer's clock is ahead of the table's, in seconds.
    ahead: i64,
    index_is_throttled: bool,
}

const SITUATIONS: [Situation; 5] = [
    Situation {
        name: "all clocks agree",
        ahead: 0,
        index_is_throttled: false,
    },
    Situation {
        name: "the authorizer's clock is 50 s behind",
        ahead: -50,
        index_is_throttled: false,
    },
    Situation {
        name: "the authorizer's clock is 50 s ahead",
        ahead: 50,
        index_is_throttled: false,
    },
    Situation {
        name: "the authorizer's clock is 10 min ahead",
        ahead: 600,
        index_is_throttled: false,
    },
    Situation {
        name: "the index is throttled",
        ahead: 0,
        index_is_throttled: true,
    },
];

impl Situation {
    async fn delays(&self) -> Vec<Duration> {
        let bench = Bench::start().await;
        // Keys and tokens are old enough for whoever is behind.
        bench.issuer.pass(100);
        let clock = Arc::new(AtomicU64::new(0));
        let (began, started) = (bench.issuer.now(), Instant::now());
        let follow = || {
            bench.issuer.set(began.after(started.elapsed()));
            let own = bench
                .issuer
                .now()
                .seconds()
                .saturating_add_signed(self.ahead);
            clock.store(own, Ordering::SeqCst);
        };
        follow();
        let authorizer = bench.authorizer_by(Clock::Manual(clock.clone()), ResponseFormat::Simple);
        let authorizer = authorizer.await;
        let warm = bench.event(&bench.token().await);
        assert!(
            warm.ask(&authorizer).await,
            "{}: a good token passes",
            self.name
        );
        bench.issuer.dynamo.throttle_index(self.index_is_throttled);
        let (mut revoked, mut delays) = (Vec::new(), Vec::new());
        let (mut ticks, mut issued) = (tokio::time::interval(Duration::from_millis(20)), 0);
        for tick in 0.. {
            ticks.tick().await;
            follow();
            if tick % 10 == 0 && issued < REVOKED {
                let token = bench.token().await;
                let event = bench.event(&token);
                assert!(
                    event.ask(&authorizer).await,
                    "{}: a good token passes",
                    self.name
                );
                let answer = bench.issuer.revoke(&bench.client, &token).await;
                assert_eq!(answer.status, 200);
                revoked.push((event, Instant::now()));
                issued += 1;
            }
            let mut passing = Vec::new();
            for (event, since) in revoked {
                match event.ask(&authorizer).await {
                    true => passing.push((event, since)),
                    false => delays.push(since.elapsed()),
                }
            }
            revoked = passing;
            if issued == REVOKED && revoked.is_empty() {
                return delays;
            }
        }
        delays
    }
}

/// How long tokens pass whose key was withdrawn, at several moments of the interval.
async fn withdrawn_key() -> String {
    let mut delays = Vec::new();
    for round in 0..20 {
        let bench = Bench::start().await;
        let authorizer = bench.authorizer(ResponseFormat::Simple).await;
        let event = bench.event(&bench.token().await);
        let (began, started) = (bench.issuer.now(), Instant::now());
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let mut withdrawn = None;
        for tick in 0.. {
            ticks.tick().await;
            bench.issuer.set(began.after(started.elapsed()));
            if tick == round * 12 {
                let replaced = bench.issuer.administrator().replace_keys(Vec::new()).await;
                replaced.expect("the keys are replaced");
                withdrawn = Some(Instant::now());
            }
            let passes = event.ask(&authorizer).await;
            match withdrawn {
                Some(since) if !passes => {
                    delays.push(since.elapsed());
                    break;
                }
                _ => assert!(passes || withdrawn.is_some(), "a good token passes"),
            }
        }
    }
    delays.sort();
    let (median, max) = (delays[delays.len() / 2], delays[delays.len() - 1]);
    format!(
        "p50 {:.3} s, max {:.3} s",
        median.as_secs_f64(),
        max.as_secs_f64()
    )
}

struct Bench {
    issuer: InProcess,
    client: TestClient,
}

impl Bench {
    async fn start() -> Self {
        let issuer = InProcess::start().await;
        let client = issuer.confidential("bench", |_| {}).await;
        Self { issuer, client }
    }

    async fn token(&self) -> String {
        let answer = self.issuer.client_credentials(&self.client).await;
        answer.access_token()
    }

    fn event(&self, token: &str) -> Event {
        Event {
            text: http_api_event(token),
            token: token.to_owned(),
        }
    }

    /// An authorizer with its keys, that has not heard of revocations.
    async fn authorizer(&self, response: ResponseFormat) -> Authorizer {
        self.authorizer_by(self.issuer.clock(), response).await
    }

    /// The same with a clock of its own.
    async fn authorizer_by(&self, clock: Clock, response: ResponseFormat) -> Authorizer {
        let routes = routes().to_string().parse().expect("routes");
        let configure = |config: &mut AuthorizerConfig| {
            config.routes = Some(routes);
            config.response = response;
            config.public_url = Some(PUBLIC_URL.parse().expect("a URL"));
        };
        let dynamo = self.issuer.dynamo.clone();
        let authorizer = new_authorizer_by(clock, &self.issuer, dynamo, configure).await;
        authorizer.warm_up().await.expect("keys");
        authorizer
    }
}

/// Twenty routes, of which the token may use half.
fn routes() -> Value {
    let mut routes = serde_json::Map::new();
    for resource in ["orders", "customers", "invoices", "products", "files"] {
        routes.insert(format!("GET /{resource}"), json!("a"));
        routes.insert(format!("GET /{resource}/{{id}}"), json!("a"));
        routes.insert(format!("POST /{resource}"), json!("b | c"));
        routes.insert(format!("DELETE /{resource}/{{id}}"), json!("b & c"));
    }
    Value::Object(routes)
}

/// A request, as Lambda hands it to the function.
struct Event {
    text: String,
    token: String,
}

impl Event {
    /// Whether it is let through.
    async fn ask(&self, authorizer: &Authorizer) -> bool {
        let event: AuthorizerEvent = serde_json::from_str(&self.text).expect("an event");
        let answer = authorizer.answer(&event, "bench").await.expect("an answer");
        let answer = serde_json::to_vec(&answer).expect("JSON");
        !answer.starts_with(br#"{"isAuthorized":false"#)
    }
}

/// A token that is bound to a key, which signs a proof for each request.
struct BoundToken {
    key: OwnKey,
    token: String,
}

impl BoundToken {
    async fn of(bench: &Bench) -> Self {
        let key = OwnKey::new(SignatureAlgorithm::ES256);
        let forger = Forger::with_key_of(&bench.issuer, &bench.client, Algorithm::ES256).await;
        let mut claims = forger.claims();
        claims["cnf"] = json!({ "jkt": key.thumbprint() });
        let token = forger.token(&claims).await;
        Self { key, token }
    }

    /// A batch of requests, each with a proof of its own.
    fn events(&self, bench: &Bench) -> Vec<Event> {
        let event = |_| {
            let now = bench.issuer.now().seconds();
            let proof = TestProof::at(now, &self.key, "GET", &format!("{PUBLIC_URL}/orders/17"));
            let proof = proof.for_token(&self.token).signed(&self.key);
            let text = http_api_event(&self.token);
            let text = text.replace("Bearer ", "DPoP ");
            let header = format!("\"headers\": {{ \"dpop\": \"{proof}\",");
            Event {
                text: text.replacen("\"headers\": {", &header, 1),
                token: self.token.clone(),
            }
        };
        (0..BATCH).map(event).collect()
    }
}

/// The signature of one token, with its key parsed.
struct RawSignature {
    key: ParsedPublicKey,
    message: String,
    signature: Vec<u8>,
}

impl RawSignature {
    async fn of(bench: &Bench, token: &str) -> Self {
        let forger = Forger::with_key_of(&bench.issuer, &bench.client, Algorithm::ES256).await;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let jwk = json!(forger.jwk);
        let coordinate = |name: &str| decode(jwk[name].as_str().expect("a coordinate"));
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        Self {
            key: ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).expect("a key"),
            message: message.to_owned(),
            signature: decode(signature),
        }
    }

    fn verify(&self) -> bool {
        let verified = self
            .key
            .verify_sig(self.message.as_bytes(), &self.signature);
        verified.is_ok()
    }
}

/// The time of one of a batch.
async fn timed(work: impl AsyncFn(usize) -> bool) -> Duration {
    let started = Instant::now();
    for each in 0..BATCH as usize {
        assert!(work(each).await, "what fails must not count as fast");
    }
    started.elapsed() / BATCH
}

fn median_us(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

const PUBLIC_URL: &str = "https://orders.example";
const ROUNDS: u32 = 200;
const BATCH: u32 = 100;
const COLD_STARTS: u32 = 21;
const REVOKED: usize = 200;
