//! What the issuer and the table do with a request.

use tokensmith_issuer::grant::PresentedTerms;
use tokensmith_issuer::grant::redeem::{GrantState, Step, advanced, decide};
use tokensmith_issuer::store::records::{Grant, RefreshGrace};
use tokensmith_verifier::Timestamp;

use super::flaw::Flaw;
use super::model::{Refreshes, VERIFIER};
use super::state::{Change, Party, Record, Stage, State, Thief, Token, Write};

impl Refreshes {
    /// What the issuer decides for `token` on this record.
    pub fn decide(&self, record: &Record, by: Party, token: Token, now: u64) -> Option<Step> {
        let is_other = self.thief == Thief::Stranger && self.flaw != Some(Flaw::AnyClient);
        let client = match by {
            Party::Stranger if is_other => &self.others,
            _ => &self.own,
        };
        let state = GrantState {
            grant: self.grant_of(record),
            subject: None,
            read_at: Timestamp::from_seconds(now),
        };
        let terms = self.terms(by);
        let terms = (token.generation == 0).then_some(&terms);
        let token = &self.credentials[&token];
        let step = decide(&state, client, token, terms, Timestamp::from_seconds(now)).ok();
        Flaw::in_decision(self.flaw, step)
    }

    /// What is presented with a code.
    fn terms(&self, by: Party) -> PresentedTerms {
        let lacks_it = self.thief == Thief::WithoutVerifier && by == Party::Stranger;
        let verifier = match lacks_it && self.flaw != Some(Flaw::AnyVerifier) {
            true => "of somebody else",
            false => VERIFIER,
        };
        PresentedTerms {
            redirect_uri: None,
            verifier: Some(verifier.to_owned().into()),
        }
    }

    /// The rule of the grace period, in the model's own words: whether `token` is beyond its grace.
    pub fn is_late(&self, record: &Record, token: Token, now: u64) -> bool {
        let behind = record.current.generation.saturating_sub(token.generation);
        match (behind, self.grace) {
            (0, _) => false,
            // A code is good once (OAuth 2.1 §4.1.3).
            _ if token.generation == 0 => true,
            (1, RefreshGrace::UntilUsed) => false,
            (1, RefreshGrace::Seconds(grace)) => now >= record.rotated_at + grace,
            _ => true,
        }
    }

    pub fn read(&self, state: &mut State, index: usize) {
        let request = &state.requests[index];
        let (by, token) = (request.by, request.token);
        let Stage::Started { now, newest_key } = request.at else {
            return;
        };
        let late = by != Party::Stranger && self.is_late(&state.record, token, now);
        state.past.was_late |= late && by == Party::Honest && token.generation > 0;
        self.decide_on(state, index, now, newest_key, late);
    }

    /// The body of the loop in `Issuer::refresh`.
    fn decide_on(&self, state: &mut State, index: usize, now: u64, newest_key: u32, late: bool) {
        let (by, token) = (state.requests[index].by, state.requests[index].token);
        let record = state.record;
        // Whoever loses the race for a code is late from then on; for a refresh token, who was in time stays so.
        let is_late_code = token.generation == 0 && self.is_late(&record, token, now);
        let late = late || (is_late_code && by != Party::Stranger);
        state.past.repeated_its_code |= late && by == Party::Honest && token.generation == 0;
        let decided = self.decide(&record, by, token, now);
        state.past.stranger_was_heard |= by == Party::Stranger && decided.is_some();
        let step = match decided {
            None => return self.answer(state, index, None, late),
            Some(Step::Repeat) => {
                self.seen.repeat();
                let mut current = record.current;
                if self.flaw == Some(Flaw::PrintedByNewestKey) {
                    current.version = newest_key;
                }
                return self.answer(state, index, Some(current), late);
            }
            Some(Step::Advance) => Change::Advance,
            Some(Step::Keep) => Change::Keep,
            Some(Step::Revoke) => Change::Revoke,
        };
        state.past.false_alarm |= step == Change::Revoke && !late;
        state.requests[index].at = Stage::Writing(Write {
            now,
            newest_key,
            step,
            expected: record,
            late,
            is_last: false,
        });
    }

