//! Scenarios that share the issuer at `ISSUER_URL` run at once, except one that looks at everything
//! in its table.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The right to use the shared issuer, until this is dropped.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Beside other scenarios.
    Shared,
    /// While no other scenario has a turn.
    Alone,
}

impl Turn {
    /// Waits for a turn beside others. A scenario may take several of these, so whoever waits to be
    /// alone does not hold them up.
    pub(crate) fn shared() -> Self {
        let turns = CHANGED.wait_while(turns(), |turns| turns.alone);
        turns.unwrap_or_else(PoisonError::into_inner).shared += 1;
        Self::Shared
    }

    /// Waits until nobody else has a turn.
    pub(crate) fn alone() -> Self {
        let turns = CHANGED.wait_while(turns(), |turns| turns.alone || turns.shared > 0);
        turns.unwrap_or_else(PoisonError::into_inner).alone = true;
        Self::Alone
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        match self {
            Self::Shared => turns().shared -= 1,
            Self::Alone => turns().alone = false,
        }
        CHANGED.notify_all();
    }
}

struct Turns {
    shared: usize,
    alone: bool,
}

fn turns() -> MutexGuard<'static, Turns> {
    // A scenario that has failed has given its turn back as well.
    TURNS.lock().unwrap_or_else(PoisonError::into_inner)
}

static TURNS: Mutex<Turns> = Mutex::new(Turns {
    shared: 0,
    alone: false,
});
static CHANGED: Condvar = Condvar::new();
