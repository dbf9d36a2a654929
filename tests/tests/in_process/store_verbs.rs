//! Every verb of the store is exactly one DynamoDB operation, and is right when an attempt fails
//! before or after it was applied. Faults sit at the connector, so the SDK's own retries take part.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use tokensmith_issuer::store::{
    AnyKey, Change, Insert, Key, Leased, Record, StoreError, Stored, Table, Update,
};
use tokensmith_local::{dynamodb_client, make_table};
use tokensmith_tests::faults::{Fault, FaultyDynamo};
use tokensmith_verifier::{Clock, Timestamp};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Note {
    shelf: String,
    name: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
    ends: Option<Timestamp>,
}

impl Record for Note {
    fn key(&self) -> Key<Self> {
        Key::ranged(format!("NOTE#{}", self.shelf), &*self.name)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.ends
    }
}

fn note(name: &str) -> Note {
    Note {
        shelf: "a".to_owned(),
        name: name.to_owned(),
        text: "first".to_owned(),
        remark: Some("there".to_owned()),
        ends: None,
    }
}

async fn table() -> (Table, FaultyDynamo) {
    let dynamo = FaultyDynamo::in_memory(Clock::System);
    let table = make_table(dynamo.clone()).await.expect("a table");
    dynamo.take_calls();
    (table, dynamo)
}

async fn stored(table: &Table, name: &str) -> Option<Stored<Note>> {
    table.get(&note(name).key()).await.expect("a read")
}

/// One attempt, and the same verb with its first attempt lost before and after it was applied.
const ROUNDS: [(Option<Fault>, usize); 3] =
    [(None, 1), (Some(Fault::Before), 2), (Some(Fault::After), 2)];

/// Invariant 1: what DynamoDB answered is not for the log.
#[tokio::test]
async fn invariant_1_an_answer_that_cannot_be_read_is_in_no_error() {
    let (table, dynamo) = table().await;
    table.insert(&note("secret-note")).await.expect("an insert");
    for fault in [Fault::CutOff, Fault::Throttled] {
        dynamo.outage(Some(fault));
        let key = note("secret-note").key();
        let err = table.get(&key).await.expect_err("it fails");
        let err = format!("{err} {err:?}");
        assert!(err.contains("GetItem"), "{err}");
        for part in ["secret-note", "first", "SdkBody", "planned"] {
            assert!(!err.contains(part), "{part}: {err}");
        }
    }
}

#[tokio::test]
async fn get_is_one_get_item() {
    let (table, dynamo) = table().await;
    table.insert(&note("n")).await.expect("an insert");
    for (fault, attempts) in ROUNDS {
        dynamo.take_calls();
        dynamo.plan([fault]);
        let found = stored(&table, "n").await.expect("a note");
        assert_eq!((found.record.clone(), found.revision), (note("n"), 1));
        assert_eq!(dynamo.take_calls(), vec!["GetItem"; attempts], "{fault:?}");
    }
    assert!(stored(&table, "absent").await.is_none());
}

/// A release reads what the next one writes; what is newer than that is an error, and no absence.
#[tokio::test]
async fn a_record_of_a_later_release_is_read_one_version_ahead_and_no_further() {
    let (table, dynamo) = table().await;
    table.insert(&note("n")).await.expect("an insert");
    for (version, is_readable) in [(1, true), (2, true), (3, false), (99, false)] {
        set_version(&dynamo, version).await;
        let found = table.get(&note("n").key()).await;
        assert_eq!(
            found.is_ok_and(|note| note.is_some()),
            is_readable,
            "{version}"
        );
        let several = table.get_several(&[&note("n").key()]).await;
        let taken = several.expect("a read").take(&note("n").key());
        assert_eq!(
            taken.is_ok_and(|note| note.is_some()),
            is_readable,
            "{version}"
        );
        let page = table.query_all::<Note>("NOTE#a").await;
        assert_eq!(
            page.is_ok_and(|notes| notes.len() == 1),
            is_readable,
            "{version}"
        );
    }
}

#[tokio::test]
async fn an_update_leaves_the_version_that_a_later_release_has_written() {
    let (table, dynamo) = table().await;
    table.insert(&note("n")).await.expect("an insert");
    set_version(&dynamo, 2).await;
    let change = Change::of_existing().set("text", "second");
    let updated = table
        .update(&note("n").key(), change.expect("a change"))
        .await;
    assert!(matches!(updated, Ok(Update::Applied(_))));
    let item = raw(&dynamo).await;
    assert_eq!(item["schema"], AttributeValue::N("2".to_owned()));
}

async fn raw(dynamo: &FaultyDynamo) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let found = dynamodb_client(dynamo.direct())
        .get_item()
        .table_name("tokensmith")
        .key("pk", text("NOTE#a"))
        .key("sk", text("n"))
        .send()
        .await;
    found.expect("a read").item.expect("the note")
}

