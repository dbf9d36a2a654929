//! A request of which one call to AWS ends badly.

use super::*;
use std::sync::mpsc;
use tokensmith_tests::faults::Fault;
use tokio::task::JoinHandle;

/// How the call ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The process is killed before anything was applied.
    KilledBefore,
    /// The process is killed when it was applied, and nothing has come back.
    KilledAfter,
    /// This, and everything after it does the same.
    From(Fault),
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Interrupted {
    /// It had fewer calls.
    Through,
    Killed,
    Answered(Answer),
}

/// Sends a request at a function that has loaded nothing, and whose call number `step` ends like this. What the browser is sent in
/// the answer is lost.
pub(crate) async fn interrupted(
    issuer: &InProcess,
    browser: &Browser,
    request: &HttpRequest,
    step: usize,
    end: End,
) -> Interrupted {
    let (cold, mut browser, request) = (issuer.cold().await, browser.clone(), request.clone());
    let standing = StandingTime::new();
    let mut held = issuer.dynamo.hold();
    let task = tokio::spawn(async move { browser.send(&cold, request).await });
    let mut calls = 0;
    let reached = loop {
        let call = tokio::select! {
            call = held.recv() => call.expect("the hold is ours"),
            () = ended(&task) => break None,
        };
        if calls == step {
            break Some(call);
        }
        calls += 1;
        call.release(None);
    };
    // From here on nothing takes real time, and what waits for a time limit need not wait.
    drop(standing);
    let Some(call) = reached else {
        issuer.dynamo.unhold();
        task.await.expect("an answer");
        return Interrupted::Through;
    };
    let outcome = match end {
        End::KilledBefore => {
            kill(task).await;
            Interrupted::Killed
        }
        End::KilledAfter => {
            call.release(Some(Fault::After));
            held.recv().await.expect("the SDK's next attempt");
            kill(task).await;
            Interrupted::Killed
        }
        End::From(fault) => {
            issuer.dynamo.outage(Some(fault));
            issuer.dynamo.unhold();
            call.release(Some(fault));
            Interrupted::Answered(task.await.expect("an answer"))
        }
    };
    issuer.dynamo.outage(None);
    issuer.dynamo.unhold();
    outcome
}

async fn kill(task: JoinHandle<Answer>) {
    task.abort();
    let end = task.await;
    assert!(end.is_err_and(|end| end.is_cancelled()));
}

/// As long as it lives, tokio's paused clock stands, whatever the runtime waits for: a password is hashed in a thread that the
/// runtime does not know.
pub(crate) struct StandingTime {
    _until_dropped: mpsc::Sender<()>,
}

impl StandingTime {
    pub(crate) fn new() -> Self {
        let (until_dropped, end) = mpsc::channel();
        tokio::task::spawn_blocking(move || end.recv());
        Self {
            _until_dropped: until_dropped,
        }
    }
}

async fn ended<T>(task: &JoinHandle<T>) {
    while !task.is_finished() {
        tokio::task::yield_now().await;
    }
}
