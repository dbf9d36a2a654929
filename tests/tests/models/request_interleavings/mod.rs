//! Invariants 3, 4 and 8 through the real code: every interleaving of two and three requests around
//! one grant, store operation by store operation, with answers lost before and after each of them.
//! The model in `interleavings` goes further; this shows that the code is what it models.

mod properties;
mod scene;
mod schedule;

use std::collections::BTreeSet;

use tokensmith_issuer::store::records::RefreshGrace;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::logged::{logged, tell};

use self::properties::{Outcome, assert_all};
use self::scene::{Ask, Stage};
use self::schedule::{Loss, Schedule};

const GRACES: [RefreshGrace; 2] = [UNTIL_USED, NEVER];
const UNTIL_USED: RefreshGrace = RefreshGrace::UntilUsed;
const NEVER: RefreshGrace = RefreshGrace::Seconds(0);

/// The generation of the grant's current token when the requests begin.
const GENERATION: u32 = 3;
const CURRENT: Ask = Ask::Refresh(GENERATION);
const PREDECESSOR: Ask = Ask::Refresh(GENERATION - 1);
const OLD: Ask = Ask::Refresh(GENERATION - 2);
const STRANGER: Ask = Ask::Stranger(GENERATION);
const REVOCATION: Ask = Ask::Revoke(GENERATION);

const NO_LOSS: &[Loss] = &[];
const LOST_ANSWER: &[Loss] = &[loss(Fault::After, false)];
const EVERY_LOSS: &[Loss] = &[
    loss(Fault::Before, false),
    loss(Fault::After, false),
    loss(Fault::Before, true),
    loss(Fault::After, true),
];

const fn loss(fault: Fault, for_good: bool) -> Loss {
    Loss { fault, for_good }
}

/// Goes through every schedule of the requests, where one of the losses may happen, and checks
/// each run. There were `at_least` so many when this was written: fewer would prove less.
async fn explore(grace: RefreshGrace, asks: &[Ask], losses: &[Loss], at_least: usize) {
    let stage = Stage::new(grace, GENERATION).await;
    let (mut schedule, mut runs) = (Schedule::default(), 0);
    let mut outcomes = BTreeSet::new();
    loop {
        let scene = stage.scene(asks).await;
        let run = schedule.run(&scene, asks, losses).await;
        // Shown when an assertion fails.
        println!("{grace:?}, {asks:?}:\n{}", run.trace());
        outcomes.extend(assert_all(&scene, grace, &run).await);
        runs += 1;
        if !schedule.advance() {
            break;
        }
    }
    let kinds = losses.len();
    let name = format!("{grace:?}, {asks:?}, {kinds} kinds of loss");
    tell(&format!("{name}: {runs} interleavings, {outcomes:?}"));
    assert!(runs >= at_least, "{name}: only {runs}");
    let seen = |outcome| outcomes.contains(&outcome);
    assert!(seen(Outcome::Done), "{name}");
    let gives_up = losses.iter().any(|loss| loss.for_good);
    assert_eq!(seen(Outcome::Unavailable), gives_up, "{name}");
    let all_may_succeed = grace == UNTIL_USED && asks.iter().all(|ask| *ask == CURRENT);
    assert_eq!(seen(Outcome::Refused), !all_may_succeed, "{name}");
}

/// Runs explorations in a process of its own, whose log nobody needs to see.
async fn quietly(scenario: impl Future<Output = ()>) {
    if let Some(log) = logged(scenario).await {
        println!("{}", log.told.join("\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_3_the_same_token_twice_and_three_times_makes_one_chain() {
    quietly(async {
        explore(UNTIL_USED, &[CURRENT; 2], EVERY_LOSS, 69).await;
        explore(UNTIL_USED, &[CURRENT; 3], NO_LOSS, 11).await;
        explore(UNTIL_USED, &[CURRENT; 3], LOST_ANSWER, 142).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn invariant_3_without_a_grace_the_same_token_is_good_for_one_answer() {
    quietly(async {
        explore(NEVER, &[CURRENT; 2], EVERY_LOSS, 93).await;
        explore(NEVER, &[CURRENT; 3], LOST_ANSWER, 668).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn invariant_8_a_predecessor_is_honoured_until_its_successor_is_used() {
    quietly(async {
        explore(UNTIL_USED, &[CURRENT, PREDECESSOR], EVERY_LOSS, 66).await;
        explore(
            UNTIL_USED,
            &[CURRENT, CURRENT, PREDECESSOR],
            LOST_ANSWER,
            236,
        )
        .await;
        explore(NEVER, &[CURRENT, PREDECESSOR], EVERY_LOSS, 170).await;
        explore(NEVER, &[CURRENT, CURRENT, PREDECESSOR], NO_LOSS, 75).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn invariant_4_an_old_token_beside_the_current_one_is_found() {
    quietly(async {
        for (grace, three) in GRACES.into_iter().zip([46, 114]) {
            explore(grace, &[CURRENT, OLD], EVERY_LOSS, 170).await;
            explore(grace, &[CURRENT, PREDECESSOR, OLD], NO_LOSS, three).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_revocation_beside_refreshes_wins() {
    quietly(async {
        for (grace, three) in GRACES.into_iter().zip([310, 361]) {
            explore(grace, &[CURRENT, REVOCATION], EVERY_LOSS, 66).await;
            explore(grace, &[CURRENT, CURRENT, REVOCATION], LOST_ANSWER, three).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_beside_the_client_changes_nothing() {
    quietly(async {
        for grace in GRACES {
            explore(grace, &[CURRENT, STRANGER], EVERY_LOSS, 154).await;
        }
    })
    .await;
}