/// Makes the note one of a release that writes this schema version.
async fn set_version(dynamo: &FaultyDynamo, version: u32) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let updated = dynamodb_client(dynamo.direct())
        .update_item()
        .table_name("tokensmith")
        .key("pk", text("NOTE#a"))
        .key("sk", text("n"))
        .update_expression("SET #schema = :version")
        .expression_attribute_names("#schema", "schema")
        .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
        .send()
        .await;
    updated.expect("an update");
}

#[tokio::test]
async fn get_several_is_one_batch_get_item_and_keeps_them_apart() {
    let (table, dynamo) = table().await;
    table.insert(&note("n")).await.expect("an insert");
    table.insert(&note("m")).await.expect("an insert");
    let (m, n, absent) = (note("m").key(), note("n").key(), note("absent").key());
    for (fault, attempts) in ROUNDS {
        dynamo.take_calls();
        dynamo.plan([fault]);
        let mut found = table.get_several(&[&m, &absent, &n]).await.expect("a read");
        let calls = dynamo.take_calls();
        assert_eq!(calls, vec!["BatchGetItem"; attempts], "{fault:?}");
        assert_eq!(found.take(&n).expect("a note").expect("n").name, "n");
        assert_eq!(found.take(&m).expect("a note").expect("m").name, "m");
        assert!(found.take(&absent).expect("readable").is_none());
    }
}

#[tokio::test]
async fn insert_is_one_put_item_and_recognises_its_own_lost_answer() {
    let (table, dynamo) = table().await;
    for (index, (fault, attempts)) in ROUNDS.into_iter().enumerate() {
        let name = format!("n{index}");
        dynamo.plan([fault]);
        let inserted = table.insert(&note(&name)).await.expect("an insert");
        assert!(matches!(inserted, Insert::Inserted), "{fault:?}");
        assert_eq!(dynamo.take_calls(), vec!["PutItem"; attempts], "{fault:?}");
        assert_eq!(stored(&table, &name).await.expect("a note").revision, 1);
        dynamo.take_calls();
    }
}

#[tokio::test]
async fn insert_never_overwrites_another_record() {
    let (table, dynamo) = table().await;
    table.insert(&note("n")).await.expect("an insert");
    for (fault, _) in ROUNDS {
        dynamo.plan([fault]);
        let mut other = note("n");
        other.text = "other".to_owned();
        match table.insert(&other).await.expect("an insert") {
            Insert::Exists(found) => assert_eq!(found.record, note("n")),
            Insert::Inserted => panic!("overwritten after {fault:?}"),
        }
        assert_eq!(stored(&table, "n").await.expect("a note").text, "first");
    }
}

#[tokio::test]
async fn update_is_one_update_item_and_is_applied_once() {
    let (table, dynamo) = table().await;
    table.insert(&note("n")).await.expect("an insert");
    for (round, (fault, attempts)) in ROUNDS.into_iter().enumerate() {
        let current = stored(&table, "n").await.expect("a note");
        let mut wanted = current.record.clone();
        wanted.text = format!("round {round}");
        wanted.remark = (round == 0).then(|| "again".to_owned());
        dynamo.take_calls();
        dynamo.plan([fault]);
        let change = Change::between(&current, &wanted).expect("a change");
        match table
            .update(&wanted.key(), change)
            .await
            .expect("an update")
        {
            Update::Applied(now) => {
                assert_eq!(now.record, wanted);
                assert_eq!(now.revision, current.revision + 1, "{fault:?}");
            }
            Update::Refused(found) => panic!("refused after {fault:?}: {found:?}"),
        }
        assert_eq!(
            dynamo.take_calls(),
            vec!["UpdateItem"; attempts],
            "{fault:?}"
        );
        assert_eq!(stored(&table, "n").await.expect("a note").record, wanted);
    }
}

#[tokio::test]
async fn update_on_a_stale_read_is_refused_with_the_current_record() {
    let (table, dynamo) = table().await;
    table.insert(&note("n")).await.expect("an insert");
    let stale = stored(&table, "n").await.expect("a note");
    let mut newer = stale.record.clone();
    newer.text = "newer".to_owned();
    let change = Change::between(&stale, &newer).expect("a change");
    let applied = table.update(&newer.key(), change).await.expect("an update");
    assert!(matches!(applied, Update::Applied(_)));
    for (fault, _) in ROUNDS {
        dynamo.plan([fault]);
        let mut late = stale.record.clone();
        late.text = "late".to_owned();
        let change = Change::between(&stale, &late).expect("a change");
        match table.update(&late.key(), change).await.expect("an update") {
            Update::Refused(Some(found)) => assert_eq!(found.record, newer, "{fault:?}"),
            other => panic!("{other:?}"),
        }
    }
    let gone = Change::between(&stale, &newer).expect("a change");
    let refused = table
        .update(&note("absent").key(), gone)
        .await
        .expect("an update");
    assert!(
        matches!(refused, Update::Refused(None)),
        "an update never creates"
    );
    assert!(stored(&table, "absent").await.is_none());
}

