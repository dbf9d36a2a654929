//! Runs requests against the real issuer, one store operation at a time, and comes back for every
//! other order and every other place for a fault.

use std::collections::BTreeMap;
use std::pin::Pin;

use tokensmith_tests::faults::{Fault, Held, numbered};
use tokensmith_tests::in_process::{Answer, InProcess};
use tokio::sync::mpsc;

/// A request that has not been sent.
pub type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The choices of one run, and where the next one differs.
#[derive(Debug, Default)]
pub struct Schedule {
    /// What to choose while it lasts; after that, the first of each.
    chosen: Vec<usize>,
    /// How many there were to choose from.
    choices: Vec<usize>,
    at: usize,
    /// What was chosen, for a failure's message.
    pub trace: Vec<String>,
}

impl Schedule {
    fn choose(&mut self, from: usize) -> usize {
        if self.at == self.chosen.len() {
            self.chosen.push(0);
            self.choices.push(from);
        }
        assert_eq!(self.choices[self.at], from, "a run must be repeatable");
        self.at += 1;
        self.chosen[self.at - 1]
    }

    /// Moves on to the next run; `false` after the last.
    pub fn advance(&mut self) -> bool {
        self.at = 0;
        self.trace.clear();
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

    /// Sends all requests and lets their store operations through one by one, as chosen, with at
    /// most so many faults.
    pub async fn run(
        &mut self,
        issuer: &InProcess,
        requests: Vec<Pending>,
        mut faults: usize,
    ) -> Vec<Answer> {
        let mut held = issuer.dynamo.hold();
        let (finish, mut finished) = mpsc::unbounded_channel();
        let count = requests.len();
        let (mut waiting, mut answers) = (BTreeMap::new(), BTreeMap::new());
        for (number, request) in requests.into_iter().enumerate() {
            let finish = finish.clone();
            tokio::spawn(numbered(number, async move {
                let answer = request.await;
                finish.send((number, answer)).expect("somebody waits");
            }));
            next_event(&mut held, &mut finished, &mut waiting, &mut answers).await;
        }
        while !waiting.is_empty() {
            let numbers: Vec<usize> = waiting.keys().copied().collect();
            let outcomes: &[Option<Fault>] = match faults {
                0 => &[None],
                _ => &[None, Some(Fault::Before), Some(Fault::After)],
            };
            let choice = self.choose(numbers.len() * outcomes.len());
            let number = numbers[choice / outcomes.len()];
            let outcome = outcomes[choice % outcomes.len()];
            faults -= usize::from(outcome.is_some());
            let attempt = waiting.remove(&number).expect("it waits");
            let operation = &attempt.operation;
            self.trace
                .push(format!("{number}: {operation} {outcome:?}"));
            attempt.release(outcome);
            next_event(&mut held, &mut finished, &mut waiting, &mut answers).await;
        }
        issuer.dynamo.unhold();
        assert_eq!(answers.len(), count);
        answers.into_values().collect()
    }
}

/// Waits until the one request that is not waiting asks the store again, or has its answer.
async fn next_event(
    held: &mut mpsc::UnboundedReceiver<Held>,
    finished: &mut mpsc::UnboundedReceiver<(usize, Answer)>,
    waiting: &mut BTreeMap<usize, Held>,
    answers: &mut BTreeMap<usize, Answer>,
) {
    tokio::select! {
        attempt = held.recv() => {
            let attempt = attempt.expect("it is held");
            let number = attempt.request.expect("it is numbered");
            assert!(waiting.insert(number, attempt).is_none(), "one at a time");
        }
        answer = finished.recv() => {
            let (number, answer) = answer.expect("an answer");
            answers.insert(number, answer);
        }
    }
}
