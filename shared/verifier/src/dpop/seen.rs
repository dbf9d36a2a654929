use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use super::{DpopProof, PROOF_LIFETIME_SECONDS};

/// The proofs that one process has accepted: 16 bytes for each, for as long as it could be sent again. Other processes
/// do not know of them.
#[derive(Debug, Default)]
pub(crate) struct SeenProofs(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    /// When the newer generation began, in seconds since 1970.
    since: u64,
    newer: HashSet<u128>,
    older: HashSet<u128>,
}

impl SeenProofs {
    /// Notes a proof that is accepted at `now`. False when it was accepted before.
    pub(crate) fn note(&self, proof: &DpopProof, now: u64) -> bool {
        let hash = digest(&SHA256, proof.identity().as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&hash.as_ref()[..16]);
        let short = u128::from_be_bytes(short);
        // Whoever panicked while holding it had no time to leave it half changed.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.turn(now);
        !seen.older.contains(&short) && seen.newer.insert(short)
    }
}

impl Generations {
    /// A generation is kept until everything in it could not be sent again.
    fn turn(&mut self, now: u64) {
        let age = now.saturating_sub(self.since);
        if age < PROOF_LIFETIME_SECONDS {
            return;
        }
        self.older = match age < 2 * PROOF_LIFETIME_SECONDS {
            true => mem::take(&mut self.newer),
            false => HashSet::new(),
        };
        self.newer = HashSet::new();
        self.since = now;
    }
}
