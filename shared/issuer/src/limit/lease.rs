use tokensmith_verifier::Timestamp;

use super::Limit;

/// What one process has leased of one limit in one window.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) limit: Limit,
    /// When the window has begun.
    pub(super) window: Timestamp,
    /// The permits that are leased and not spent.
    held: u64,
    /// The permits that nobody had leased when this process last asked; `None` while it has not asked.
    left: Option<u64>,
}

impl Lease {
    /// Nothing is leased yet.
    pub(super) const fn new(limit: Limit, window: Timestamp) -> Self {
        Self {
            limit,
            window,
            held: 0,
            left: None,
        }
    }

    /// Spends a permit, if one is leased.
    pub(super) const fn spend(&mut self) -> bool {
        let has_one = self.held > 0;
        self.held = self.held.saturating_sub(1);
        has_one
    }

    /// How many permits to lease next; `None` when it is known that the window has none.
    ///
    /// Who leases more than one strands at most 1 % of what was left. The first lease is one permit, because only its answer says what is
    /// left.
    pub(super) const fn next(&self) -> Option<u64> {
        match self.left {
            Some(0) => None,
            None => Some(1),
            Some(_) if self.limit.permits() <= LARGEST_UNLEASED => Some(1),
            Some(left) => match left / 100 {
                0 => Some(1),
                more if more > LARGEST_LEASE => Some(LARGEST_LEASE),
                more => Some(more),
            },
        }
    }

    /// The table has leased so many permits, and `leased` in all.
    pub(super) const fn granted(&mut self, permits: u64, leased: u64) {
        self.held += permits;
        self.left = Some(self.limit.permits().saturating_sub(leased));
    }

    /// The table has fewer permits than were asked for: `leased` are leased already.
    pub(super) const fn refused(&mut self, leased: u64) {
        self.left = Some(self.limit.permits().saturating_sub(leased));
    }

    /// The permits that are left, as far as is known.
    pub(super) const fn remaining(&self) -> u64 {
        match self.left {
            Some(left) => left + self.held,
            None => self.held,
        }
    }
}

/// Up to this many permits in a window, each is leased by itself, so that none is stranded.
const LARGEST_UNLEASED: u64 = 1_000;

/// The most that one process strands when it ends.
const LARGEST_LEASE: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(limit: &str) -> Lease {
        let limit = limit.parse().expect("a limit");
        Lease::new(limit, Timestamp::from_seconds(0))
    }

    #[test]
    fn the_first_lease_is_one_permit_and_later_ones_a_hundredth_of_what_is_left() {
        for (limit, leased, next) in [
            ("10/1m", 1, Some(1)),
            ("10/1m", 10, None),
            ("1000/1m", 1, Some(1)),
            ("1001/1m", 1, Some(10)),
            ("1001/1m", 902, Some(1)),
            ("1001/1m", 1001, None),
            ("100000/1m", 1, Some(100)),
            ("100000/1m", 90_000, Some(100)),
            ("100000/1m", 95_000, Some(50)),
            ("100000/1m", 99_999, Some(1)),
            ("100000/1m", 100_000, None),
            // The limit was lowered.
            ("10/1m", 500, None),
        ] {
            let mut lease = lease(limit);
            assert_eq!(lease.next(), Some(1));
            lease.refused(leased);
            assert_eq!(lease.next(), next, "{limit}, {leased} leased");
        }
    }

    #[test]
    fn what_is_leased_is_spent_once() {
        let mut lease = lease("100000/1m");
        assert!(!lease.spend());
        lease.granted(3, 53);
        assert_eq!(lease.remaining(), 99_950);
        assert_eq!([(); 4].map(|()| lease.spend()), [true, true, true, false]);
        assert_eq!(lease.remaining(), 99_947);
    }
}
