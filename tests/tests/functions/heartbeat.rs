//! The heartbeat in the feed, as the schedule has it written.

use tokensmith_issuer::store::records::Heartbeat;
use tokensmith_tests::functions::{ISSUE, ROTATE_KEYS, invocation};
use tokensmith_tests::{Functions, Setup, eventually};
use tokio::runtime::Runtime;

const EVENT: &str = r#"{"tokensmith":"heartbeat"}"#;

#[test]
fn rotate_keys_writes_a_heartbeat_and_rotates_nothing() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let runtime = Runtime::new().expect("a runtime");
    let table = runtime.block_on(functions.table());
    let last = || {
        let found = runtime.block_on(table.reader().get(&Heartbeat::only_key()));
        found.expect("it is read").map(|found| found.feed.feed_at)
    };
    assert_eq!(last(), None);
    let mut beat = || {
        functions.aws.take_calls();
        let answer = functions.ask(ROTATE_KEYS, &invocation(ROTATE_KEYS, EVENT));
        assert_eq!((answer.status, &*answer.body), (200, "{}"));
        functions.aws.take_calls()
    };
    assert_eq!(beat(), ["Query", "PutItem"]);
    let first = last().expect("it is there");
    eventually("the next second", || {
        beat();
        (last() > Some(first)).then_some(())
    });

    // A function that writes no heartbeats does not take the event for a request.
    let refused = functions.ask(ISSUE, &invocation(ISSUE, EVENT));
    assert!(refused.status >= 400, "{}", refused.body);
}
