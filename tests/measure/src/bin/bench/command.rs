//! What the command takes when there are many clients and grants.

use std::process::{Command, Stdio};
use std::time::Instant;

use futures_util::future::join_all;
use tokensmith_issuer::credential::Nonce;
use tokensmith_issuer::names::SubjectName;
use tokensmith_issuer::store::records::{Client, Subject, SubjectKind};
use tokensmith_issuer::store::{Insert, Record, Table};
use tokensmith_local::LocalData;
use tokensmith_tests::TestIssuer;
use tokensmith_tests::records::{new_client, new_grant};
use tokensmith_verifier::Clock;

/// Prints how long each command takes, at best of five.
pub fn measure() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(seed(&issuer));
    println!("the command, with {CLIENTS} clients and {GRANTS} grants, best of 5\n");
    let commands: [&[&str]; 6] = [
        &["client", "show", "client-0000"],
        &["client", "list", "--limit=100"],
        &["grant", "list", "--client=client-0000"],
        &["grant", "list", "--subject=subject-7"],
        &["client", "list"],
        &["restore", "--dry-run", "--in-use"],
    ];
    for arguments in commands {
        let mut command = issuer.command(arguments);
        let best = (0..5)
            .map(|_| seconds(&mut command))
            .fold(f64::MAX, f64::min);
        println!("{:<40} {best:>8.3} s", arguments.join(" "));
    }
}

fn seconds(command: &mut Command) -> f64 {
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).status().expect("it runs");
    assert!(status.success());
    started.elapsed().as_secs_f64()
}

/// The first client has 11 of the grants, and the others share the rest. So do the subjects.
async fn seed(issuer: &TestIssuer) {
    let data = LocalData::open(issuer.data()).await.expect("the data");
    let (table, now) = (&data.table, Clock::System.now());
    let clients: Vec<Client> = (0..CLIENTS)
        .map(|index| new_client(&format!("client-{index:04}"), now))
        .collect();
    insert(table, &clients).await;
    let subjects: Vec<SubjectName> = (0..SUBJECTS)
        .map(|index| format!("subject-{index}").parse().expect("a name"))
        .collect();
    let claims = subjects
        .iter()
        .map(|name| Subject::new(name.as_str(), SubjectKind::User));
    insert(table, &claims.collect::<Vec<_>>()).await;
    let grants = (0..GRANTS).map(|index| {
        let client = match index < OF_THE_FIRST {
            true => &clients[0],
            false => &clients[1 + index % (CLIENTS - 1)],
        };
        new_grant(client, &subjects[index % SUBJECTS], &Nonce::random(), now)
    });
    insert(table, &grants.collect::<Vec<_>>()).await;
}

async fn insert<R: Record>(table: &Table, records: &[R]) {
    for batch in records.chunks(64) {
        for inserted in join_all(batch.iter().map(|record| table.insert(record))).await {
            assert!(matches!(inserted, Ok(Insert::Inserted)));
        }
    }
}

const CLIENTS: usize = 5_000;
const GRANTS: usize = 50_000;
const SUBJECTS: usize = 20_000;
const OF_THE_FIRST: usize = 11;