    pub fn write(&self, state: &mut State, index: usize) {
        let applied = self.apply(state, index);
        let Stage::Writing(write) = state.requests[index].at.clone() else {
            return;
        };
        let is_own = write.is_last && self.flaw != Some(Flaw::NoAttemptId);
        match write.step {
            Change::Revoke => self.answer(state, index, None, write.late),
            _ if applied || is_own => {
                self.seen.write(applied);
                let current = state.record.current;
                self.answer(state, index, Some(current), write.late);
            }
            _ => {
                self.seen.lost_race();
                self.decide_on(state, index, write.now, write.newest_key, write.late);
            }
        }
    }

    /// The table's conditional update: whether it was applied.
    pub fn apply(&self, state: &mut State, index: usize) -> bool {
        let (Stage::Writing(write) | Stage::Abandoned(write)) = state.requests[index].at.clone()
        else {
            return false;
        };
        let (found, expected) = (state.record, write.expected);
        let unmoved = found.current.generation == expected.current.generation;
        let holds = match write.step {
            Change::Revoke => !found.revoked,
            _ => unmoved && !found.revoked,
        };
        if !(holds || Flaw::ignores_condition(self.flaw, unmoved)) {
            return false;
        }
        let mut wanted = Record {
            revoked: true,
            ..found
        };
        if write.step != Change::Revoke {
            let step = match write.step {
                Change::Keep => Step::Keep,
                _ => Step::Advance,
            };
            let now = Timestamp::from_seconds(write.now);
            let grant = self.grant_of(&expected);
            let grant = advanced(&grant, step, write.newest_key, &self.own, now);
            wanted = record_of(&grant, found.revoked);
            state.past.note_generation(wanted.current);
            state.past.changed_after_revocation |= found.revoked;
        }
        state.record = wanted;
        for request in &mut state.requests {
            if let Stage::Writing(write) = &mut request.at {
                write.is_last = false;
            }
        }
        if let Stage::Writing(write) = &mut state.requests[index].at {
            write.is_last = true;
        }
        true
    }

    fn answer(&self, state: &mut State, index: usize, granted: Option<Token>, late: bool) {
        let (by, token) = (state.requests[index].by, state.requests[index].token);
        state.past.missed_reuse |= late && !state.record.revoked;
        state.past.served_late |= late && granted.is_some();
        if let Some(successor) = granted {
            let is_code = token.generation == 0;
            let redeemed = state.past.redeemed + u8::from(is_code);
            state.past.redeemed = redeemed.min(2);
            let next = token.generation + u32::from(self.rotation || is_code);
            let is_the_one = successor.generation == next && state.past.made.contains(&successor);
            state.past.strange_successor |= !is_the_one;
            state.past.stranger_was_heard |= by == Party::Stranger;
        }
        state.requests[index].at = match granted {
            Some(token) => Stage::Granted(token),
            None => Stage::Refused,
        };
    }

    pub fn revocation(&self, state: &State) -> Write {
        Write {
            now: state.now,
            newest_key: state.newest_key,
            step: Change::Revoke,
            expected: state.record,
            late: false,
            is_last: false,
        }
    }

    fn grant_of(&self, record: &Record) -> Grant {
        let revoked = record.revoked && self.flaw != Some(Flaw::RevocationIgnored);
        Grant {
            generation: record.current.generation,
            hmac_version: record.current.version,
            rotated_at: Timestamp::from_seconds(record.rotated_at),
            revoked_at: revoked.then_some(Timestamp::from_seconds(0)),
            ..self.grant.clone()
        }
    }
}

fn record_of(grant: &Grant, revoked: bool) -> Record {
    Record {
        current: Token {
            generation: grant.generation,
            version: grant.hmac_version,
        },
        rotated_at: grant.rotated_at.seconds(),
        revoked,
    }
}
