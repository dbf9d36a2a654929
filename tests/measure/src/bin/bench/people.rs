//! What people's requests cost: signing in, agreeing, and the exchange of the code, beside node-oidc-provider in the same run.
//!
//! Both sign with ES256 and have a JWT as the access token and an ID token. Ours hashes a password for each sign-in and writes to its
//! database on disk; the other one believes every password and keeps its state in memory.

mod provider;

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokensmith_issuer::HashPasswords;
use tokensmith_measure::browser::{Browser, code_in, form_of};
use tokensmith_measure::{cpu_of_all_threads, resident_at_most};
use tokensmith_people::Passwords;
use tokensmith_tests::{Answer, CodeFlow, Connection, HttpRequest};

use provider::{Provider, USERS};

/// Prints what each part of the way costs.
pub fn measure(time: Duration) {
    let hash = password_hash();
    println!("people over HTTP, {CONNECTIONS} connections, {time:?} each\n");
    println!(
        "{:<22} {:<20} {:>7} {:>8} {:>8} {:>8} {:>10} {:>9}",
        "", "", "per s", "p50 ms", "p99 ms", "CPU ms", "per CPU-s", "peak MiB"
    );
    for mut provider in [Provider::ours(), Provider::other()] {
        let hashes = provider.hashes;
        let load = Load::on(&mut provider);
        load.report("a page for a stranger", &load.pages(time));
        let (signed_in, _) = load.run(CONNECTIONS, time, |visit| visit.sign_in());
        load.report("sign-in", &signed_in);
        if hashes {
            let rest = signed_in.cpu_per_visit().saturating_sub(hash);
            println!(
                "{:<22} {:<20} {:>35.2} {:>10.0}",
                "",
                "without the hash",
                millis(rest),
                1.0 / rest.as_secs_f64()
            );
        }
        let (agreed, codes) = load.run(CONNECTIONS, time, |visit| visit.agree());
        load.report("asked, and agreed", &agreed);
        load.report("exchange of the code", &load.exchange(codes));
    }
    let mut provider = Provider::ours();
    let load = Load::on(&mut provider);
    let (signed_in, _) = load.run(USERS, time, |visit| visit.sign_in());
    load.report("sign-in, 32 at once", &signed_in);
    println!(
        "\nthe hash of a password: {:.1} ms of a processor",
        millis(hash)
    );
}

/// The time of one password's hash: the shortest of some, as others use the processor as well.
fn password_hash() -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        let (passwords, password) = (Passwords::default(), SecretString::from(provider::PASSWORD));
        let mut shortest = Duration::MAX;
        for _ in 0..21 {
            let started = Instant::now();
            passwords.hash(&password).await;
            shortest = shortest.min(started.elapsed());
        }
        shortest
    })
}

/// Load on one provider.
struct Load<'a> {
    provider: &'a Provider,
    process: u32,
}

impl<'a> Load<'a> {
    fn on(provider: &'a mut Provider) -> Self {
        let process = provider.process_id();
        Self { provider, process }
    }

    /// Strangers open the page that asks who they are.
    fn pages(&self, time: Duration) -> Measured {
        self.run(CONNECTIONS, time, |visit| visit.page()).0
    }

