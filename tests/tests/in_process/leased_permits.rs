//! Leased permits below HTTP: many instances on one counter. Never more than the limit in a window, and what is stranded is
//! bounded.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use proptest::collection::vec;
use proptest::prelude::*;
use tokensmith_issuer::limit::{Limit, Limited, Limits, Taken};
use tokensmith_issuer::store::{StoreError, Table};
use tokensmith_local::make_table;
use tokensmith_tests::faults::{Fault, FaultyDynamo};
use tokensmith_verifier::{Clock, Timestamp};
use tokio::task::JoinSet;

const START: u64 = 1_800_000_000;

/// A table, and what makes instances of a function on it.
struct Fleet {
    table: Table,
    dynamo: FaultyDynamo,
    seconds: Arc<AtomicU64>,
}

impl Fleet {
    async fn new() -> Self {
        let seconds = Arc::new(AtomicU64::new(START));
        let dynamo = FaultyDynamo::in_memory(Clock::Manual(seconds.clone()));
        let table = make_table(dynamo.clone()).await.expect("a table");
        dynamo.take_calls();
        Self {
            table,
            dynamo,
            seconds,
        }
    }

    fn instance(&self) -> Limits {
        Limits::new(self.table.counters(), Clock::Manual(self.seconds.clone()))
    }
}

fn client() -> Limited {
    Limited::client(&"app".parse().expect("a client id"))
}

fn limit(text: &str) -> Limit {
    text.parse().expect("a limit")
}

async fn has_permit(instance: &Limits, limit: Limit) -> Result<bool, StoreError> {
    let taken = instance.take(&client(), limit).await?;
    Ok(matches!(taken, Taken::Permit(_)))
}

#[tokio::test]
async fn the_writes_of_a_window_are_as_many_as_its_leases() {
    // The first lease is one permit. Then it is a hundredth of what is left, at most 100: here 10, 9, 9 and so on, or 100 each.
    for (text, permits, expected) in [
        ("10/1m", 10, 10),
        ("1000/1m", 1_000, 1_000),
        ("1001/1m", 101, 1 + 11),
        ("100000/1m", 1_001, 1 + 10),
    ] {
        let fleet = Fleet::new().await;
        let instance = fleet.instance();
        for _ in 0..permits {
            assert!(has_permit(&instance, limit(text)).await.expect("an answer"));
        }
        let writes = fleet.dynamo.take_calls();
        assert_eq!(writes.len(), expected, "{text}");
        assert!(writes.iter().all(|one| one == "UpdateItem"));
    }
}

#[tokio::test]
async fn whoever_knows_that_a_window_is_exhausted_makes_no_call_until_the_next() {
    let fleet = Fleet::new().await;
    let (one, other) = (fleet.instance(), fleet.instance());
    let limit = limit("2/1m");
    for _ in 0..2 {
        assert!(has_permit(&one, limit).await.expect("an answer"));
    }
    fleet.dynamo.take_calls();
    for calls in [0, 0, 1, 0] {
        let instance = if calls == 1 { &other } else { &one };
        assert!(!has_permit(instance, limit).await.expect("an answer"));
        assert_eq!(fleet.dynamo.take_calls().len(), calls);
    }
    assert!(!has_permit(&other, limit).await.expect("an answer"));
    assert!(fleet.dynamo.take_calls().is_empty());
    fleet
        .seconds
        .store(START + 60, std::sync::atomic::Ordering::SeqCst);
    assert!(has_permit(&other, limit).await.expect("an answer"));
}

/// A lease that is larger than what others have left is followed by one of what is left.
#[tokio::test]
async fn a_lease_that_is_refused_is_followed_by_a_smaller_one() {
    let fleet = Fleet::new().await;
    let (one, other) = (fleet.instance(), fleet.instance());
    let limit = limit("2000/1m");
    assert!(has_permit(&one, limit).await.expect("an answer"));
    // Now it wants 19 at a time, and the other leaves it less than that.
    for _ in 0..1_990 {
        assert!(has_permit(&other, limit).await.expect("an answer"));
    }
    fleet.dynamo.take_calls();
    assert!(has_permit(&one, limit).await.expect("an answer"));
    assert_eq!(fleet.dynamo.take_calls().len(), 2);
}

/// Those who come while a lease is on its way wait for it, and spend what it brings.
#[tokio::test]
async fn a_lease_on_its_way_is_shared() {
    let fleet = Fleet::new().await;
    let instance = Arc::new(fleet.instance());
    let limit = limit("100000/1m");
    assert!(has_permit(&instance, limit).await.expect("an answer"));
    fleet.dynamo.take_calls();
    let mut held = fleet.dynamo.hold();
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let instance = instance.clone();
        requests.spawn(async move { has_permit(&instance, limit).await.expect("an answer") });
    }
    held.recv().await.expect("a lease").release(None);
    assert!(requests.join_all().await.into_iter().all(|permit| permit));
    assert_eq!(fleet.dynamo.take_calls().len(), 1);
}

