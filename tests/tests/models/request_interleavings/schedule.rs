//! Runs requests against the real issuer, one store operation at a time, and comes back for every
//! other order and every other place for a fault.

use std::collections::BTreeMap;

use tokensmith_tests::Answer;
use tokensmith_tests::faults::{Fault, Held, numbered};
use tokio::sync::mpsc;

use super::scene::{Ask, Scene, Snapshot};

/// The choices of one run, and where the next one differs.
#[derive(Debug, Default)]
pub struct Schedule {
    /// What to choose while it lasts; after that, the first of each.
    chosen: Vec<usize>,
    /// How many there were to choose from.
    choices: Vec<usize>,
    at: usize,
}

/// What happened in one run.
#[derive(Debug)]
pub struct Run {
    /// Each request with its answer.
    pub answered: Vec<(Ask, Answer)>,
    /// The attempts of store operations, in the order in which they were let through.
    pub steps: Vec<Step>,
}

impl Run {
    /// What was let through, in order.
    pub fn trace(&self) -> String {
        let line = |step: &Step| {
            let Step {
                request,
                operation,
                fault,
                after,
                ..
            } = step;
            format!("request {request}: {operation}, lost: {fault:?}; then {after:?}\n")
        };
        self.steps.iter().map(line).collect()
    }
}

/// One attempt of a store operation.
#[derive(Debug)]
pub struct Step {
    /// Whose it was.
    pub request: usize,
    /// The operation's name.
    pub operation: String,
    /// Whether it was lost, and when.
    pub fault: Option<Fault>,
    /// How the grant stood before it.
    pub before: Snapshot,
    /// How the grant stood after it.
    pub after: Snapshot,
}

/// How an attempt is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Loss {
    /// Before or after it was applied.
    pub fault: Fault,
    /// Whether all further attempts for this request are lost as well; otherwise the SDK's next
    /// one works.
    pub for_good: bool,
}

impl Schedule {
    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        if self.at == self.chosen.len() {
            self.chosen.push(0);
            self.choices.push(from.len());
        }
        assert_eq!(self.choices[self.at], from.len(), "a run is repeatable");
        self.at += 1;
        from[self.chosen[self.at - 1]]
    }

    /// Moves on to the next run; `false` after the last.
    pub fn advance(&mut self) -> bool {
        self.at = 0;
        while let (Some(last), Some(from)) = (self.chosen.last_mut(), self.choices.last()) {
            *last += 1;
            if *last < *from {
                return true;
            }
            self.chosen.pop();
            self.choices.pop();
        }
        false
    }

    /// Sends all requests and lets their store operations through one by one, as chosen. At most
    /// one of these losses happens.
    pub async fn run(&mut self, scene: &Scene, asks: &[Ask], losses: &[Loss]) -> Run {
        let mut under_way = UnderWay::start(scene, asks).await;
        let mut lost = None;
        let (mut steps, mut before) = (Vec::new(), scene.at_first());
        loop {
            let movable = under_way.movable(asks, &steps);
            if movable.is_empty() {
                break;
            }
            let request = self.choose_request(&movable, lost);
            let fault = self.choose_fault(request, &mut lost, losses);
            let operation = under_way.let_through(request, fault).await;
            let after = match operation.as_str() {
                "UpdateItem" => scene.snapshot().await,
                _ => before,
            };
            steps.push(Step {
                request,
                operation,
                fault,
                before,
                after,
            });
            before = after;
        }
        scene.issuer.dynamo.unhold();
        let answers = under_way.answers.into_values();
        let answered: Vec<_> = asks.iter().copied().zip(answers).collect();
        assert_eq!(answered.len(), asks.len(), "every request is answered");
        Run { answered, steps }
    }

    fn choose_request(&mut self, movable: &[usize], lost: Option<(usize, Loss)>) -> usize {
        match lost {
            // What is never applied is not seen by the others, whenever it is tried.
            Some((request, FOR_GOOD_BEFORE)) if movable.contains(&request) => request,
            _ => self.choose(movable),
        }
    }

    fn choose_fault(
        &mut self,
        request: usize,
        lost: &mut Option<(usize, Loss)>,
        losses: &[Loss],
    ) -> Option<Fault> {
        match *lost {
            Some((down, loss)) => (down == request && loss.for_good).then_some(loss.fault),
            None => {
                let nothing = std::iter::once(None);
                let possible: Vec<_> = nothing.chain(losses.iter().copied().map(Some)).collect();
                let loss = self.choose(&possible)?;
                *lost = Some((request, loss));
                Some(loss.fault)
            }
        }
    }
}

const FOR_GOOD_BEFORE: Loss = Loss {
    fault: Fault::Before,
    for_good: true,
};

/// The requests that were sent. At any time at most one of them runs; the others wait for the
/// store, or have their answers.
struct UnderWay {
    held: mpsc::UnboundedReceiver<Held>,
    finished: mpsc::UnboundedReceiver<(usize, Answer)>,
    waiting: BTreeMap<usize, Held>,
    answers: BTreeMap<usize, Answer>,
}

impl UnderWay {
    async fn start(scene: &Scene, asks: &[Ask]) -> Self {
        let (finish, finished) = mpsc::unbounded_channel();
        let mut this = Self {
            held: scene.issuer.dynamo.hold(),
            finished,
            waiting: BTreeMap::new(),
            answers: BTreeMap::new(),
        };
        for (number, ask) in asks.iter().enumerate() {
            let (request, finish) = (scene.send(*ask), finish.clone());
            tokio::spawn(numbered(number, async move {
                finish.send((number, request.await)).expect("it is awaited");
            }));
            this.next_event().await;
        }
        this
    }

    /// The requests that can go on. Of those that ask the same and have not begun, the first one
    /// stands for all: the others would only repeat its runs under another number.
    fn movable(&self, asks: &[Ask], steps: &[Step]) -> Vec<usize> {
        let has_begun = |request: usize| steps.iter().any(|step| step.request == request);
        let is_repetition = |request: usize| {
            let mut earlier = asks[..request].iter().enumerate();
            earlier.any(|(other, ask)| *ask == asks[request] && !has_begun(other))
        };
        let waiting = self.waiting.keys().copied();
        waiting
            .filter(|request| has_begun(*request) || !is_repetition(*request))
            .collect()
    }

    /// Lets the operation through that a request waits for, and returns its name.
    async fn let_through(&mut self, request: usize, fault: Option<Fault>) -> String {
        let held = self.waiting.remove(&request).expect("it waits");
        let operation = held.operation.clone();
        held.release(fault);
        self.next_event().await;
        operation
    }

    /// Waits until the one request that runs asks the store again, or has its answer.
    async fn next_event(&mut self) {
        tokio::select! {
            held = self.held.recv() => {
                let held = held.expect("operations are held");
                let number = held.request.expect("it is numbered");
                assert!(self.waiting.insert(number, held).is_none(), "one at a time");
            }
            answer = self.finished.recv() => {
                let (number, answer) = answer.expect("an answer");
                self.answers.insert(number, answer);
            }
        }
    }
}
