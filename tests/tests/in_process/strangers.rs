//! Invariant 12: what one request of a stranger costs at most, as the contract has it for each endpoint.

use std::collections::BTreeMap;

use serde_json::json;
use tokensmith_tests::records::scopes;
use tokensmith_tests::strangers::{ENDPOINTS, requests};
use tokensmith_tests::{InProcess, TestGrant};

/// Calls to AWS, and bytes of the answer's body.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Cost {
    calls: usize,
    bytes: usize,
}

/// The table under the heading "What one request of a stranger costs".
fn documented() -> BTreeMap<String, Cost> {
    let contract = include_str!("../../../docs/contract.md");
    let (_, section) = contract
        .split_once("### What one request of a stranger costs")
        .expect("it");
    let section = section.split("\n## ").next().expect("a section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `/"));
    let costs = rows.map(|row| {
        let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`'));
        let path = format!("/{}", cells.next().expect("a path"));
        let mut number = || {
            cells
                .next()
                .expect("a cell")
                .replace(',', "")
                .parse()
                .expect("a number")
        };
        (
            path,
            Cost {
                calls: number(),
                bytes: number(),
            },
        )
    });
    costs.collect()
}

/// A refresh token whose HMAC key does not exist.
async fn forged(issuer: &InProcess, grant: &TestGrant) -> String {
    let elsewhere = InProcess::start().await;
    for _ in 0..5 {
        let rotated = elsewhere
            .hmac_rotation()
            .rotate(&elsewhere.config.issuer, issuer.now())
            .await;
        rotated.expect("a version");
    }
    elsewhere.credential(grant, 1, 5).await
}

/// Each request comes when it costs most: in a second of its own, so that nothing is read for two.
#[tokio::test]
async fn invariant_12_a_strangers_request_costs_what_the_contract_says() {
    let issuer = InProcess::start().await;
    let all = scopes("a b openid profile");
    let client = issuer
        .confidential("app", |client| client.scopes = all.clone())
        .await;
    let grant = issuer.grant(&client, |grant| grant.scopes = all).await;
    // As much as can be known of a person.
    let name = "x".repeat(3 * 1024 - r#"{"name":""}"#.len());
    issuer.person("alice", json!({ "name": name })).await;
    let forged = forged(&issuer, &grant).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let (refresh_token, access_token) = (answer.refresh_token(), answer.access_token());
    let before = issuer.items().await;
    let mut counted = BTreeMap::new();
    for path in ENDPOINTS {
        let worst: &mut Cost = counted.entry(path.to_owned()).or_default();
        for _ in 0..3 {
            for request in requests(path, &refresh_token, &forged, &access_token) {
                issuer.pass(1);
                issuer.dynamo.take_calls();
                let answer = issuer.send(&request).await;
                worst.calls = worst.calls.max(issuer.dynamo.take_calls().len());
                worst.bytes = worst.bytes.max(answer.body.len());
            }
        }
    }
    let documented = documented();
    let calls = |costs: &BTreeMap<String, Cost>| -> Vec<(String, usize)> {
        costs
            .iter()
            .map(|(path, cost)| (path.clone(), cost.calls))
            .collect()
    };
    assert_eq!(calls(&counted), calls(&documented));
    for (path, cost) in &counted {
        let limit = documented[path].bytes;
        assert!(
            cost.bytes <= limit,
            "{path}: {} of {limit} bytes",
            cost.bytes
        );
    }
    assert_eq!(issuer.items().await, before, "nothing is written");
}
