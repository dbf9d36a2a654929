//! While a server, or the table, is out.

use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::fetched::{FETCH_INTERVAL, OLDEST_COPY, Wanted};
use tokensmith_tests::InProcess;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::foreign::{Behavior, ForeignServer};
use tokensmith_tests::logged::logged;

use super::{instance, numbered, url, usual};

#[tokio::test]
async fn invariant_9_an_outage_is_bridged_by_the_old_copy_for_24_hours() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing(&numbered(1));
    let (warm, url) = (instance(&issuer).await, url(&server.base_url()));
    assert_eq!(usual(&warm, &url).await, Some(1));
    server.behave(Behavior::Answers(Vec::new()));
    issuer.pass(OLDEST_COPY.as_secs() - 1);
    let cold = instance(&issuer).await;
    for documents in [&warm, &cold] {
        assert_eq!(usual(documents, &url).await, Some(1));
    }
    issuer.pass(1);
    for documents in [&warm, &cold] {
        assert_eq!(usual(documents, &url).await, None);
    }
    server.publish("", &numbered(2));
    issuer.pass(FETCH_INTERVAL.as_secs());
    for documents in [&warm, &cold] {
        assert_eq!(usual(documents, &url).await, Some(2));
    }
}

#[tokio::test]
async fn an_outage_costs_a_read_a_second_and_a_fetch_in_30() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing("");
    server.behave(Behavior::Answers(Vec::new()));
    let (documents, url) = (instance(&issuer).await, url(&server.base_url()));
    for _ in 0..FETCH_INTERVAL.as_secs() {
        for _ in 0..10 {
            assert_eq!(usual(&documents, &url).await, None);
        }
        issuer.pass(1);
    }
    assert_eq!(server.take_requests().len(), 1);
    let calls = issuer.dynamo.take_calls();
    let reads = calls.iter().filter(|call| *call == "GetItem").count();
    assert_eq!(reads, FETCH_INTERVAL.as_secs() as usize, "{calls:?}");
}

/// One request finds out that the server hangs; whoever has a copy, or asks another server, does not wait: that
/// request goes on only when they are answered.
#[tokio::test]
async fn invariant_9_a_server_that_hangs_blocks_nobody_who_does_not_need_it() {
    let issuer = InProcess::start().await;
    let hanging = ForeignServer::publishing(&numbered(1));
    let working = ForeignServer::publishing(&numbered(2));
    let documents = instance(&issuer).await;
    let (needed, unrelated) = (url(&hanging.base_url()), url(&working.base_url()));
    assert_eq!(usual(&documents, &needed).await, Some(1));
    hanging.asked().await;
    hanging.behave(Behavior::Stops(Vec::new()));
    issuer.pass(300);
    let mut waiting = Box::pin(usual(&documents, &needed));
    tokio::select! {
        got = &mut waiting => panic!("it is answered {got:?}"),
        () = hanging.asked() => {}
    }
    assert_eq!(usual(&documents, &needed).await, Some(1));
    assert_eq!(usual(&documents, &unrelated).await, Some(2));
    let other = instance(&issuer).await;
    assert_eq!(usual(&other, &needed).await, Some(1));
    let calls = issuer.dynamo.take_calls();
    assert_eq!(calls, ["GetItem"], "it does not wait for the end");
    assert_eq!(waiting.await, Some(1), "it ends with the old copy");
    assert_eq!(hanging.take_requests().len(), 2);
}

#[tokio::test]
async fn while_the_table_is_out_a_known_copy_is_used() {
    let issuer = InProcess::start().await;
    let server = ForeignServer::publishing(&numbered(1));
    let (warm, url) = (instance(&issuer).await, url(&server.base_url()));
    assert_eq!(usual(&warm, &url).await, Some(1));
    let cold = instance(&issuer).await;
    issuer.dynamo.outage(Some(Fault::Throttled));
    issuer.pass(OLDEST_COPY.as_secs() - 1);
    assert_eq!(usual(&warm, &url).await, Some(1));
    let unread = cold.get(&url, Wanted::Usual).await;
    assert!(matches!(unread, Err(Unavailable::Store(_))), "{unread:?}");
    issuer.pass(1);
    let unread = warm.get(&url, Wanted::Usual).await;
    assert!(matches!(unread, Err(Unavailable::Store(_))), "{unread:?}");
    assert_eq!(server.take_requests().len(), 1);
}

/// Of the URL the host alone, because the rest may be known to few; and nothing that the server says.
#[tokio::test]
async fn a_failed_fetch_is_logged_once_without_path_and_answer() {
    let logged = logged(async {
        let issuer = InProcess::start().await;
        let server = ForeignServer::publishing("<html>PRIVATE");
        let (documents, url) = (instance(&issuer).await, url(&server.base_url()));
        for _ in 0..5 {
            assert_eq!(usual(&documents, &url).await, None);
        }
    });
    let Some(logged) = logged.await else {
        return;
    };
    let lines = logged.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["event"], "fetch_failed");
    assert_eq!(lines[0]["level"], "warn");
    assert_eq!(lines[0]["message"], "it is no JSON");
    let host = lines[0]["host"].as_str().expect("a host");
    assert!(host.starts_with("127.0.0.1:"), "{host}");
    assert!(!logged.stderr.contains("PRIVATE") && !logged.stderr.contains("/keys"));
}
