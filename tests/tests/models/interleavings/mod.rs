//! Invariants 3, 4 and 8 by exhaustion: every interleaving of an honest client, a thief, a revoker
//! and lost messages around one grant, explored with `stateright`. The decisions and the change of
//! the grant are the issuer's own code.

mod codes;
mod flaw;
mod issuer;
mod model;
mod properties;
mod state;

use stateright::{Checker, Model};
use tokensmith_issuer::store::records::RefreshGrace;

use self::flaw::Flaw;
use self::model::Refreshes;
use self::properties as must;
use self::state::Thief;

const GRACES: [RefreshGrace; 3] = [UNTIL_USED, TWO_SECONDS, NEVER];
const UNTIL_USED: RefreshGrace = RefreshGrace::UntilUsed;
/// Longer than a request may take, which is one second here.
const TWO_SECONDS: RefreshGrace = RefreshGrace::Seconds(2);
const NEVER: RefreshGrace = RefreshGrace::Seconds(0);

/// Three requests at a time, with tokens of two generations, and time passes where it matters.
fn three_at_a_time(grace: RefreshGrace) -> Refreshes {
    Refreshes {
        in_flight: 3,
        seconds: if grace == TWO_SECONDS { 3 } else { 0 },
        ..Refreshes::new(grace)
    }
}

/// Explores every state, asserts every property, and that there were not fewer states than when
/// this was written: an exploration that has become empty would prove nothing.
fn explore(name: &str, model: Refreshes, at_least: usize) {
    let seen = model.seen.clone();
    let never = model.grace == NEVER;
    let checker = model.checker().spawn_bfs().join();
    checker.assert_properties();
    let states = checker.unique_state_count();
    let [repeated, recovered, lost] = seen.counts();
    println!(
        "{name}: {states} states; {repeated} successors handed out again, {recovered} writes \
         recognised when they were repeated, {lost} races lost"
    );
    assert!(states >= at_least, "{name}: only {states} states");
    assert!(recovered > 0, "{name}: no answer of a write was lost");
    assert_eq!(repeated == 0, never, "{name}");
}

#[test]
fn invariant_8_an_honest_client_is_never_locked_out_and_there_is_one_chain() {
    for (grace, at_least) in GRACES.into_iter().zip([700, 16_000, 6_000]) {
        let generations = if grace == UNTIL_USED { 4 } else { 3 };
        let model = Refreshes {
            generations,
            ..three_at_a_time(grace)
        };
        explore(&format!("one client, {grace:?}"), model, at_least);
    }
}

/// With `0`, the client that is to be safe sends one request at a time.
#[test]
fn invariant_8_without_a_grace_only_a_lost_answer_locks_a_client_out() {
    let model = Refreshes {
        in_flight: 1,
        generations: 5,
        ..Refreshes::new(NEVER)
    };
    explore("one client, one request at a time, 0", model, 90);
}

#[test]
fn invariant_3_two_versions_of_the_hmac_key_make_one_chain() {
    for (grace, at_least) in GRACES.into_iter().zip([2_800, 130_000, 54_000]) {
        let model = Refreshes {
            key_rotates: true,
            ..three_at_a_time(grace)
        };
        explore(&format!("two keys, {grace:?}"), model, at_least);
    }
}

#[test]
fn a_stranger_with_a_copy_of_a_token_changes_nothing() {
    for (grace, at_least) in GRACES.into_iter().zip([2_800, 120_000, 38_000]) {
        let model = Refreshes {
            thief: Thief::Stranger,
            ..three_at_a_time(grace)
        };
        explore(&format!("a stranger, {grace:?}"), model, at_least);
    }
}

#[test]
fn a_revoked_grant_stays_revoked() {
    for (grace, at_least) in GRACES.into_iter().zip([3_700, 120_000, 32_000]) {
        let model = Refreshes {
            revoker: true,
            ..three_at_a_time(grace)
        };
        explore(&format!("a revoker, {grace:?}"), model, at_least);
    }
}

#[test]
fn invariant_4_reuse_is_found_until_used() {
    let model = Refreshes {
        thief: Thief::WithCredentials,
        ..three_at_a_time(UNTIL_USED)
    };
    explore("a thief, until used", model, 210_000);
}

