use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Runs one piece of work at a time, in a task of its own. Callers that need it meanwhile wait for
/// the same work, and a caller that is dropped does not end it.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    running: Mutex<Option<watch::Receiver<()>>>,
}

impl Flight {
    /// Starts `work`, unless it is running already, or nothing is running and `needed` says that it
    /// is not needed.
    pub(crate) fn start(
        &self,
        needed: impl FnOnce() -> bool,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Start {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // The sender is dropped when the work ends, also when it panics or is aborted.
        if let Some(end) = running.as_ref().filter(|end| end.has_changed().is_ok()) {
            return Start::Joined(Landing(end.clone()));
        }
        if !needed() {
            return Start::NotNeeded;
        }
        let (sender, end) = watch::channel(());
        *running = Some(end.clone());
        tokio::spawn(async move {
            work.await;
            drop(sender);
        });
        Start::Started(Landing(end))
    }
}

/// The outcome of an attempt to start.
pub(crate) enum Start {
    /// The work was started.
    Started(Landing),
    /// It was running already.
    Joined(Landing),
    /// There is nothing to do.
    NotNeeded,
}

impl Start {
    /// Waits until the work ends, whether this call or another one started it.
    pub(crate) async fn landed(self) {
        if let Self::Started(landing) | Self::Joined(landing) = self {
            landing.wait().await;
        }
    }
}

/// The end of the work.
pub(crate) struct Landing(watch::Receiver<()>);

impl Landing {
    pub(crate) async fn wait(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}
