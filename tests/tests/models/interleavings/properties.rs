//! What must hold in every state, and what must be reached in some.

use stateright::Property;
use tokensmith_issuer::grant::redeem::Step;
use tokensmith_issuer::store::records::RefreshGrace;

use super::model::Refreshes;
use super::state::{Party, State, Thief, Token};

pub const ONE_CHAIN: &str = "no generation comes to be twice";
pub const ONE_CURRENT: &str = "at most one token is current, and at most one is its predecessor";
pub const ONE_SUCCESSOR: &str = "every successor handed out is the one that was made";
pub const STAYS_REVOKED: &str = "nothing changes a revoked grant";
pub const REUSE_IS_FOUND: &str = "whoever is answered after the grace finds the grant revoked";
pub const LATE_GETS_NOTHING: &str = "nobody gets a token after the grace";
pub const STRANGER: &str = "a stranger neither gets nor changes anything";
pub const NOT_LOCKED_OUT: &str = "an honest client in time is never locked out";
pub const NEVER_LATE: &str = "until its successor is used, a token is never too late";
pub const NO_FALSE_ALARM: &str = "what was in good standing when it was read revokes nothing";
pub const ONE_REDEMPTION: &str = "at most one request with a code is answered with tokens";
pub const ALL_DEAD: &str = "once a grant is revoked, none of its tokens is worth anything";
pub const CODE_IS_REPEATED: &str = "a client without an answer presents its code again";
pub const GOES_ON: &str = "the honest client reaches the last generation";
pub const ENDS: &str = "the grant ends revoked";

pub fn all(model: &Refreshes) -> Vec<Property<Refreshes>> {
    let mut all = vec![
        always(ONE_CHAIN, |_, state| !state.past.forked),
        always(ONE_CURRENT, has_one_current_token),
        always(ONE_SUCCESSOR, |_, state| !state.past.strange_successor),
        always(STAYS_REVOKED, |_, state| {
            !state.past.changed_after_revocation
        }),
        always(REUSE_IS_FOUND, |_, state| !state.past.missed_reuse),
        always(LATE_GETS_NOTHING, |_, state| !state.past.served_late),
        always(STRANGER, |_, state| !state.past.stranger_was_heard),
        sometimes(GOES_ON, |model, state| {
            !model.rotation || state.honest.generation == model.generations
        }),
    ];
    if model.begins_with_code {
        all.push(always(ONE_REDEMPTION, |_, state| state.past.redeemed <= 1));
        all.push(always(ALL_DEAD, is_dead_when_revoked));
        // The one lock-out that the contract has: such a client sends the person anew.
        all.push(sometimes(CODE_IS_REPEATED, |_, state| {
            state.past.repeated_its_code && state.locked_out
        }));
    }
    let alone = model.thief != Thief::WithCredentials && !model.revoker;
    // Without a grace, two requests at once are a reuse.
    let never = model.grace == RefreshGrace::Seconds(0);
    if alone && !model.impatient && !(never && model.in_flight > 1) {
        all.push(always(NOT_LOCKED_OUT, is_honoured_or_late));
        all.push(always(NO_FALSE_ALARM, |_, state| !state.past.false_alarm));
        if model.grace == RefreshGrace::UntilUsed {
            all.push(always(NEVER_LATE, |_, state| !state.past.was_late));
        }
    } else if !alone || model.impatient || never {
        all.push(sometimes(ENDS, |_, state| state.record.revoked));
    }
    all
}

type Condition = fn(&Refreshes, &State) -> bool;

fn always(name: &'static str, condition: Condition) -> Property<Refreshes> {
    Property::always(name, condition)
}

fn sometimes(name: &'static str, condition: Condition) -> Property<Refreshes> {
    Property::sometimes(name, condition)
}

fn is_dead_when_revoked(model: &Refreshes, state: &State) -> bool {
    let asks = |token: &Token| model.decide(&state.record, Party::Honest, *token, state.now);
    !state.record.revoked || state.past.made.iter().filter_map(asks).count() == 0
}

fn has_one_current_token(model: &Refreshes, state: &State) -> bool {
    let steps = state
        .past
        .made
        .iter()
        .map(|token| model.decide(&state.record, Party::Honest, *token, state.now));
    let steps: Vec<_> = steps.flatten().collect();
    let count = |of: fn(&Step) -> bool| steps.iter().filter(|step| of(step)).count();
    count(|step| matches!(step, Step::Advance | Step::Keep)) <= 1
        && count(|step| *step == Step::Repeat) <= 1
}

/// The honest client, asking now, would get a token; unless it has let the grace pass, or has presented a code twice.
fn is_honoured_or_late(model: &Refreshes, state: &State) -> bool {
    let step = model.decide(&state.record, Party::Honest, state.honest, state.now);
    let honoured = matches!(step, Some(Step::Advance | Step::Keep | Step::Repeat));
    let is_late = model.is_late(&state.record, state.honest, state.now);
    let by_itself = state.past.was_late || state.past.repeated_its_code;
    ((honoured || is_late) && !state.locked_out) || by_itself
}
