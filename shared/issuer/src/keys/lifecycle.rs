//! A signing key's life, computed from the times in the records: pending → active → retiring →
//! retired. No write changes a key's state, so nothing is left half done when a process is killed,
//! and every function that has read the records comes to the same answer.

use std::time::Duration;

use serde::Serialize;
use tokensmith_verifier::{Algorithm, CLOCK_SKEW_SECONDS};

use crate::config::{MAX_ACCESS_TTL, MAX_CACHE_TTL};
use crate::store::records::SigningKey;
use tokensmith_verifier::Timestamp;

/// The state of a signing key.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Signs, and is published.
    Active,
    /// Is published, and does not sign yet.
    Pending,
    /// No longer signs, and is published until the last token that it signed has expired.
    Retiring,
    /// Is neither published nor used.
    Retired,
}

/// The keys of one algorithm, each of which takes over from the one before it.
#[derive(Debug)]
pub struct Succession<'a> {
    /// Newest first.
    keys: Vec<&'a SigningKey>,
}

impl<'a> Succession<'a> {
    /// The keys of `algorithm` among `keys`.
    pub fn of(keys: impl IntoIterator<Item = &'a SigningKey>, algorithm: Algorithm) -> Self {
        let own = keys.into_iter().filter(|key| key.jwk.alg == algorithm);
        let mut keys: Vec<_> = own.collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.sequence));
        Self { keys }
    }

    /// The newest key that was not withdrawn: the active one, or a pending one.
    pub fn newest(&self) -> Option<&'a SigningKey> {
        let mut usable = self.keys.iter().filter(|key| key.withdrawn_at.is_none());
        usable.next().copied()
    }

    /// The sequence number of the next key.
    pub fn next_sequence(&self) -> u32 {
        self.keys.first().map_or(1, |newest| newest.sequence + 1)
    }

    /// The state at `now` of `key`, which is one of these.
    pub fn state_of(&self, key: &SigningKey, now: Timestamp) -> KeyState {
        if key.withdrawn_at.is_some() {
            return KeyState::Retired;
        }
        if now < key.active_from {
            return KeyState::Pending;
        }
        match self.end_of(key) {
            Some(end) if now >= end.published_until => KeyState::Retired,
            Some(end) if now >= end.signs_until => KeyState::Retiring,
            _ => KeyState::Active,
        }
    }

    /// How the life of `key`, which is one of these, ends; `None` as long as no successor is known.
    pub fn end_of(&self, key: &SigningKey) -> Option<KeyEnd> {
        let superseded = self.stops_signing(key).map(|signs_until| KeyEnd {
            signs_until,
            published_until: signs_until.after(PUBLISHED_AFTER_USE),
        });
        let Some(withdrawn) = key.withdrawn_at else {
            return superseded;
        };
        let [signs_until, published_until] = match superseded {
            Some(end) => [end.signs_until, end.published_until].map(|moment| moment.min(withdrawn)),
            None => [withdrawn; 2],
        };
        Some(KeyEnd {
            signs_until,
            published_until,
        })
    }

    /// When a successor takes over. One that was withdrawn before it began to sign never takes
    /// over.
    fn stops_signing(&self, key: &SigningKey) -> Option<Timestamp> {
        let newer = self
            .keys
            .iter()
            .filter(|other| other.sequence > key.sequence);
        let takes_over = |other: &&&SigningKey| {
            other
                .withdrawn_at
                .is_none_or(|withdrawn| withdrawn > other.active_from)
        };
        newer
            .filter(takes_over)
            .map(|other| other.active_from)
            .min()
    }
}

/// How the life of a signing key ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyEnd {
    /// When it stops signing.
    pub signs_until: Timestamp,
    /// When it is no longer published or used.
    pub published_until: Timestamp,
}

/// How long a key stays published after it has stopped signing. A function may go on signing for as
/// long as it caches keys, its last token is valid for the longest lifetime, and a verifier's clock
/// may be behind.
const PUBLISHED_AFTER_USE: Duration =
    Duration::from_secs(MAX_ACCESS_TTL.as_secs() + MAX_CACHE_TTL.as_secs() + CLOCK_SKEW_SECONDS);

