//! Who fetches, and who does not.

use std::sync::Arc;

use futures_util::future::join_all;
use tokensmith_issuer::fetched::{Documents, FETCH_INTERVAL, Wanted};
use tokensmith_issuer::store::records::Fetched;
use tokensmith_local::make_table;
use tokensmith_tests::InProcess;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::foreign::{Behavior, ForeignServer};

use super::{Numbered, instance, number, numbered, url, usual};

async fn instances(issuer: &InProcess, count: usize) -> Vec<Documents<Numbered>> {
    join_all((0..count).map(|_| instance(issuer))).await
}

/// The first requests of all, and those that find the copy too old to be used.
#[tokio::test]
async fn invariant_12_parallel_requests_to_twenty_instances_cost_one_fetch() {
    let issuer = &InProcess::start().await;
    let server = ForeignServer::publishing(&numbered(1));
    let (instances, url) = (instances(issuer, 20).await, &url(&server.base_url()));
    for _ in 0..2 {
        let got = instances
            .iter()
            .flat_map(|one| [usual(one, url), usual(one, url)]);
        let got = join_all(got).await;
        assert!(got.iter().all(|got| *got == Some(1)), "{got:?}");
        assert_eq!(server.take_requests().len(), 1);
        issuer.pass(24 * 60 * 60);
    }
}

#[tokio::test]
async fn invariant_12_made_up_key_ids_cost_one_fetch_in_30_seconds_for_all_instances() {
    let issuer = &InProcess::start().await;
    let server = ForeignServer::publishing(&numbered(1));
    let (instances, url) = (instances(issuer, 5).await, &url(&server.base_url()));
    for one in &instances {
        assert_eq!(usual(one, url).await, Some(1));
    }
    assert_eq!(server.take_requests().len(), 1);
    for fetches in [0, 1, 1] {
        for _ in 0..FETCH_INTERVAL.as_secs() {
            issuer.dynamo.take_calls();
            let newer = instances.iter().flat_map(|one| [one; 20]).map(async |one| {
                let seen = one
                    .get(url, Wanted::Usual)
                    .await
                    .expect("a document")
                    .fetched_at;
                number(one.get(url, Wanted::NewerThan(seen)).await)
            });
            let got = join_all(newer).await;
            assert!(got.iter().all(|got| *got == Some(1)), "{got:?}");
            let calls = issuer.dynamo.take_calls();
            let reads = calls.iter().filter(|call| *call == "GetItem").count();
            assert!(
                reads <= 2 * instances.len(),
                "each reads once a second: {calls:?}"
            );
            issuer.pass(1);
        }
        assert_eq!(server.take_requests().len(), fetches);
    }
}

#[tokio::test]
async fn a_new_key_is_found_when_its_id_is_unknown() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing(&numbered(1));
    let (warm, url) = (instance(&issuer).await, url(&server.base_url()));
    let old = warm.get(&url, Wanted::Usual).await.expect("a document");
    server.publish("", &numbered(2));
    issuer.pass(FETCH_INTERVAL.as_secs());
    let newer = Wanted::NewerThan(old.fetched_at);
    assert_eq!(number(warm.get(&url, newer).await), Some(2));

    // Another instance finds what that one has recorded, also in the second in which it has read the old copy.
    let cold = instance(&issuer).await;
    assert_eq!(usual(&cold, &url).await, Some(2));
    assert_eq!(number(cold.get(&url, newer).await), Some(2));
    assert_eq!(server.take_requests().len(), 2);
}

/// A cold instance reads the old copy, and in the same second the request needs a newer one.
#[tokio::test]
async fn a_cold_instance_looks_for_a_new_key_at_once() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing(&numbered(1));
    let (first, url) = (instance(&issuer).await, url(&server.base_url()));
    assert_eq!(usual(&first, &url).await, Some(1));
    server.publish("", &numbered(2));
    issuer.pass(FETCH_INTERVAL.as_secs());
    let cold = instance(&issuer).await;
    let old = cold.get(&url, Wanted::Usual).await.expect("a document");
    assert_eq!(old.content.0, 1);
    let newer = Wanted::NewerThan(old.fetched_at);
    assert_eq!(number(cold.get(&url, newer).await), Some(2));
}

#[tokio::test]
async fn who_dies_while_fetching_is_followed_by_another_after_30_seconds() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing("");
    server.behave(Behavior::Stops(Vec::new()));
    let (dying, other) = (instance(&issuer).await, instance(&issuer).await);
    let url = url(&server.base_url());
    tokio::select! {
        got = usual(&dying, &url) => panic!("it is answered {got:?}"),
        () = server.asked() => {}
    }
    server.publish("", &numbered(1));
    issuer.pass(FETCH_INTERVAL.as_secs() - 1);
    assert_eq!(usual(&other, &url).await, None);
    issuer.pass(1);
    assert_eq!(usual(&other, &url).await, Some(1));
    assert_eq!(server.take_requests().len(), 2);
}

/// Of the lease, of the copy, and of both.
#[tokio::test]
async fn lost_answers_of_the_table_cost_no_second_fetch() {
    let lost = Some(Fault::After);
    for plan in [vec![lost], vec![None, lost], vec![lost, None, lost]] {
        let issuer = InProcess::start().await;
        let server = ForeignServer::publishing(&numbered(1));
        let (first, url) = (instance(&issuer).await, url(&server.base_url()));
        issuer.dynamo.plan_for("UpdateItem", plan.clone());
        assert_eq!(usual(&first, &url).await, Some(1), "{plan:?}");
        assert_eq!(server.take_requests().len(), 1, "{plan:?}");
        let copy = issuer.record(&Fetched::key_of(&url)).await.copy;
        assert_eq!(copy.expect("a copy").body, numbered(1), "{plan:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_used_by_who_has_fetched_it() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing(&numbered(1));
    let (first, url) = (instance(&issuer).await, url(&server.base_url()));
    let plan = [vec![None], vec![Some(Fault::Throttled); 100]].concat();
    issuer.dynamo.plan_for("UpdateItem", plan);
    assert_eq!(usual(&first, &url).await, Some(1));
    assert_eq!(issuer.record(&Fetched::key_of(&url)).await.copy, None);
}

/// As the functions have it that may not fetch.
#[tokio::test]
async fn a_reader_of_records_never_fetches_and_never_writes() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing(&numbered(1));
    let (fetching, url) = (instance(&issuer).await, url(&server.base_url()));
    let table = make_table(issuer.dynamo.clone()).await.expect("the table");
    let reading = Documents::new(Arc::new(table.reader()), issuer.clock());
    issuer.dynamo.take_calls();
    assert_eq!(usual(&reading, &url).await, None);
    assert_eq!(issuer.dynamo.take_calls(), ["GetItem"]);
    assert!(server.take_requests().is_empty());

    assert_eq!(usual(&fetching, &url).await, Some(1));
    issuer.pass(24 * 60 * 60 - 1);
    issuer.dynamo.take_calls();
    let old = reading.get(&url, Wanted::Usual).await.expect("a document");
    let newer = Wanted::NewerThan(old.fetched_at);
    assert_eq!(number(reading.get(&url, newer).await), Some(1));
    assert_eq!(issuer.dynamo.take_calls(), ["GetItem", "GetItem"]);
    issuer.pass(1);
    assert_eq!(usual(&reading, &url).await, None);
    assert_eq!(server.take_requests().len(), 1);
}
