//! The same for grants that begin with a code (OAuth 2.1 §4.1.3): redemption, replay, revocation and refresh, in every order.

use super::*;

fn code(grace: RefreshGrace) -> Refreshes {
    Refreshes::new(grace).beginning_with_code()
}

/// A client that gets no answer for its code presents it again, which ends what came of it: there is one chain, or none. Its
/// refresh tokens never lock it out.
#[test]
fn invariant_8_only_a_lost_answer_for_a_code_locks_a_client_out() {
    for (in_flight, at_least) in [(1, 60), (2, 650), (3, 3_000)] {
        let model = Refreshes {
            in_flight,
            ..code(UNTIL_USED)
        };
        explore_codes(&format!("a code, {in_flight} at once"), model, at_least);
    }
}

#[test]
fn invariant_4_a_code_that_two_present_gives_tokens_to_one_and_ends() {
    for (grace, at_least) in [(UNTIL_USED, 47_000), (NEVER, 77_000)] {
        let model = Refreshes {
            thief: Thief::WithCredentials,
            ..code(grace)
        };
        explore_codes(&format!("a thief of a code, {grace:?}"), model, at_least);
    }
}

#[test]
fn invariant_4_a_revocation_among_redemptions_of_a_code_is_final() {
    let model = Refreshes {
        revoker: true,
        key_rotates: true,
        in_flight: 3,
        generations: 2,
        ..code(UNTIL_USED)
    };
    explore_codes("a code, a revoker and two keys", model, 82_000);
}

/// RFC 7636 §1: whoever has seen a code, and not its verifier, gets nothing, and ends nothing either.
#[test]
fn a_thief_of_a_code_without_its_verifier_changes_nothing() {
    for thief in [Thief::WithoutVerifier, Thief::Stranger] {
        let model = Refreshes {
            thief,
            ..code(UNTIL_USED)
        };
        explore_codes(&format!("a code, {thief:?}"), model, 2_200);
    }
}

/// Every check of a code can fail.
#[test]
fn every_flaw_about_codes_is_found() {
    let thief = || Refreshes {
        thief: Thief::WithCredentials,
        ..code(UNTIL_USED)
    };
    let without_verifier = Refreshes {
        thief: Thief::WithoutVerifier,
        ..code(UNTIL_USED)
    };
    let alone = || code(UNTIL_USED);
    for (flaw, model, property) in [
        (Flaw::LongGrace, alone(), must::ONE_REDEMPTION),
        (Flaw::UnconditionalWrite, alone(), must::ONE_REDEMPTION),
        (Flaw::ReuseIgnored, thief(), must::REUSE_IS_FOUND),
        (Flaw::RevocationIgnored, thief(), must::ALL_DEAD),
        (Flaw::AnyVerifier, without_verifier, must::STRANGER),
        (Flaw::NoGrace, alone(), must::NOT_LOCKED_OUT),
    ] {
        assert_found(flaw, model, property);
    }
}

fn explore_codes(name: &str, model: Refreshes, at_least: usize) {
    let checker = model.checker().spawn_bfs().join();
    checker.assert_properties();
    let states = checker.unique_state_count();
    println!("{name}: {states} states");
    assert!(states >= at_least, "{name}: only {states} states");
}
