//! The states that the exploration goes through.

/// Who may have copied a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Thief {
    /// Nobody.
    None,
    /// Somebody who can only authenticate as another client.
    Stranger,
    /// Somebody who has seen the code, and can authenticate as the client, but does not have its verifier (RFC 7636 §1).
    WithoutVerifier,
    /// Somebody who can authenticate as the client.
    WithCredentials,
}

/// A refresh token of the grant, or, of generation 0, its code.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Token {
    pub generation: u32,
    pub version: u32,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct State {
    pub now: u64,
    pub newest_key: u32,
    pub record: Record,
    pub requests: Vec<Request>,
    /// The newest token that the honest client has received, or its code.
    pub honest: Token,
    /// It was told that its grant is over.
    pub locked_out: bool,
    /// What the thief has copied or received, oldest first.
    pub stolen: Vec<Token>,
    pub revoker_left: bool,
    pub past: Past,
}

/// What matters of the grant's record.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Record {
    pub current: Token,
    pub rotated_at: u64,
    pub revoked: bool,
}

/// What happened that the record does not tell. All but the first four stay as they are, unless
/// something is wrong.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Past {
    /// The generations as they came to be.
    pub made: Vec<Token>,
    /// The honest client itself asked after its grace.
    pub was_late: bool,
    /// The honest client itself presented a code that was redeemed, because it had got no answer.
    pub repeated_its_code: bool,
    /// How many requests with the code were answered with tokens: 0, 1, or more, which is 2.
    pub redeemed: u8,
    pub forked: bool,
    pub strange_successor: bool,
    pub changed_after_revocation: bool,
    pub missed_reuse: bool,
    pub served_late: bool,
    pub false_alarm: bool,
    pub stranger_was_heard: bool,
}

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Request {
    pub by: Party,
    pub token: Token,
    pub at: Stage,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Party {
    Honest,
    Thief,
    Stranger,
    Revoker,
}

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// On its way to the issuer.
    Sent,
    /// A function has taken the time, and is about to read.
    Started { now: u64, newest_key: u32 },
    /// A write is on its way to the table, for the first time or again.
    Writing(Write),
    /// A write may still reach the table, but nobody waits for its answer.
    Abandoned(Write),
    /// A new token is on its way to whoever asked.
    Granted(Token),
    /// A refusal is.
    Refused,
}

/// One call of `Table::update`: all its attempts have one attempt id.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Write {
    pub now: u64,
    pub newest_key: u32,
    pub step: Change,
    pub expected: Record,
    /// The token was beyond its grace when the record was read.
    pub late: bool,
    /// The attempt id in the record is this one's.
    pub is_last: bool,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Change {
    Advance,
    Keep,
    Revoke,
}

impl Request {
    /// Whether it may see the next second: no request takes the issuer as long as a grace lasts.
    pub fn is_in_time(&self, now: u64) -> bool {
        match &self.at {
            Stage::Started { now: started, .. } => *started == now,
            Stage::Writing(write) | Stage::Abandoned(write) => write.now == now,
            Stage::Sent | Stage::Granted(_) | Stage::Refused => true,
        }
    }
}

impl Past {
    /// Every generation comes to be once, after the one before it.
    pub fn note_generation(&mut self, current: Token) {
        let newest = self.made[self.made.len() - 1];
        match current.generation.checked_sub(newest.generation) {
            Some(0) => self.forked |= current != newest,
            Some(1) => self.made.push(current),
            _ => self.forked = true,
        }
    }
}
