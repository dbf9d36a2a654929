//! Invariant 2: what is good for one request is recorded by one conditional insert.

use std::time::Duration;

use futures_util::future::join_all;
use tokensmith_issuer::client::Claim;
use tokensmith_issuer::error::{ClientDenied, Denied, Error};
use tokensmith_tests::InProcess;
use tokensmith_tests::faults::Fault;

fn claim(issuer: &InProcess, name: &str) -> Claim {
    Claim::new(name, issuer.now().after(Duration::from_secs(300)))
}

#[tokio::test]
async fn invariant_2_of_several_claims_at_once_one_succeeds() {
    let issuer = InProcess::start().await;
    let claims = (0..8).map(|_| claim(&issuer, "app assertion 1").insert(issuer.table()));
    let outcomes = join_all(claims).await;
    let succeeded = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(succeeded, 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        let used = matches!(
            refused,
            Error::Denied(Denied::Client(ClientDenied::CredentialsUsed))
        );
        assert!(used, "{refused:?}");
    }
    let other = claim(&issuer, "app assertion 2").insert(issuer.table());
    other.await.expect("another name is another claim");
}

/// The write was applied, and its answer was lost: the SDK's retry finds our own attempt.
#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_not_taken_for_a_replay() {
    let issuer = InProcess::start().await;
    let table = tokensmith_local::make_table(issuer.dynamo.clone()).await;
    let table = table.expect("a table");
    issuer.dynamo.plan([Some(Fault::After)]);
    let first = claim(&issuer, "app assertion 1").insert(&table).await;
    first.expect("it was recorded");
    assert!(
        claim(&issuer, "app assertion 1")
            .insert(&table)
            .await
            .is_err()
    );
}