/// A lease that may have been added is reported as failed, and is never repeated.
#[tokio::test]
async fn lease_is_one_update_item_without_retry() {
    let (table, dynamo) = table().await;
    let (counters, expires) = (table.counters(), Timestamp::from_seconds(2_000_000_000));
    let lease = async |permits: u64| counters.lease("c", permits, 10, expires).await;
    for (permits, leased) in [
        (4, Leased::Granted(4)),
        (7, Leased::Refused(4)),
        (11, Leased::Refused(4)),
        (5, Leased::Granted(9)),
    ] {
        assert_eq!(lease(permits).await.expect("an answer"), leased);
        assert_eq!(dynamo.take_calls(), ["UpdateItem"]);
    }
    for (fault, after) in [
        (Fault::Before, Leased::Granted(10)),
        (Fault::After, Leased::Refused(10)),
    ] {
        let counters = table.counters();
        dynamo.plan([Some(fault)]);
        let name = format!("{fault:?}");
        let lease = async |permits: u64| counters.lease(&name, permits, 10, expires).await;
        assert!(lease(10).await.is_err());
        assert_eq!(dynamo.take_calls(), ["UpdateItem"], "{fault:?}");
        assert_eq!(lease(10).await.expect("an answer"), after);
        dynamo.take_calls();
    }
    let key = Key::<Note>::single("COUNT", "c").to_item();
    let client = dynamodb_client(dynamo.direct());
    let read = client
        .get_item()
        .table_name("tokensmith")
        .set_key(Some(key));
    let item = read.send().await.expect("a read").item.expect("a counter");
    assert_eq!(item["ttl"], AttributeValue::N("2000000000".to_owned()));
}

#[tokio::test]
async fn query_is_one_query_a_page_and_misses_nothing() {
    let (table, dynamo) = table().await;
    for index in 0..5 {
        table
            .insert(&note(&format!("n{index}")))
            .await
            .expect("an insert");
    }
    for (fault, attempts) in ROUNDS {
        dynamo.take_calls();
        dynamo.plan([fault]);
        let (mut names, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = table
                .query::<Note>("NOTE#a", after, 2)
                .await
                .expect("a page");
            pages += 1;
            names.extend(page.records.into_iter().map(|note| note.record.name));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(names, ["n0", "n1", "n2", "n3", "n4"]);
        assert_eq!(
            dynamo.take_calls(),
            vec!["Query"; pages + attempts - 1],
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn delete_is_one_delete_item_and_may_be_repeated() {
    let (table, dynamo) = table().await;
    for (fault, attempts) in ROUNDS {
        table.insert(&note("n")).await.expect("an insert");
        dynamo.take_calls();
        dynamo.plan([fault]);
        table.delete(&note("n").key()).await.expect("a deletion");
        assert_eq!(
            dynamo.take_calls(),
            vec!["DeleteItem"; attempts],
            "{fault:?}"
        );
        assert!(stored(&table, "n").await.is_none());
    }
    table
        .delete(&note("n").key())
        .await
        .expect("nothing to delete is fine");
}

/// Invariant 9: when DynamoDB stays away, the caller gets an error, never a wrong answer.
#[tokio::test]
async fn an_outage_is_an_error_of_every_verb() {
    let (table, dynamo) = table().await;
    let key = note("n").key();
    let failed = |result: Result<(), StoreError>| {
        assert!(
            matches!(result, Err(StoreError::Failed { .. })),
            "{result:?}"
        );
        assert!(dynamo.take_calls().len() <= 3, "attempts are bounded");
    };
    let outage = || dynamo.plan([Some(Fault::Before); 10]);
    outage();
    failed(table.get(&key).await.map(drop));
    outage();
    failed(table.get_several(&[&key]).await.map(drop));
    outage();
    failed(table.insert(&note("n")).await.map(drop));
    outage();
    failed(table.update(&key, Change::default()).await.map(drop));
    outage();
    let counters = table.counters();
    let leased = counters.lease("c", 1, 1, Timestamp::default());
    failed(leased.await.map(drop));
    outage();
    failed(table.query::<Note>("NOTE#a", None, 1).await.map(drop));
    outage();
    failed(table.delete(&key).await);
    dynamo.plan([]);
    assert!(stored(&table, "n").await.is_none(), "nothing was written");
}
