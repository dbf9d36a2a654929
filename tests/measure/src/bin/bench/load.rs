//! A load generator: a few connections that send one request after the other, for a bounded time.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use tokensmith_measure::{cpu_of_all_threads, resident};
use tokensmith_tests::connection::{authority_of, body_of};
use tokensmith_tests::{HttpRequest, TestIssuer};

/// Load on a started issuer.
pub struct Load {
    host: String,
    process: u32,
    connections: usize,
}

impl Load {
    /// Load from `connections` connections at once.
    pub fn new(issuer: &mut TestIssuer, connections: usize) -> Self {
        Self {
            host: authority_of(&issuer.url).to_owned(),
            process: issuer.process_id(),
            connections,
        }
    }

    /// Sends `request` again and again for `time`.
    pub fn repeat(&self, request: &HttpRequest, time: Duration) -> Measured {
        let bytes = request.keep_alive_bytes(&self.host);
        let same = |_: Option<&[u8]>| Some(bytes.clone());
        self.run(vec![same; self.connections], time)
    }

    /// Runs one script on each connection until its requests or `time` are over, after a warm-up
    /// of a fifth of the time. A script makes a request of the last answer's body.
    pub fn run<S>(&self, mut scripts: Vec<S>, time: Duration) -> Measured
    where
        S: FnMut(Option<&[u8]>) -> Option<Vec<u8>>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            self.round(&mut scripts, time / 5).await;
            let (cpu, started) = (cpu_of_all_threads(self.process), Instant::now());
            let latencies_us = self.round(&mut scripts, time).await;
            Measured {
                elapsed: started.elapsed(),
                cpu_seconds: (cpu_of_all_threads(self.process) - cpu).as_secs_f64(),
                rss_mib: resident(self.process) as f64 / MIB,
                latencies_us,
            }
        })
    }

    async fn round<S>(&self, scripts: &mut [S], time: Duration) -> Vec<u32>
    where
        S: FnMut(Option<&[u8]>) -> Option<Vec<u8>>,
    {
        let until = Instant::now() + time;
        let connections = scripts
            .iter_mut()
            .map(|script| drive(&self.host, script, until));
        let mut latencies = join_all(connections).await.concat();
        latencies.sort_unstable();
        latencies
    }

    /// The bytes of a request to this issuer.
    pub fn bytes(&self, request: &HttpRequest) -> Vec<u8> {
        request.keep_alive_bytes(&self.host)
    }
}

/// What was measured.
pub struct Measured {
    elapsed: Duration,
    cpu_seconds: f64,
    /// The server's resident memory after the load, in MiB.
    pub rss_mib: f64,
    latencies_us: Vec<u32>,
}

impl Measured {
    /// Answers per second.
    pub fn per_second(&self) -> f64 {
        self.latencies_us.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The server's processor time for one answer, in microseconds.
    pub fn cpu_us(&self) -> f64 {
        1_000_000.0 * self.cpu_seconds / self.latencies_us.len() as f64
    }

    /// Answers per second of the server's processor time, user and system.
    pub fn per_cpu_second(&self) -> f64 {
        self.latencies_us.len() as f64 / self.cpu_seconds
    }

    /// The latency that a `share` of the requests stays below, in milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies_us.len() - 1;
        f64::from(self.latencies_us[(last as f64 * share) as usize]) / 1000.0
    }
}

async fn drive<S>(host: &str, script: &mut S, until: Instant) -> Vec<u32>
where
    S: FnMut(Option<&[u8]>) -> Option<Vec<u8>>,
{
    let mut stream = TcpStream::connect(host).await.expect("the issuer listens");
    stream.set_nodelay(true).expect("the socket has options");
    let mut latencies = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    let mut next = script(None);
    while let Some(request) = next.take_if(|_| Instant::now() < until) {
        let started = Instant::now();
        stream.write_all(&request).await.expect("the issuer reads");
        let mut read = 0;
        let body = loop {
            let more = stream
                .read(&mut buffer[read..])
                .await
                .expect("the issuer answers");
            assert_ne!(more, 0, "the issuer closed the connection");
            read += more;
            if let Some(body) = body_of(&buffer[..read]) {
                break body;
            }
        };
        assert!(
            buffer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&buffer[..read])
        );
        latencies.push(started.elapsed().as_micros() as u32);
        next = script(Some(body));
    }
    latencies
}

const MIB: f64 = 1024.0 * 1024.0;
