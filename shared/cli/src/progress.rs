//! What a command tells on a terminal while it reads the whole table.

use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokensmith_issuer::admin::Progress;

/// Says how many items were read, on a terminal, once that has taken a while.
pub fn on_terminal() -> Progress {
    if !stderr().is_terminal() {
        return Progress::default();
    }
    let started = Instant::now();
    Progress::new(move |items| {
        if started.elapsed() > PATIENCE {
            SHOWN.store(true, Ordering::Relaxed);
            eprint!("\r{items} items read…");
        }
    })
}

/// Says on a terminal how many of `all` steps are done, once that has taken a while.
pub fn steps(all: usize) -> impl Fn(usize) {
    let (started, is_terminal) = (Instant::now(), stderr().is_terminal());
    move |done| {
        if is_terminal && started.elapsed() > PATIENCE {
            SHOWN.store(true, Ordering::Relaxed);
            eprint!("\r{done} of {all} changes made…");
        }
    }
}

/// Takes away what was told, before anything else is written there.
pub fn clear() {
    if SHOWN.swap(false, Ordering::Relaxed) {
        let _ = stderr().write_all(b"\r\x1b[K");
    }
}

static SHOWN: AtomicBool = AtomicBool::new(false);

/// Nobody needs to be told of what takes less.
const PATIENCE: Duration = Duration::from_millis(500);