    /// One visit after the other on each connection for `time`, after a fifth of it to warm up; and what the visits bring.
    fn run<T: Send>(
        &self,
        connections: usize,
        time: Duration,
        visit: impl Fn(&mut Visit<'_>) -> T + Sync,
    ) -> (Measured, Vec<T>) {
        let until = |time| {
            let until = Instant::now() + time;
            move || Instant::now() < until
        };
        self.round(connections, until(time / 5), &visit);
        self.round(connections, until(time), &visit)
    }

    /// Every code, once. What was measured has no warm-up, as codes are good only once and for a minute.
    fn exchange(&self, codes: Vec<(CodeFlow, String)>) -> Measured {
        let left = Mutex::new(codes);
        let more = || !left.lock().expect("no panic").is_empty();
        let redeem = |visit: &mut Visit<'_>| {
            let code = left.lock().expect("no panic").pop();
            if let Some((flow, code)) = code {
                let answer = visit.ask(&flow.redemption(&code));
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        };
        self.round(CONNECTIONS, more, &redeem).0
    }

    fn round<T: Send>(
        &self,
        connections: usize,
        more: impl Fn() -> bool + Sync,
        visit: &(impl Fn(&mut Visit<'_>) -> T + Sync),
    ) -> (Measured, Vec<T>) {
        // Passwords are hashed on threads that come and go.
        let (before, started) = (cpu_of_all_threads(self.process), Instant::now());
        let on_one = |user: &str| {
            let (mut done, mut browser) = (Vec::new(), Visit::to(self.provider, user));
            while more() {
                let began = Instant::now();
                let brought = visit(&mut browser);
                done.push((began.elapsed(), brought));
            }
            done
        };
        let done = thread::scope(|scope| {
            // Each is somebody else: whoever tries several passwords at once is slowed down.
            let users = self.provider.users.iter().take(connections);
            let threads: Vec<_> = users.map(|user| scope.spawn(|| on_one(user))).collect();
            let joined = threads
                .into_iter()
                .flat_map(|one| one.join().expect("no panic"));
            joined.collect::<Vec<_>>()
        });
        let elapsed = started.elapsed();
        let cpu = cpu_of_all_threads(self.process) - before;
        let (mut latencies, brought): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        latencies.sort();
        let measured = Measured {
            elapsed,
            cpu,
            latencies,
        };
        (measured, brought)
    }

    fn report(&self, what: &str, measured: &Measured) {
        let visits = measured.latencies.len() as f64;
        println!(
            "{what:<22} {:<20} {:>7.0} {:>8.2} {:>8.2} {:>8.2} {:>10.0} {:>9.1}",
            self.provider.name,
            visits / measured.elapsed.as_secs_f64(),
            millis(measured.percentile(50)),
            millis(measured.percentile(99)),
            millis(measured.cpu_per_visit()),
            visits / measured.cpu.as_secs_f64(),
            resident_at_most(self.process) as f64 / 1024.0 / 1024.0,
        );
    }
}

/// What was measured.
struct Measured {
    elapsed: Duration,
    /// The provider's processor time.
    cpu: Duration,
    /// Of each visit, the shortest first.
    latencies: Vec<Duration>,
}

impl Measured {
    fn cpu_per_visit(&self) -> Duration {
        self.cpu / self.latencies.len() as u32
    }

    fn percentile(&self, percent: usize) -> Duration {
        self.latencies[(self.latencies.len() - 1) * percent / 100]
    }
}

/// A browser, and the connection that it keeps.
struct Visit<'a> {
    provider: &'a Provider,
    user: &'a str,
    connection: Connection,
    browser: Browser,
    is_signed_in: bool,
}

impl<'a> Visit<'a> {
    fn to(provider: &'a Provider, user: &'a str) -> Self {
        Self {
            provider,
            user,
            connection: Connection::open(&provider.url),
            browser: Browser::default(),
            is_signed_in: false,
        }
    }

    /// A stranger opens the page that asks who they are.
    fn page(&mut self) {
        self.browser = Browser::default();
        let page = self.follow(HttpRequest::get(&self.provider.flow().target()));
        assert!(page.body.contains("Sign in"), "{}", page.body);
    }

    /// A stranger signs in, and is asked whether they agree.
    fn sign_in(&mut self) {
        self.browser = Browser::default();
        self.signed_in(&self.provider.flow());
    }

    fn signed_in(&mut self, flow: &CodeFlow) -> Answer {
        let page = self.follow(HttpRequest::get(&flow.target()));
        self.is_signed_in = true;
        let entered = [("user_name", self.user), ("password", provider::PASSWORD)];
        self.follow(form_of(&page, "Sign in", &entered))
    }

    /// Somebody who is signed in is asked, and agrees: the client's request, and the code.
    fn agree(&mut self) -> (CodeFlow, String) {
        let flow = self.provider.flow();
        let page = match self.is_signed_in {
            true => self.follow(HttpRequest::get(&flow.target())),
            false => self.signed_in(&flow),
        };
        let answer = self.follow(form_of(&page, "allow", &[]));
        let code = code_in(&answer);
        let code = code.unwrap_or_else(|| panic!("no code: {}", answer.body));
        (flow, code)
    }

    /// Sends a request, and follows redirects for as long as they stay with the provider.
    fn follow(&mut self, request: HttpRequest) -> Answer {
        let mut answer = self.ask(&request);
        while let Some(location) = answer.header("location") {
            let path = location
                .strip_prefix(&self.provider.url)
                .unwrap_or(location);
            if !path.starts_with('/') {
                return answer;
            }
            answer = self.ask(&HttpRequest::get(path));
        }
        answer
    }

    fn ask(&mut self, request: &HttpRequest) -> Answer {
        let answer = self.connection.ask(&self.browser.sending(request));
        let answer = answer.expect("an answer");
        assert!(answer.status < 400, "{}: {}", answer.status, answer.body);
        self.browser.keep(&answer);
        answer
    }
}

fn millis(time: Duration) -> f64 {
    1000.0 * time.as_secs_f64()
}

const CONNECTIONS: usize = 16;
