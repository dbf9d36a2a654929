//! Slowing down who guesses: by what is guessed and where from, and by where from alone. Nobody is locked out from anywhere else.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tokensmith_issuer::credential::sha256_text;
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::names::{SubjectName, UserName};
use tokensmith_issuer::store::records::Backoff;
use tokensmith_issuer::store::{Change, Insert, Stored, Table, Update};
use tokensmith_verifier::Timestamp;

/// Somebody who guesses something, from somewhere.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    /// What is guessed, from there.
    own: String,
    /// Anything, from there.
    anything: String,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Admitted {
    /// It may.
    Yes,
    /// Not before so many seconds.
    TryAgainIn(u64),
}

impl Guess {
    /// The password of this user.
    pub(crate) fn password(name: &UserName, source: Option<&str>) -> Self {
        Self::of("password", &name.as_str().to_lowercase(), source)
    }

    /// The code that a device shows, by somebody who has signed in.
    pub(crate) fn user_code(subject: &SubjectName, source: Option<&str>) -> Self {
        Self::of("user code", subject.as_str(), source)
    }

    fn of(kind: &str, what: &str, source: Option<&str>) -> Self {
        let from = network(source);
        Self {
            own: hash(&[kind, what, &from]),
            anything: hash(&[kind, &from]),
        }
    }

    /// Counts an attempt before it is made, unless there were too many. One read and one write.
    ///
    /// # Errors
    /// [`Unavailable`] when the table fails.
    pub(crate) async fn admit(
        &self,
        table: &Table,
        now: Timestamp,
    ) -> Result<Admitted, Unavailable> {
        for _ in 0..RACES {
            let (own_key, anything_key) =
                (Backoff::key_of(&self.own), Backoff::key_of(&self.anything));
            let mut found = table.get_several(&[&own_key, &anything_key]).await?;
            let own = found.take(&own_key)?;
            let anything = found.take(&anything_key)?;
            let waits = [&own, &anything].into_iter().flatten();
            let wait = waits.map(|one| one.retry_at.since(now).as_secs()).max();
            if let Some(wait) = wait.filter(|wait| *wait > 0) {
                return Ok(Admitted::TryAgainIn(wait));
            }
            if count(table, &self.own, own, FREE, now).await? {
                return Ok(Admitted::Yes);
            }
            // Somebody else has made an attempt at the same time, which counts as well.
        }
        Ok(Admitted::TryAgainIn(1))
    }

    /// Counts an attempt that has failed for where it came from.
    ///
    /// # Errors
    /// [`Unavailable`] when the table fails.
    pub(crate) async fn failed(&self, table: &Table, now: Timestamp) -> Result<(), Unavailable> {
        for _ in 0..RACES {
            let known = table.get(&Backoff::key_of(&self.anything)).await?;
            if count(table, &self.anything, known, FREE_FROM_ANYWHERE, now).await? {
                break;
            }
        }
        Ok(())
    }

    /// Forgets the attempts before one that was right.
    ///
    /// # Errors
    /// [`Unavailable`] when the table fails.
    pub(crate) async fn succeeded(&self, table: &Table) -> Result<(), Unavailable> {
        Ok(table.delete(&Backoff::key_of(&self.own)).await?)
    }
}

/// Adds one attempt, unless somebody else has meanwhile.
async fn count(
    table: &Table,
    id: &str,
    known: Option<Stored<Backoff>>,
    free: u32,
    now: Timestamp,
) -> Result<bool, Unavailable> {
    let live = known.as_ref().filter(|known| known.expires_at > now);
    let failures = live.map_or(0, |known| known.failures).saturating_add(1);
    let wanted = Backoff {
        id: id.to_owned(),
        failures,
        retry_at: now.after(delay(failures, free)),
        expires_at: now.after(REMEMBERED),
    };
    let Some(known) = known else {
        let inserted = table.insert(&wanted).await?;
        return Ok(matches!(inserted, Insert::Inserted));
    };
    let change = Change::between(&known, &wanted)?;
    let updated = table.update(&Backoff::key_of(id), change).await?;
    Ok(matches!(updated, Update::Applied(_)))
}

/// How long to wait after so many attempts in vain.
fn delay(failures: u32, free: u32) -> Duration {
    match failures.checked_sub(free) {
        None | Some(0) => Duration::ZERO,
        Some(beyond) => LONGEST.min(Duration::from_secs(1 << (beyond - 1).min(6))),
    }
}

/// Where from: one who has an IPv6 network has all its addresses.
fn network(source: Option<&str>) -> String {
    let address = source.and_then(|source| source.parse::<IpAddr>().ok());
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        None => "unknown".to_owned(),
    }
}

fn hash(parts: &[&str]) -> String {
    sha256_text(parts.join("\n").as_bytes())
}

/// How many mistakes nobody waits for.
const FREE: u32 = 3;

/// The same for everybody behind one address together.
const FREE_FROM_ANYWHERE: u32 = 50;

const LONGEST: Duration = Duration::from_secs(30);

/// How long a mistake is held against somebody.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// How often an attempt is counted again that others came before.
const RACES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_free_at_first_and_never_cost_more_than_30_seconds() {
        let seconds: Vec<u64> = (1..=12).map(|n| delay(n, FREE).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30, 30]);
        assert_eq!(delay(u32::MAX, FREE), LONGEST);
    }

    #[test]
    fn a_network_is_one_source() {
        let of = |source| network(Some(source));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
