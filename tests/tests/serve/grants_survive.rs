//! Invariant 8: `serve` is killed and stopped under load, again and again. Whatever a
//! client was told still holds, and a client that was told nothing finishes by asking again.

use std::ops::RangeInclusive;
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};
use tokensmith_issuer::credential::{GrantCredential, GrantId};
use tokensmith_tests::{Answer, Connection, HttpRequest, TestClient, TestGrant, TestIssuer, World};

#[test]
fn invariant_8_a_killed_issuer_loses_nothing_that_it_has_acknowledged() {
    let mut load = Load::new(20);
    for round in 0..20 {
        let answers = 7 * round % 60;
        load.run_until(answers, TestIssuer::kill_and_restart);
        let unanswered = load.check_records(|chain| match chain.unanswered {
            Some(Asked::Refresh) => chain.generation..=chain.generation + 1,
            _ => chain.generation..=chain.generation,
        });
        println!("killed after {answers} answers: {unanswered:?}");
        load.go_on();
    }
    load.check_all_grants();
}

#[test]
fn invariant_8_a_stopped_issuer_answers_whatever_it_carries_out() {
    let mut load = Load::new(8);
    for round in 0..8 {
        let answers = 11 * round % 60;
        load.run_until(answers, |issuer| {
            assert_eq!(issuer.terminate(), Some(0));
            issuer.restart();
        });
        let unanswered = load.check_records(|chain| chain.generation..=chain.generation);
        println!("stopped after {answers} answers: {unanswered:?}");
        assert_eq!(unanswered.carried_out, 0);
        load.go_on();
    }
    load.check_all_grants();
}

/// Workers, and the issuer that they work with.
struct Load {
    world: World,
    workers: Vec<Worker>,
    /// The grants whose revocation was acknowledged.
    revoked: Vec<Chain>,
}

impl Load {
    /// Enough grants for so many rounds.
    fn new(rounds: usize) -> Self {
        let world = World::new(TestIssuer::serve(&["--alg=ES256"]));
        let chains = |count| (0..count).map(|_| Chain::new(world.grant())).collect();
        let worker = |_| Worker {
            chains: chains(CHAINS),
            spare: chains(rounds),
            revoked: Vec::new(),
        };
        Self {
            workers: (0..WORKERS).map(worker).collect(),
            revoked: Vec::new(),
            world,
        }
    }

    /// Lets the workers work, and stops the issuer when they have had `answers` answers: each worker
    /// is then about to ask, or waiting for an answer that may never come.
    fn run_until(&mut self, answers: usize, stop: impl FnOnce(&mut TestIssuer)) {
        let Self { world, workers, .. } = self;
        let (url, client) = (world.issuer.url.clone(), &world.client);
        let (answered, heard) = mpsc::channel();
        thread::scope(|scope| {
            let working: Vec<_> = workers
                .iter_mut()
                .map(|worker| {
                    let answered = answered.clone();
                    let mut connection = Connection::open(&url);
                    scope.spawn(move || worker.work(&mut connection, client, &answered))
                })
                .collect();
            // Only the workers hold it from here on: when all have failed, nobody waits for them.
            drop(answered);
            heard.iter().take(answers).for_each(drop);
            stop(&mut world.issuer);
            for worker in working {
                worker.join().expect("a worker stops when the issuer does");
            }
        });
        assert_eq!(world.issuer.url, url, "the same port");
    }

    /// Compares every grant's record with what its client was told.
    fn check_records(&self, generations: impl Fn(&Chain) -> RangeInclusive<u32>) -> Unanswered {
        let list = ["grant", "list", "--client", &self.world.client.id];
        let listed = self.world.issuer.manage(&list);
        let records = listed.as_array().expect("a list");
        let record = |chain: &Chain| {
            let found = records
                .iter()
                .find(|one| one["grant_id"] == json!(chain.grant_id));
            let record = found.expect("no grant is lost");
            let generation = record["generation"].as_u64().expect("a number");
            (generation as u32, record["revoked_at"] != Value::Null)
        };
        let mut unanswered = Unanswered::default();
        for chain in self.workers.iter().flat_map(|worker| &worker.chains) {
            let (generation, revoked) = record(chain);
            let allowed = generations(chain);
            assert!(allowed.contains(&generation), "{generation}: {chain:?}");
            let carried_out = match chain.unanswered {
                None => continue,
                Some(Asked::Refresh) => generation > chain.generation,
                Some(Asked::Revoke) => revoked,
            };
            assert!(carried_out || !revoked, "{chain:?}");
            match carried_out {
                true => unanswered.carried_out += 1,
                false => unanswered.not_carried_out += 1,
            }
        }
        let revoked = self.workers.iter().flat_map(|worker| &worker.revoked);
        for chain in revoked.chain(&self.revoked) {
            assert_eq!(record(chain), (chain.generation, true), "{chain:?}");
        }
        let spare = self.workers.iter().flat_map(|worker| &worker.spare);
        assert!(spare.map(record).all(|untouched| untouched == (1, false)));
        unanswered
    }