/// A function whose clock is behind spends from the window that others have left; no window gives more than its limit.
#[tokio::test]
async fn clocks_that_differ_never_make_a_window_larger() {
    let fleet = Fleet::new().await;
    let behind = Clock::Manual(Arc::new(AtomicU64::new(START + 59)));
    let ahead = Clock::Manual(Arc::new(AtomicU64::new(START + 60)));
    let limit = limit("10/1m");
    for clock in [behind, ahead] {
        let instances = [(); 2].map(|()| Limits::new(fleet.table.counters(), clock.clone()));
        let mut spent = 0;
        for _ in 0..15 {
            for instance in &instances {
                spent += usize::from(has_permit(instance, limit).await.expect("an answer"));
            }
        }
        assert_eq!(spent, 10);
    }
}

/// 100,000 permits a minute, 50 instances, of which half end with what they have leased.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_thousand_permits_at_most_a_lease_for_each_dead_instance_is_stranded() {
    let (fleet, limit) = (Fleet::new().await, limit("100000/1m"));
    let mut instances = JoinSet::new();
    for number in 0..INSTANCES {
        let instance = fleet.instance();
        let dies_after = (number % 2 == 0).then_some(700 + 37 * number);
        instances.spawn(async move {
            let mut spent = 0;
            while dies_after.is_none_or(|last| spent < last)
                && has_permit(&instance, limit).await.expect("an answer")
            {
                spent += 1;
            }
            spent
        });
    }
    let spent: u64 = instances.join_all().await.into_iter().sum();
    let stranded = limit.permits() - spent;
    let writes = fleet.dynamo.take_calls().len();
    println!(
        "100000/1m, {INSTANCES} instances: {spent} spent, {stranded} stranded, {writes} writes"
    );
    assert!(spent <= limit.permits());
    assert!(stranded > 0, "some have ended with a lease");
    assert!(stranded <= INSTANCES / 2 * 100, "{stranded} are stranded");
    assert!(writes < 3_000, "{writes} writes");
}

const INSTANCES: u64 = 50;

/// What happens to one of three instances.
#[derive(Clone, Copy, Debug)]
enum Step {
    Take(usize),
    /// It takes one, and the answer to its lease ends like this.
    Lose(usize, Fault),
    /// It ends, and another takes its place.
    Die(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lost = prop_oneof![Just(Fault::Before), Just(Fault::After), Just(Fault::CutOff)];
    let step = prop_oneof![
        20 => (0..3_usize).prop_map(Step::Take),
        2 => (0..3_usize, lost).prop_map(|(instance, fault)| Step::Lose(instance, fault)),
        1 => (0..3_usize).prop_map(Step::Die),
    ];
    vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_dies_and_is_lost_no_window_gives_more_than_its_limit(
        (permits, already, steps) in (prop_oneof![1..60_u64, 1_001..4_000_u64]).prop_flat_map(|permits| {
            (Just(permits), 0..=permits, steps())
        })
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (fleet, limit) = (Fleet::new().await, limit(&format!("{permits}/1m")));
            // So that a short run reaches the end of a large window too.
            let counter = format!("client#app#60#{START}");
            let ends = Timestamp::from_seconds(START + 3_660);
            fleet.table.counters().lease(&counter, already, permits, ends).await.expect("a lease");
            let mut instances = [(); 3].map(|()| fleet.instance());
            let (mut spent, mut lost) = (already, 0);
            for step in steps {
                match step {
                    Step::Take(number) => {
                        let has_one = has_permit(&instances[number], limit).await.expect("an answer");
                        spent += u64::from(has_one);
                        let leased = fleet.table.counters().lease(&counter, 1, 0, ends).await;
                        let full = tokensmith_issuer::store::Leased::Refused(permits);
                        prop_assert!(has_one || leased.expect("the sum") == full, "refused too early");
                    }
                    Step::Lose(number, fault) => {
                        fleet.dynamo.plan([Some(fault)]);
                        match has_permit(&instances[number], limit).await {
                            Ok(has_one) => spent += u64::from(has_one),
                            Err(_) => lost += 1,
                        }
                        fleet.dynamo.plan([]);
                    }
                    Step::Die(number) => instances[number] = fleet.instance(),
                }
                prop_assert!(spent <= permits, "{} of {} after {} lost", spent, permits, lost);
            }
            Ok(())
        })?;
    }
}
