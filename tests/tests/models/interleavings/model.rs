//! A grant, everybody who has a token of it, and every message between them and the table, as a
//! state machine. What decides and what changes the grant are the issuer's own pure functions; what
//! is modelled is the table's conditional update, the SDK's repetition of it, and the loop around
//! both in `Issuer::refresh`.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use stateright::{Model, Property};
use tokensmith_issuer::credential::{CredentialKind, GrantCredential, HmacKey, Nonce};
use tokensmith_issuer::grant::redeem::ProvenCredential;
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::records::{Client, CodeTerms, Grant, Origin, RefreshGrace};
use tokensmith_tests::records::{new_client, new_grant};
use tokensmith_verifier::Timestamp;

use super::flaw::{Flaw, Seen};
use super::properties;
use super::state::{Party, Past, Record, Request, Stage, State, Thief, Token};

/// What is explored.
pub struct Refreshes {
    /// The client's grace.
    pub grace: RefreshGrace,
    /// Whether its refresh tokens rotate.
    pub rotation: bool,
    /// Nobody asks with a token of this generation or a later one.
    pub generations: u32,
    /// How many requests may be under way at once.
    pub in_flight: usize,
    /// Whether messages get lost and functions die.
    pub losses: bool,
    /// Whether the honest client goes on before its earlier requests have ended.
    pub impatient: bool,
    /// Whether the grant begins with an authorization code, which a client redeems with its verifier.
    pub begins_with_code: bool,
    /// Who else has a token.
    pub thief: Thief,
    /// Whether somebody revokes the grant.
    pub revoker: bool,
    /// How many seconds may pass.
    pub seconds: u64,
    /// Whether there is a second version of the HMAC key.
    pub key_rotates: bool,
    /// What is wrong on purpose.
    pub flaw: Option<Flaw>,
    /// What the exploration has come across.
    pub seen: Seen,
    /// The client that has the grant.
    pub own: Client,
    /// Another client.
    pub others: Client,
    /// The grant, but for what changes.
    pub grant: Grant,
    /// Its tokens, with their HMAC proven.
    pub credentials: BTreeMap<Token, ProvenCredential>,
}

impl Refreshes {
    /// Two requests of one honest client at a time, which may all get lost.
    pub fn new(grace: RefreshGrace) -> Self {
        let nonce = Nonce::random();
        let own = client("app", grace);
        let subject = "alice".parse().expect("a subject");
        let grant = new_grant(&own, &subject, &nonce, START);
        Self {
            grace,
            rotation: true,
            generations: 3,
            in_flight: 2,
            losses: true,
            impatient: false,
            begins_with_code: false,
            thief: Thief::None,
            revoker: false,
            seconds: 0,
            key_rotates: false,
            flaw: None,
            seen: Seen::default(),
            own,
            others: client("other", grace),
            credentials: credentials(&grant, &nonce),
            grant,
        }
    }

    /// Its tokens do not rotate.
    pub fn without_rotation(mut self) -> Self {
        self.rotation = false;
        self.own.refresh_rotation = false;
        self
    }

    /// It begins with a code (RFC 6749 §4.1).
    pub fn beginning_with_code(mut self) -> Self {
        let hash = digest(&SHA256, VERIFIER.as_bytes());
        self.begins_with_code = true;
        self.grant.origin = Origin::Code;
        self.grant.code = Some(CodeTerms {
            redirect_uri: None,
            challenge: Some(URL_SAFE_NO_PAD.encode(hash)),
            bound_to: None,
            nonce: None,
        });
        self
    }