#[test]
fn invariant_4_reuse_is_found_by_the_clock() {
    let model = Refreshes {
        thief: Thief::WithCredentials,
        in_flight: 2,
        ..three_at_a_time(TWO_SECONDS)
    };
    explore("a thief, two seconds", model, 300_000);
}

#[test]
fn invariant_4_reuse_is_found_without_a_grace() {
    let model = Refreshes {
        thief: Thief::WithCredentials,
        in_flight: 2,
        generations: 4,
        ..Refreshes::new(NEVER)
    };
    explore("a thief, 0", model, 68_000);
}

#[test]
fn invariant_4_reuse_is_found_among_a_revoker_and_two_keys() {
    let model = Refreshes {
        thief: Thief::WithCredentials,
        revoker: true,
        key_rotates: true,
        ..Refreshes::new(UNTIL_USED)
    };
    explore(
        "a thief, a revoker and two keys, until used",
        model,
        270_000,
    );
}

#[test]
fn without_rotation_there_is_one_token_until_it_is_revoked() {
    let model = Refreshes {
        thief: Thief::WithCredentials,
        revoker: true,
        ..three_at_a_time(UNTIL_USED).without_rotation()
    };
    let checker = model.checker().spawn_bfs().join();
    checker.assert_properties();
    let states = checker.unique_state_count();
    println!("no rotation, a thief and a revoker: {states} states");
    assert!(states >= 1_000, "{states}");
}

/// A client that goes on with the successor while an earlier request of its own is still under way
/// looks like two clients, and may lose its grant. Everything else holds.
#[test]
fn an_impatient_client_makes_no_second_chain() {
    for (grace, at_least) in [(UNTIL_USED, 4_400), (TWO_SECONDS, 120_000)] {
        let model = Refreshes {
            impatient: true,
            ..three_at_a_time(grace)
        };
        explore(&format!("an impatient client, {grace:?}"), model, at_least);
    }
}

/// Every check can fail: with one mistake in the model, exactly the property that guards against it
/// is violated.
#[test]
fn every_flaw_is_found() {
    let thief = |grace| Refreshes {
        thief: Thief::WithCredentials,
        ..Refreshes::new(grace)
    };
    let one_by_one = || Refreshes {
        in_flight: 1,
        ..Refreshes::new(NEVER)
    };
    let with_revoker = Refreshes {
        revoker: true,
        ..Refreshes::new(UNTIL_USED)
    };
    let with_keys = Refreshes {
        key_rotates: true,
        ..Refreshes::new(UNTIL_USED)
    };
    let with_stranger = Refreshes {
        thief: Thief::Stranger,
        ..Refreshes::new(UNTIL_USED)
    };
    let alone = || Refreshes::new(UNTIL_USED);
    for (flaw, model, property) in [
        (Flaw::UnconditionalWrite, alone(), must::ONE_CHAIN),
        (
            Flaw::RevocationNotInCondition,
            with_revoker,
            must::STAYS_REVOKED,
        ),
        (Flaw::NoAttemptId, one_by_one(), must::NOT_LOCKED_OUT),
        (Flaw::NoAttemptId, one_by_one(), must::NO_FALSE_ALARM),
        (Flaw::PrintedByNewestKey, with_keys, must::ONE_SUCCESSOR),
        (Flaw::AnyClient, with_stranger, must::STRANGER),
        (Flaw::ReuseIgnored, thief(UNTIL_USED), must::REUSE_IS_FOUND),
        (Flaw::ReuseIgnored, thief(TWO_SECONDS), must::REUSE_IS_FOUND),
        (Flaw::ReuseIgnored, thief(NEVER), must::REUSE_IS_FOUND),
        (Flaw::NoGrace, alone(), must::NOT_LOCKED_OUT),
        (Flaw::LongGrace, thief(NEVER), must::LATE_GETS_NOTHING),
        (Flaw::TwoCurrent, alone(), must::ONE_CURRENT),
        (Flaw::TwoCurrent, alone(), must::NEVER_LATE),
    ] {
        assert_found(flaw, model, property);
    }
}

fn assert_found(flaw: Flaw, model: Refreshes, property: &str) {
    let flawed = Refreshes {
        flaw: Some(flaw),
        ..model
    };
    let checker = flawed.checker().spawn_bfs().join();
    let found = checker.discoveries();
    assert!(found.contains_key(property), "{flaw:?}: {:?}", found.keys());
}