    /// Every client goes on: with what it was told last, or by asking again.
    fn go_on(&mut self) {
        let Self { world, workers, .. } = self;
        for worker in workers {
            for at in 0..worker.chains.len() {
                let chain = &mut worker.chains[at];
                if chain.unanswered == Some(Asked::Revoke) {
                    let revoked = world.issuer.send(&chain.ask(Asked::Revoke, &world.client));
                    worker.was_told(at, &revoked);
                    continue;
                }
                assert!(
                    chain
                        .access_token
                        .iter()
                        .all(|token| world.is_active(token))
                );
                let again = chain.ask(Asked::Refresh, &world.client);
                let told = world.issuer.send(&again).tokens();
                worker.was_told(at, &world.issuer.send(&again));
                // However often it asks, there is one successor.
                assert_eq!(worker.chains[at].token, told.refresh);
            }
            for chain in worker.revoked.drain(..) {
                chain.check_invalid(world);
                self.revoked.push(chain);
            }
        }
    }

    fn check_all_grants(&mut self) {
        assert!(
            self.revoked.len() > WORKERS,
            "revocations were part of the load"
        );
        for chain in &self.revoked {
            chain.check_invalid(&self.world);
        }
        self.go_on();
        self.check_records(|chain| chain.generation..=chain.generation);
    }
}

/// A process with some grants of the client.
struct Worker {
    chains: Vec<Chain>,
    /// They take the place of what is revoked.
    spare: Vec<Chain>,
    revoked: Vec<Chain>,
}

impl Worker {
    /// Refreshes its chains in turn, and revokes them now and then, until an answer does not come.
    fn work(
        &mut self,
        connection: &mut Connection,
        client: &TestClient,
        answered: &mpsc::Sender<()>,
    ) {
        for step in 0..MOST_REQUESTS {
            let at = step % self.chains.len();
            let chain = &mut self.chains[at];
            let asked = match chain.generation.is_multiple_of(4) && !self.spare.is_empty() {
                true => Asked::Revoke,
                false => Asked::Refresh,
            };
            let Ok(answer) = connection.ask(&chain.ask(asked, client)) else {
                return;
            };
            self.was_told(at, &answer);
            answered.send(()).expect("the test is listening");
        }
        panic!("the issuer does not stop");
    }

    fn was_told(&mut self, at: usize, answer: &Answer) {
        let chain = &mut self.chains[at];
        match chain.unanswered.take().expect("it has asked") {
            Asked::Refresh => chain.was_refreshed(answer),
            Asked::Revoke => {
                assert_eq!(answer.status, 200, "{}", answer.body);
                let next = self.spare.pop().expect("one is there before it revokes");
                self.revoked.push(std::mem::replace(chain, next));
            }
        }
    }
}

/// A client's view of one grant: what it was told last, and what it has asked since.
#[derive(Debug)]
struct Chain {
    grant_id: GrantId,
    token: String,
    generation: u32,
    access_token: Option<String>,
    unanswered: Option<Asked>,
}

impl Chain {
    fn new(granted: TestGrant) -> Self {
        Self {
            grant_id: granted.id,
            token: granted.token,
            generation: 1,
            access_token: None,
            unanswered: None,
        }
    }

    fn ask(&mut self, asked: Asked, client: &TestClient) -> HttpRequest {
        self.unanswered = Some(asked);
        match asked {
            Asked::Refresh => HttpRequest::refresh(client, &self.token),
            Asked::Revoke => HttpRequest::revoke(client, &self.token),
        }
    }

    fn was_refreshed(&mut self, answer: &Answer) {
        let told = answer.tokens();
        let successor = GrantCredential::parse(&told.refresh).expect("a refresh token");
        assert_eq!(successor.grant_id, self.grant_id);
        assert_eq!(successor.generation, self.generation + 1, "{self:?}");
        self.generation += 1;
        self.token = told.refresh;
        self.access_token = Some(told.access);
    }

    fn check_invalid(&self, world: &World) {
        assert!(!self.access_token.iter().any(|token| world.is_active(token)));
        let refused = world.try_refresh(&self.token);
        refused.assert_refused(400, "invalid_grant");
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    Refresh,
    Revoke,
}

/// What became of the requests whose answers never came.
#[derive(Debug, Default)]
struct Unanswered {
    carried_out: usize,
    not_carried_out: usize,
}

const WORKERS: usize = 4;

/// How many grants a worker refreshes in turn.
const CHAINS: usize = 2;

/// Far more than the workers manage before the issuer is stopped.
const MOST_REQUESTS: usize = 10_000;
