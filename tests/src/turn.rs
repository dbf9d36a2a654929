//! Scenarios that share the issuer at `ISSUER_URL` run at once, except one that looks at everything
//! in its table. A scenario takes one turn.

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The right to use the shared issuer, until this is dropped.
pub(crate) enum Turn {
    /// Beside other scenarios.
    Shared { _turn: RwLockReadGuard<'static, ()> },
    /// While no other scenario has a turn.
    Alone {
        _turn: RwLockWriteGuard<'static, ()>,
    },
}

impl Turn {
    /// Waits for a turn beside others.
    pub(crate) fn shared() -> Self {
        Self::Shared {
            _turn: TURNS.blocking_read(),
        }
    }

    /// Waits until nobody else has a turn.
    pub(crate) fn alone() -> Self {
        Self::Alone {
            _turn: TURNS.blocking_write(),
        }
    }
}

static TURNS: RwLock<()> = RwLock::const_new(());
