//! People who can sign in: made, found, changed. ending.rs has what takes something away from them.
//!
//! A user is three records: `SUBJECT#` claims the subject for ever, `LOGIN#` belongs to the name, and `USER#` is the person. Who
//! signs in needs all three, so a change that is killed between two of them lets nobody in who should not be, and is finished by
//! being made again.

mod ending;

use serde_json::{Map, Value};
use tokensmith_verifier::Timestamp;

use super::audit::Made;
use super::{AdminEvent, Administrator, Changed};
use crate::credential::random_id;
use crate::names::{SubjectName, UserName};
use crate::person::{self, InvalidClaim};
use crate::store::records::{Login, PasswordHash, Subject, SubjectKind, User};
use crate::store::{Change, CheckedTime, Insert, StoreError, Update};

impl Administrator {
    /// Makes a user, with a subject that nobody had and nobody else will have.
    ///
    /// # Errors
    /// [`UserError`] when the name is taken or a claim cannot be, or the table fails.
    pub async fn create_user(&self, wanted: NewUser) -> Result<Changed<User>, UserError> {
        let subject: SubjectName = format!("{SUBJECT_PREFIX}{}", random_id())
            .parse()
            .map_err(|_| UserError::IdTaken)?;
        let event = AdminEvent::UserCreated {
            subject: subject.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let user = wanted.record(subject, time.now())?;
            let login = Login {
                name: user.name.clone(),
                subject: user.subject.clone(),
                password: wanted.password,
                changed_at: time.now(),
            };
            self.insert_user(&user, &login).await?;
            Ok(at_once(user, made, &time))
        };
        self.recorded(event, change).await
    }

    /// One user, by name or subject.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or the table fails.
    pub async fn user(&self, who: &str) -> Result<User, UserError> {
        let subject = self.subject_of(who).await?;
        let found = self.table.get(&User::key_of(&subject)).await?;
        let found = found.ok_or_else(|| UserError::Unknown(who.to_owned()))?;
        Ok(found.record)
    }

    /// Changes what is known about a user. Another change at the same time is not lost.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, a claim cannot be, or the table fails.
    pub async fn update_user(
        &self,
        who: &str,
        changes: &UserChanges,
    ) -> Result<Changed<User>, UserError> {
        let subject = self.user(who).await?.subject;
        let event = AdminEvent::UserUpdated {
            subject: subject.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let changed = |user: &mut User| changes.apply(user, time.now());
            let user = self.change_user(&subject, changed).await?;
            Ok(at_once(user, made, &time))
        };
        self.recorded(event, change).await
    }

    /// The subject that somebody is meant by: their own, or that of the name. There may be no such user.
    async fn subject_of(&self, who: &str) -> Result<SubjectName, UserError> {
        let unknown = || UserError::Unknown(who.to_owned());
        // No name looks like that.
        if who.starts_with(SUBJECT_PREFIX) {
            return who.parse().map_err(|_| unknown());
        }
        let name: UserName = who.parse().map_err(|_| unknown())?;
        let login = self.table.get(&Login::key_of(&name)).await?;
        Ok(login.ok_or_else(unknown)?.record.subject)
    }

    /// The name is reserved before the user is there, because only one of two who want it may have it; and it is reserved once more
    /// afterwards, because whoever finds it reserved without a user takes it over: then they have been killed in between, or
    /// they have not, and this is where they learn of it.
    async fn insert_user(&self, user: &User, login: &Login) -> Result<(), UserError> {
        let claim = Subject::new(user.subject.as_str(), SubjectKind::User);
        if let Insert::Exists(_) = self.table.insert(&claim).await? {
            return Err(UserError::IdTaken);
        }
        self.reserve(login).await?;
        if let Insert::Exists(_) = self.table.insert(user).await? {
            return Err(UserError::IdTaken);
        }
        let still_ours = Change::of_existing()
            .if_equal(Login::SUBJECT, &user.subject)?
            .set("changed_at", login.changed_at)?;
        match self
            .table
            .update(&Login::key_of(&user.name), still_ours)
            .await?
        {
            Update::Applied(_) => Ok(()),
            Update::Refused(_) => {
                self.table.delete(&User::key_of(&user.subject)).await?;
                Err(UserError::Exists(user.name.clone()))
            }
        }
    }

