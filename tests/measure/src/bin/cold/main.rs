//! What a cold start costs: `cold FUNCTIONS`, where FUNCTIONS is the folder of the release build and of
//! the zips. Run it with `./tests/bench cold`.
//!
//! Each function starts anew, again and again, under a stand-in for Lambda's runtime API, and reaches
//! DynamoDB and KMS over TLS, as it does in AWS. Processor time is the function's own, to the
//! nanosecond; latencies include the services, which are emulated in this process and next to it.

mod case;
mod measured;
mod quota;

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokensmith_tests::emulated::EmulatedAws;
use tokensmith_tests::tls::TlsFront;

use case::{Case, cases};
use measured::Measured;
use quota::Quota;

fn main() {
    let folder: PathBuf = std::env::args_os()
        .nth(1)
        .expect("usage: cold FUNCTIONS")
        .into();
    let logs = TempDir::new().expect("a temporary directory");
    let aws = EmulatedAws::start(logs.path());
    let tls = TlsFront::new(logs.path());
    let (dynamodb, kms) = (tls.stand_before(&aws.dynamodb), tls.stand_before(&aws.kms));
    let variables = [
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
        ("AWS_ENDPOINT_URL_KMS", kms),
        ("SSL_CERT_FILE", tls.roots().display().to_string()),
        ("TOKENSMITH_ISSUER", "https://auth.example".to_owned()),
        ("TOKENSMITH_TABLE", "tokensmith".to_owned()),
        ("TOKENSMITH_CUSTODY", "kms-data-key".to_owned()),
        ("TOKENSMITH_KMS_KEY", aws.wrapping_key.clone()),
    ];
    let mut cases = cases(&folder, &variables, &aws);
    println!("medians of {RUNS} cold starts, over TLS, RS256, kms-data-key\n");
    table(&folder, &variables, &mut cases, None);
    match Quota::of_a_function(MEMORY_MB) {
        Ok(quota) => {
            println!("\nthe same with the processor time of a function of {MEMORY_MB} MB\n");
            table(&folder, &variables, &mut cases, Some(&quota));
        }
        Err(why) => println!("\nno quota on this machine: {why}"),
    }
}

fn table(folder: &Path, variables: &[(&str, String)], cases: &mut [Case], quota: Option<&Quota>) {
    let names = Measured::NAMES.map(|name| format!(" {name:>10}")).concat();
    println!("{:<24}{names} {:>7}  over the reach", "function", "zip MB");
    for case in cases {
        let runs = (0..RUNS).map(|_| {
            let program = folder.join(case.function);
            Measured::of(&program, variables, case, quota)
        });
        let medians = Measured::medians(&runs.collect::<Vec<_>>());
        let zip = folder.join(format!("{}.zip", case.function));
        let zip_mb = std::fs::metadata(zip).expect("a zip").len() as f64 / 1e6;
        let missed = if quota.is_none() {
            medians.missed(zip_mb)
        } else {
            String::new()
        };
        println!("{:<24}{medians} {zip_mb:>7.2}  {missed}", case.name);
    }
}

const RUNS: usize = 20;

/// What infra and `[package.metadata.lambda.deploy]` give a function.
const MEMORY_MB: u32 = 256;