    /// A client that is not impatient uses a new token only when none of its requests with the old
    /// one is under way.
    fn may_go_on(&self, state: &State) -> bool {
        let mut own = state.requests.iter().filter(|request| {
            request.by == Party::Honest && !matches!(request.at, Stage::Abandoned(_))
        });
        self.impatient || own.all(|request| request.token == state.honest)
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    Send(Party, Token),
    Start {
        request: usize,
        newest_key: u32,
    },
    Read(usize),
    /// The write reaches the table, and its answer comes back.
    Write(usize),
    /// The write reaches the table, and its answer is lost: the SDK repeats it.
    WriteUnanswered(usize),
    /// The function dies or gives up; its last attempt may still arrive.
    Abandon(usize),
    WriteLate(usize),
    Receive(usize),
    /// The message, or the function that was working on it, is gone.
    Lose(usize),
    Pass,
    RotateKey,
    Steal,
}

impl Model for Refreshes {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let first = Token {
            generation: u32::from(!self.begins_with_code),
            version: 1,
        };
        vec![State {
            now: 0,
            newest_key: 1,
            record: Record {
                current: first,
                rotated_at: 0,
                revoked: false,
            },
            requests: Vec::new(),
            honest: first,
            locked_out: false,
            stolen: Vec::new(),
            revoker_left: self.revoker,
            past: Past {
                made: vec![first],
                ..Past::default()
            },
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.requests.len() < self.in_flight {
            let asks = |token: &Token| token.generation < self.generations;
            if !state.locked_out && asks(&state.honest) && self.may_go_on(state) {
                actions.push(Action::Send(Party::Honest, state.honest));
            }
            let thief = match self.thief {
                Thief::Stranger | Thief::WithoutVerifier => Party::Stranger,
                _ => Party::Thief,
            };
            let stolen = state.stolen.iter().copied().filter(asks);
            actions.extend(stolen.map(|token| Action::Send(thief, token)));
            if state.revoker_left {
                actions.push(Action::Send(Party::Revoker, state.record.current));
            }
        }
        for (index, request) in state.requests.iter().enumerate() {
            match &request.at {
                Stage::Sent => {
                    // A function may not have heard of the newest key, unless the token tells it.
                    let known = request.token.version..=state.newest_key;
                    actions.extend(known.map(|newest_key| Action::Start {
                        request: index,
                        newest_key,
                    }));
                }
                Stage::Started { .. } => actions.push(Action::Read(index)),
                Stage::Writing(_) => {
                    actions.push(Action::Write(index));
                    if self.losses {
                        actions.push(Action::WriteUnanswered(index));
                        actions.push(Action::Abandon(index));
                    }
                    continue;
                }
                Stage::Abandoned(_) => actions.push(Action::WriteLate(index)),
                Stage::Granted(_) | Stage::Refused => actions.push(Action::Receive(index)),
            }
            if self.losses {
                actions.push(Action::Lose(index));
            }
        }
        if state.now < self.seconds && state.requests.iter().all(|one| one.is_in_time(state.now)) {
            actions.push(Action::Pass);
        }
        if self.key_rotates && state.newest_key == 1 {
            actions.push(Action::RotateKey);
        }
        // Who lacks the verifier is no danger to a code. Against the theft of a client's refresh token it helps nobody.
        let is_about_codes = self.thief == Thief::WithoutVerifier;
        let can_steal = !is_about_codes || state.honest.generation == 0;
        if self.thief != Thief::None && can_steal && state.stolen.is_empty() {
            actions.push(Action::Steal);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        match action {
            Action::Send(by, token) => {
                next.revoker_left &= by != Party::Revoker;
                let at = match by {
                    Party::Revoker => Stage::Writing(self.revocation(&next)),
                    _ => Stage::Sent,
                };
                next.requests.push(Request { by, token, at });
            }
            Action::Start {
                request,
                newest_key,
            } => {
                let now = last.now;
                next.requests[request].at = Stage::Started { now, newest_key };
            }
            Action::Read(index) => self.read(&mut next, index),
            Action::Write(index) => self.write(&mut next, index),
            Action::WriteUnanswered(index) => {
                self.apply(&mut next, index);
            }
            Action::Abandon(index) => {
                if let Stage::Writing(write) = &last.requests[index].at {
                    next.requests[index].at = Stage::Abandoned(write.clone());
                }
            }
            Action::WriteLate(index) => {
                self.apply(&mut next, index);
                next.requests.remove(index);
            }
            Action::Receive(index) => {
                let request = next.requests.remove(index);
                receive(&mut next, &request);
            }
            Action::Lose(index) => {
                next.requests.remove(index);
            }
            Action::Pass => next.now += 1,
            Action::RotateKey => next.newest_key += 1,
            Action::Steal => next.stolen.push(last.honest),
        }
        // In which order they were sent makes no difference.
        next.requests.sort();
        (next != *last).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

fn receive(state: &mut State, request: &Request) {
    match (request.by, &request.at) {
        (Party::Honest, Stage::Granted(token)) => state.honest = state.honest.max(*token),
        (Party::Honest, _) => state.locked_out = true,
        (Party::Thief, Stage::Granted(token)) if !state.stolen.contains(token) => {
            state.stolen.push(*token);
            state.stolen.sort();
        }
        _ => {}
    }
}

fn client(id: &str, grace: RefreshGrace) -> Client {
    Client {
        scopes: Default::default(),
        audiences: Vec::new(),
        refresh_ttl: 1000,
        grant_ttl: 1000,
        refresh_grace: Some(grace),
        ..new_client(id, START)
    }
}

/// What only the client knows of its authorization request (RFC 7636 §4.1).
pub const VERIFIER: &str = "a verifier of the honest client's own";

/// When time begins.
const START: Timestamp = Timestamp::from_seconds(0);

/// Every generation by every version of the key.
fn credentials(grant: &Grant, nonce: &Nonce) -> BTreeMap<Token, ProvenCredential> {
    let issuer: IssuerUrl = "https://issuer.example".parse().expect("a URL");
    let mut all = BTreeMap::new();
    for version in 1..=2 {
        let key = HmacKey::new(version, &[version as u8; 32]);
        for generation in 0..10 {
            let kind = match generation {
                0 => CredentialKind::AuthorizationCode,
                _ => CredentialKind::RefreshToken,
            };
            let text = key.print(&issuer, kind, grant.id, generation, nonce);
            let parsed = GrantCredential::parse(text.expose_secret()).expect("a credential");
            let token = Token {
                generation,
                version,
            };
            let proven = ProvenCredential::prove(parsed, kind, &key, &issuer).expect("its HMAC");
            all.insert(token, proven);
        }
    }
    all
}