    /// Makes the name that of `login`, unless a user has it.
    async fn reserve(&self, login: &Login) -> Result<(), UserError> {
        let Insert::Exists(taken) = self.table.insert(login).await? else {
            return Ok(());
        };
        let exists = || UserError::Exists(taken.name.clone());
        let user = self.table.get(&User::key_of(&taken.subject)).await?;
        if user.is_some() {
            return Err(exists());
        }
        let change = Change::between(&taken, login)?;
        match self
            .table
            .update(&Login::key_of(&login.name), change)
            .await?
        {
            Update::Applied(_) => Ok(()),
            Update::Refused(_) => Err(exists()),
        }
    }

    /// Changes a user's record. If somebody else changed it first, starts again from the newer record.
    async fn change_user(
        &self,
        subject: &SubjectName,
        mutate: impl Fn(&mut User) -> Result<(), UserError>,
    ) -> Result<User, UserError> {
        let (key, unknown) = (User::key_of(subject), || {
            UserError::Unknown(subject.to_string())
        });
        let mut current = self.table.get(&key).await?.ok_or_else(unknown)?;
        loop {
            let mut wanted = current.record.clone();
            mutate(&mut wanted)?;
            let change = Change::between(&current, &wanted)?;
            match self.table.update(&key, change).await? {
                Update::Applied(updated) => return Ok(updated.record),
                Update::Refused(Some(newer)) => current = newer,
                Update::Refused(None) => return Err(unknown()),
            }
        }
    }
}

/// A change of what nobody has in a cache.
fn at_once<T>(outcome: T, event: AdminEvent, time: &CheckedTime) -> Made<T> {
    Made {
        outcome,
        event,
        effective_by: time.latest(),
    }
}

/// The user that is to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What the user signs in with.
    pub name: UserName,
    /// The hash of the password; `None` for who is to get one later.
    pub password: Option<PasswordHash>,
    /// What is known about the person.
    pub claims: Map<String, Value>,
}

impl NewUser {
    fn record(&self, subject: SubjectName, now: Timestamp) -> Result<User, UserError> {
        if self.name.as_str().starts_with(SUBJECT_PREFIX) {
            return Err(UserError::NameOfSubject);
        }
        person::check(&self.claims)?;
        Ok(User {
            subject,
            name: self.name.clone(),
            claims: self.claims.clone(),
            disabled: false,
            sessions_not_before: None,
            password_changed_at: None,
            created_at: now,
            updated_at: now,
        })
    }
}

/// What shall be known about a user.
#[derive(Clone, Debug, Default)]
pub struct UserChanges {
    /// Claims besides those that are known, or with another value.
    pub claims: Map<String, Value>,
    /// The names of claims that are known no longer.
    pub removed_claims: Vec<String>,
}

impl UserChanges {
    fn apply(&self, user: &mut User, now: Timestamp) -> Result<(), UserError> {
        let mut claims = user.claims.clone();
        for removed in &self.removed_claims {
            if claims.remove(removed).is_none() {
                return Err(UserError::ClaimNotThere(removed.clone()));
            }
        }
        // Nobody has verified the new one.
        for (name, verified) in VERIFIED {
            let new = self.claims.get(name);
            if new.is_some_and(|new| claims.get(name) != Some(new)) {
                claims.remove(verified);
            }
        }
        claims.extend(self.claims.clone());
        person::check(&claims)?;
        if claims != user.claims {
            user.claims = claims;
            user.updated_at = now;
        }
        Ok(())
    }
}

/// Why a user is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// There is no such user.
    #[error("no user {0}")]
    Unknown(String),
    /// Somebody has this name.
    #[error("user {0} exists already")]
    Exists(UserName),
    /// It could not be told from a subject.
    #[error("the name of a user does not begin with {SUBJECT_PREFIX}")]
    NameOfSubject,
    /// The random subject is taken.
    #[error("the subject is taken: try again")]
    IdTaken,
    /// The user has no such session.
    #[error("user {0} has no such session: `tokensmith user sessions` lists those that there are")]
    NoSession(UserName),
    /// A claim that shall be removed is not known.
    #[error("the user has no claim {0}")]
    ClaimNotThere(String),
    /// A claim cannot be.
    #[error(transparent)]
    Claims(#[from] InvalidClaim),
    /// The table failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// What can be verified, and the claim that says whether it was.
const VERIFIED: [(&str, &str); 2] = [
    ("email", "email_verified"),
    ("phone_number", "phone_number_verified"),
];

/// What the subject of each user begins with, so that it can be told from a name.
const SUBJECT_PREFIX: &str = "usr_";
