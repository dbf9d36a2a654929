//! What must hold in every run, whatever the order and whatever was lost.

use std::collections::BTreeSet;

use tokensmith_issuer::store::records::RefreshGrace;
use tokensmith_tests::Answer;
use tokensmith_tests::faults::Fault;

use super::scene::{Ask, Scene, Snapshot};
use super::schedule::{Run, Step};
use Outcome::{Done, Refused, Unavailable};

/// What a request was answered. There is nothing else.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Outcome {
    /// What it asked for.
    Done,
    /// `invalid_grant`.
    Refused,
    /// 503: it is to be repeated.
    Unavailable,
}

/// Checks one run, and returns what its requests were answered.
pub async fn assert_all(scene: &Scene, grace: RefreshGrace, run: &Run) -> BTreeSet<Outcome> {
    let outcomes: Vec<_> = run
        .answered
        .iter()
        .map(|(_, answer)| outcome_of(answer))
        .collect();
    for (request, (ask, answer)) in run.answered.iter().enumerate() {
        let own: Vec<_> = run
            .steps
            .iter()
            .filter(|step| step.request == request)
            .collect();
        assert_is_right(scene, grace, *ask, answer, &own);
    }
    for step in &run.steps {
        assert_changes_what_it_may(grace, run.answered[step.request].0, step);
    }
    assert_goes_on_and_ends(scene, grace, run).await;
    outcomes.into_iter().collect()
}

fn outcome_of(answer: &Answer) -> Outcome {
    if answer.status == 200 {
        return Done;
    }
    match answer.error() {
        (400, error) if error == "invalid_grant" => Refused,
        (503, error) if error == "temporarily_unavailable" => Unavailable,
        _ => panic!("neither success, invalid_grant nor 503: {answer:?}"),
    }
}

/// One answer, given the request's own operations in order.
fn assert_is_right(scene: &Scene, grace: RefreshGrace, ask: Ask, answer: &Answer, own: &[&Step]) {
    let last = own.last().expect("it has asked the store");
    let advances = |step: &Step| step.after.generation > step.before.generation;
    let revokes = |step: &Step| step.after.revoked && !step.before.revoked;
    let takes_itself_for_a_thief =
        own.iter().copied().any(advances) && own.iter().copied().any(revokes);
    assert!(!takes_itself_for_a_thief, "its own write is no reuse");
    match (ask, outcome_of(answer)) {
        // Only the successor is handed out, and only while it is current and the grant lives.
        (Ask::Refresh(generation), Done) => {
            assert_eq!(answer.refresh_token(), scene.token(generation + 1));
            let current = Snapshot {
                generation: generation + 1,
                revoked: false,
            };
            assert_eq!(last.after, current, "handed out too late");
            if is_never(grace) {
                let made = own
                    .iter()
                    .any(|step| step.before.generation == generation && step.after == current);
                assert!(made, "handed out twice");
            }
        }
        // An honest client is refused nothing, and reuse is always found: so the grant is dead.
        (Ask::Refresh(_), Refused) => assert!(last.after.revoked, "refused for nothing"),
        (Ask::Revoke(_), Done) => assert!(last.after.revoked, "acknowledged, and not done"),
        (Ask::Stranger(_), Refused) => {}
        // A single lost answer is the SDK's to repeat.
        (_, Unavailable) => {
            let lost = own.iter().rev().take_while(|step| step.fault.is_some());
            assert!(lost.count() >= ATTEMPTS, "given up too early");
        }
        (Ask::Stranger(_), Done) | (Ask::Revoke(_), Refused) => panic!("{ask:?}: {answer:?}"),
    }
}

/// One operation: what it has changed of the grant.
fn assert_changes_what_it_may(grace: RefreshGrace, ask: Ask, step: &Step) {
    let Step { before, after, .. } = step;
    if before == after {
        return;
    }
    assert!(!before.revoked, "a revoked grant has changed");
    assert_ne!(step.fault, Some(Fault::Before), "nothing was applied");
    if after.revoked {
        assert_eq!(before.generation, after.generation);
        match ask {
            Ask::Revoke(_) => {}
            Ask::Refresh(generation) => {
                assert!(is_reuse(grace, generation, before), "a false alarm")
            }
            Ask::Stranger(_) => panic!("a stranger has revoked the grant"),
        }
    } else {
        assert_eq!(
            ask,
            Ask::Refresh(before.generation),
            "not its current token"
        );
        assert_eq!(after.generation, before.generation + 1);
    }
}

/// Afterwards, with nothing lost any more: the honest client repeats what it was not answered, gets
/// the same successor and goes on; and what ends the grant ends all of it.
async fn assert_goes_on_and_ends(scene: &Scene, grace: RefreshGrace, run: &Run) {
    let (own, next) = (scene.grant.generation, scene.grant.generation + 1);
    let standing = scene.snapshot().await;
    if !standing.revoked {
        let was_answered =
            |(ask, answer): &(Ask, Answer)| *ask == Ask::Refresh(own) && outcome_of(answer) == Done;
        let has_successor = run.answered.iter().any(was_answered);
        // Without a grace, a lost answer is the one thing that locks a client out.
        let is_lost = is_never(grace) && standing.generation == next && !has_successor;
        if !is_lost {
            if !(is_never(grace) && has_successor) {
                let retried = scene.send(Ask::Refresh(own)).await;
                assert_eq!(retried.refresh_token(), scene.token(next));
            }
            let gone_on = scene.send(Ask::Refresh(next)).await;
            assert_eq!(gone_on.refresh_token(), scene.token(next + 1));
        }
        let revokes = |(ask, _): &&(Ask, Answer)| matches!(ask, Ask::Revoke(_));
        match run.answered.iter().find(revokes) {
            Some((ask, _)) => assert_eq!(outcome_of(&scene.send(*ask).await), Done),
            None => assert_eq!(outcome_of(&scene.send(Ask::Refresh(own)).await), Refused),
        }
    }
    let ended = scene.snapshot().await;
    assert!(ended.revoked);
    let refused = scene.send(Ask::Refresh(ended.generation)).await;
    assert_eq!(outcome_of(&refused), Refused);
}

/// Whether a token of this generation is beyond its grace.
fn is_reuse(grace: RefreshGrace, generation: u32, standing: &Snapshot) -> bool {
    let honoured = if is_never(grace) { 0 } else { 1 };
    standing.generation > generation + honoured
}

fn is_never(grace: RefreshGrace) -> bool {
    grace == RefreshGrace::Seconds(0)
}

/// How often the SDK sends one operation.
const ATTEMPTS: usize = 3;