#[cfg(test)]
mod tests {
    use jsonwebtoken::DecodingKey;

    use super::*;
    use crate::keys::{PrivateKey, PublicJwk};

    fn key(sequence: u32, active_from: u64, withdrawn_at: Option<u64>) -> SigningKey {
        let public = DecodingKey::from_ed_der(&[sequence as u8; 32]);
        SigningKey {
            sequence,
            jwk: PublicJwk::new(&public, Algorithm::EdDSA).expect("a key"),
            created_at: Timestamp::from_seconds(0),
            active_from: Timestamp::from_seconds(active_from),
            withdrawn_at: withdrawn_at.map(Timestamp::from_seconds),
            private_key: PrivateKey::Kms { key_id: "k".into() },
        }
    }

    fn states(keys: &[SigningKey], now: u64) -> Vec<KeyState> {
        let succession = Succession::of(keys, Algorithm::EdDSA);
        let state = |key| succession.state_of(key, Timestamp::from_seconds(now));
        keys.iter().map(state).collect()
    }

    use KeyState::{Active, Pending, Retired, Retiring};

    #[test]
    fn invariant_7_boundaries_of_a_life() {
        let keys = [key(1, 100, None), key(2, 200, None)];
        let end = 200 + PUBLISHED_AFTER_USE.as_secs();
        for (now, expected) in [
            (99, [Pending, Pending]),
            (100, [Active, Pending]),
            (199, [Active, Pending]),
            (200, [Retiring, Active]),
            (end - 1, [Retiring, Active]),
            (end, [Retired, Active]),
        ] {
            assert_eq!(states(&keys, now), expected, "{now}");
        }
    }

    #[test]
    fn invariant_7_a_successor_withdrawn_before_it_signed_ends_nobody() {
        let keys = [key(1, 100, None), key(2, 200, Some(150))];
        assert_eq!(states(&keys, 1_000_000), [Active, Retired]);
        let keys = [keys[0].clone(), keys[1].clone(), key(3, 500_000, None)];
        assert_eq!(states(&keys, 500_000), [Retiring, Retired, Active]);
    }

    #[test]
    fn a_compromised_key_is_gone_at_once() {
        let keys = [key(1, 100, Some(300)), key(2, 300, None)];
        assert_eq!(states(&keys, 300), [Retired, Active]);
    }

    #[test]
    fn an_end_is_what_comes_first() {
        let ends = |keys: &[SigningKey]| {
            let succession = Succession::of(keys, Algorithm::EdDSA);
            let end = |key| succession.end_of(key);
            keys.iter()
                .map(|key| {
                    end(key).map(|end| (end.signs_until.seconds(), end.published_until.seconds()))
                })
                .collect::<Vec<_>>()
        };
        let published = PUBLISHED_AFTER_USE.as_secs();
        let superseded = [key(1, 100, None), key(2, 200, None)];
        assert_eq!(ends(&superseded), [Some((200, 200 + published)), None]);
        let withdrawn_while_it_signs = [key(1, 100, Some(150)), key(2, 150, None)];
        assert_eq!(ends(&withdrawn_while_it_signs), [Some((150, 150)), None]);
        let withdrawn_later = [key(1, 100, Some(300)), key(2, 200, None)];
        assert_eq!(ends(&withdrawn_later), [Some((200, 300)), None]);
    }

    #[test]
    fn invariant_7_a_key_that_was_superseded_stays_so_when_its_successor_is_withdrawn() {
        let keys = [key(1, 100, None), key(2, 200, Some(900)), key(3, 900, None)];
        assert_eq!(states(&keys, 900), [Retiring, Retired, Active]);
        let end = 200 + PUBLISHED_AFTER_USE.as_secs();
        assert_eq!(states(&keys, end), [Retired, Retired, Active]);
    }
}
