//! The end of all sessions of a person, by one write.

use tokensmith_verifier::{Clock, Timestamp};

use super::revoke::ATTEMPTS;
use crate::config::SERVER_CLOCK_SKEW;
use crate::names::SubjectName;
use crate::store::aws_calls::ATTEMPT_TIMEOUT;
use crate::store::records::User;
use crate::store::{Change, StoreError, Table, Update};

/// Why sessions end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndSessions {
    /// Somebody wants them to.
    All,
    /// There is a password that was set at this time. Nobody can begin a session any more with an earlier one.
    BeforePassword(Timestamp),
}

/// Ends every session of `subject` that has begun until now. Returns the user as it is now; `None` when there is none.
///
/// # Errors
/// [`StoreError`] when it is unknown whether the write was applied. Repeating it is safe.
pub async fn end_sessions(
    table: &Table,
    subject: &SubjectName,
    why: EndSessions,
    clock: &Clock,
) -> Result<Option<User>, StoreError> {
    let key = User::key_of(subject);
    let mut current = table.get(&key).await?;
    let mut attempts_left = ATTEMPTS;
    loop {
        let Some(user) = &current else {
            return Ok(None);
        };
        let wanted = ended(user, why, clock.now());
        // Each attempt needs a time of its own.
        let change = Change::between(user, &wanted)?.single_attempt();
        match table.update(&key, change).await {
            Ok(Update::Applied(ended)) => return Ok(Some(ended.record)),
            Ok(Update::Refused(newer)) => current = newer,
            Err(err) => {
                attempts_left -= 1;
                if attempts_left == 0 {
                    return Err(err);
                }
            }
        }
    }
}

/// The user, once all sessions have ended that rest on a read before the write. The write may be applied up to its time-out after
/// `now`, and who has read may be ahead by the clock skew.
fn ended(user: &User, why: EndSessions, now: Timestamp) -> User {
    let until = now.after(ATTEMPT_TIMEOUT + SERVER_CLOCK_SKEW);
    let password = match why {
        EndSessions::All => None,
        EndSessions::BeforePassword(set_at) => Some(set_at),
    };
    User {
        sessions_not_before: user.sessions_not_before.max(Some(until)),
        password_changed_at: user.password_changed_at.max(password),
        ..user.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn user() -> User {
        User {
            subject: "alice".parse().expect("a subject"),
            name: "alice".parse().expect("a name"),
            claims: Map::new(),
            disabled: false,
            sessions_not_before: None,
            password_changed_at: None,
            created_at: at(10),
            updated_at: at(10),
        }
    }

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn the_end_of_sessions_only_moves_forward_and_covers_its_own_write() {
        let once = ended(&user(), EndSessions::All, at(100));
        let until = once.sessions_not_before.expect("an end");
        assert!(until >= at(100).after(ATTEMPT_TIMEOUT + SERVER_CLOCK_SKEW));
        let by_a_slow_clock = ended(&once, EndSessions::All, at(50));
        assert_eq!(by_a_slow_clock.sessions_not_before, Some(until));
        assert_eq!(by_a_slow_clock.password_changed_at, None);
    }

    #[test]
    fn a_new_password_is_settled_once_the_sessions_before_it_have_ended() {
        assert!(user().has_settled(at(10)), "the first password");
        assert!(!user().has_settled(at(20)), "an interrupted change");
        assert!(!user().has_replaced(at(20)));
        let changed = ended(&user(), EndSessions::BeforePassword(at(20)), at(20));
        assert!(changed.has_settled(at(20)));
        assert!(changed.has_replaced(at(19)) && !changed.has_replaced(at(20)));
        let late = ended(&changed, EndSessions::BeforePassword(at(15)), at(21));
        assert_eq!(late.password_changed_at, Some(at(20)));
    }
}
