//! What a token costs for a client that signs: an assertion is verified, and claimed in the table.

use std::time::Duration;

use tokensmith_tests::assertion::{OwnKey, assertion_claims};
use tokensmith_tests::{HttpRequest, TestIssuer};
use tokensmith_verifier::jose::SignatureAlgorithm;

use crate::CONNECTIONS;
use crate::load::Load;

/// Prints what `client_credentials` with an assertion costs. Each request has one of its own, which this process
/// signs.
pub fn measure(time: Duration) {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let key = OwnKey::new(SignatureAlgorithm::ES256);
    let client = issuer.register_keys("bench", &[&key], &["--scope=read", "--default-scope=read"]);
    let url = issuer.url.clone();
    let load = Load::new(&mut issuer, CONNECTIONS);
    let script = |_: Option<&[u8]>| {
        let assertion = key.jwt(&assertion_claims(&client, &url));
        let form = [("grant_type", "client_credentials")];
        Some(load.bytes(&HttpRequest::asserted("/oauth2/token", &form, &assertion)))
    };
    let measured = load.run(vec![script; CONNECTIONS], time);
    println!("\nclient_credentials with an ES256 assertion, {CONNECTIONS} connections, {time:?}\n");
    println!(
        "{:>9} {:>8} {:>8} {:>12} {:>9}",
        "tokens/s", "p50 ms", "p99 ms", "per CPU-s", "RSS MiB"
    );
    println!(
        "{:>9.0} {:>8.2} {:>8.2} {:>12.0} {:>9.1}",
        measured.per_second(),
        measured.percentile(0.50),
        measured.percentile(0.99),
        measured.per_cpu_second(),
        measured.rss_mib,
    );
}
