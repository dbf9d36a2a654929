//! What takes something away from a user. Each of these keeps the order in which a kill between two writes leaves less access,
//! never more, and can be repeated until all is done.

use std::time::Duration;

use tokensmith_verifier::Timestamp;

use super::{UserError, at_once};
use crate::admin::{AdminEvent, Administrator, Changed, Ending, GrantsOf};
use crate::names::{SubjectName, UserName};
use crate::revocation::{EndSessions, cut_off, end_sessions, revoke_given, revoke_subject};
use crate::store::records::{Consent, Grant, LinkedAccount, Login, PasswordHash, Session, User};
use crate::store::{Change, CheckedTime, Key, StoreError, Update};
use crate::upstream::linked_accounts;

impl Administrator {
    /// Keeps a user from signing in, and ends all sessions, grants and tokens.
    ///
    /// Sessions end before grants: who still had one could give a grant after the others have ended.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or the table fails.
    pub async fn disable_user(&self, who: &str) -> Result<Changed<User>, UserError> {
        let subject = self.user(who).await?.subject;
        let event = AdminEvent::UserDisabled {
            subject: subject.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let user = self.shut_out(&subject, &time).await?;
            revoke_subject(&self.table, subject.as_str(), &time).await?;
            Ok(self.in_feed(user, made, time))
        };
        self.recorded(event, change).await
    }

    /// Lets a disabled user sign in again. What ended when the user was disabled stays ended.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or the table fails.
    pub async fn enable_user(&self, who: &str) -> Result<Changed<User>, UserError> {
        let subject = self.user(who).await?.subject;
        let event = AdminEvent::UserEnabled {
            subject: subject.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let enabled = |user: &mut User| {
                user.disabled = false;
                Ok(())
            };
            let user = self.change_user(&subject, enabled).await?;
            Ok(at_once(user, made, &time))
        };
        self.recorded(event, change).await
    }

    /// Gives a user another password, and ends all sessions and what was given in them. What was given for offline access stays.
    ///
    /// The password changes first: who knows the old one could sign in again after the sessions have ended.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or the table fails.
    pub async fn set_password(
        &self,
        who: &str,
        password: PasswordHash,
    ) -> Result<Changed<User>, UserError> {
        let User { subject, name, .. } = self.user(who).await?;
        let event = AdminEvent::PasswordSet {
            subject: subject.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let set_at = self
                .replace_password(&subject, &name, password, &time)
                .await?;
            let why = EndSessions::BeforePassword(set_at);
            let user = self.sign_out(&subject, why, time).await?;
            Ok(self.in_feed(user, made, time))
        };
        self.recorded(event, change).await
    }

    /// The sessions of a user, the last first. One that began a moment ago may be missing.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or the table fails.
    pub async fn sessions(&self, who: &str) -> Result<Vec<Session>, UserError> {
        let user = self.user(who).await?;
        let mut sessions = Vec::new();
        let now = self.now().await?;
        for key in self.session_keys(&user.subject).await? {
            let session = self.table.get(&key).await?;
            let live = session.filter(|session| session.is_live(&user, now));
            sessions.extend(live.map(|session| session.record));
        }
        sessions.sort_by_key(|session| std::cmp::Reverse(session.signed_in_at));
        Ok(sessions)
    }

    /// Ends one session of a user, and what was given in it unless it is for offline access.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user or session, or the table fails.
    pub async fn end_session(&self, who: &str, id: &str) -> Result<Changed<User>, UserError> {
        let user = self.user(who).await?;
        let event = AdminEvent::SessionEnded {
            subject: user.subject.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let key = Session::key_of(id);
            let session = self.table.get(&key).await?;
            let own = session.filter(|session| session.subject == user.subject);
            let Some(session) = own else {
                return Err(UserError::NoSession(user.name));
            };
            let sid = &session.sid;
            let ends = |grant: &Grant| grant.ends_with_session() && grant.was_given_in(sid);
            revoke_given(&self.table, &user.subject, ends, time.now()).await?;
            self.table.delete(&key).await?;
            Ok(self.in_feed(user, made, time))
        };
        self.recorded(event, change).await
    }

    /// Ends every session of a user, and what was given in any of them unless it is for offline access.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or the table fails.
    pub async fn end_sessions(&self, who: &str) -> Result<Changed<User>, UserError> {
        let subject = self.user(who).await?.subject;
        let event = AdminEvent::SessionsEnded {
            subject: subject.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let user = self.sign_out(&subject, EndSessions::All, time).await?;
            Ok(self.in_feed(user, made, time))
        };
        self.recorded(event, change).await
    }

    /// Deletes a user, after everything that the user has signed in with, granted and agreed to. The name can be used again, the
    /// subject never.
    ///
    /// The name is freed last: until then, the user can be found by it, however often this is killed, and nobody else can have
    /// it.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or the table fails.
    pub async fn delete_user(&self, who: &str) -> Result<Changed<SubjectName>, UserError> {
        let subject = self.subject_of(who).await?;
        let user = self.table.get(&User::key_of(&subject)).await?;
        let name = match (&user, who.parse()) {
            (Some(user), _) => user.name.clone(),
            // A name without its user.
            (None, Ok(name)) if who != subject.as_str() => name,
            _ => return Err(UserError::Unknown(who.to_owned())),
        };
        let event = AdminEvent::UserDeleted {
            subject: subject.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            if user.is_some() {
                self.shut_out(&subject, &time).await?;
            }
            revoke_subject(&self.table, subject.as_str(), &time).await?;
            self.forget(&subject).await?;
            self.table.delete(&User::key_of(&subject)).await?;
            let login = Login::key_of(&name);
            self.table
                .delete_if_equal(&login, Login::SUBJECT, &subject)
                .await?;
            Ok(self.in_feed(subject, made, time))
        };
        self.recorded(event, change).await
    }

    /// What ends when a user is disabled or deleted.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or the table fails.
    pub async fn ending_of_user(&self, who: &str) -> Result<Ending, UserError> {
        let subject = self.subject_of(who).await?;
        let grants = self.grants_of(GrantsOf::Subject(subject));
        Ok(Ending {
            grants: grants.live().await?,
            ..self.ending_of_sessions(who).await?
        })
    }

    /// What ends when a user is signed out everywhere.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or the table fails.
    pub async fn ending_of_sessions(&self, who: &str) -> Result<Ending, UserError> {
        let subject = self.subject_of(who).await?;
        let (mut grants, mut pages) = (0, self.grants_of(GrantsOf::Subject(subject)));
        while let Some(page) = pages.next().await? {
            for listed in page {
                let listed = listed?;
                let ends = listed.standing.is_ok() && listed.grant.ends_with_session();
                grants += usize::from(ends);
            }
        }
        let sessions = match self.sessions(who).await {
            Ok(sessions) => sessions.len(),
            // It may have been deleted in part.
            Err(UserError::Unknown(_)) => 0,
            Err(err) => return Err(err),
        };
        Ok(Ending {
            grants,
            sessions,
            ..Ending::default()
        })
    }

    /// Replaces the password by one write, and returns when that was.
    async fn replace_password(
        &self,
        subject: &SubjectName,
        name: &UserName,
        password: PasswordHash,
        time: &CheckedTime,
    ) -> Result<Timestamp, UserError> {
        let key = Login::key_of(name);
        loop {
            let login = self.table.get(&key).await?;
            let login = login.filter(|login| login.subject == *subject);
            let login = login.ok_or_else(|| UserError::Unknown(name.to_string()))?;
            let wanted = Login {
                password: Some(password.clone()),
                // Two passwords that are set within a second are told apart.
                changed_at: time.now().max(login.changed_at.after(A_SECOND)),
                ..login.record.clone()
            };
            let change = Change::between(&login, &wanted)?;
            if let Update::Applied(login) = self.table.update(&key, change).await? {
                return Ok(login.record.changed_at);
            }
        }
    }

    /// Ends every session, after what was given in them.
    async fn sign_out(
        &self,
        subject: &SubjectName,
        why: EndSessions,
        time: CheckedTime,
    ) -> Result<User, UserError> {
        let ends = Grant::ends_with_session;
        revoke_given(&self.table, subject, ends, time.now()).await?;
        let user = end_sessions(&self.table, subject, why, &time.into()).await?;
        user.ok_or_else(|| UserError::Unknown(subject.to_string()))
    }

    /// Lets nobody sign in as this user, and ends all sessions, in one write.
    async fn shut_out(&self, subject: &SubjectName, time: &CheckedTime) -> Result<User, UserError> {
        // Whoever has read the user's record before may still begin a session.
        let until = cut_off(time);
        let shut_out = |user: &mut User| {
            user.disabled = true;
            user.sessions_not_before = user.sessions_not_before.max(Some(until));
            Ok(())
        };
        self.change_user(subject, shut_out).await
    }

    /// Deletes where the user has signed in from, by which accounts elsewhere, and what the user has agreed to.
    async fn forget(&self, subject: &SubjectName) -> Result<(), StoreError> {
        for key in self.session_keys(subject).await? {
            self.table.delete(&key).await?;
        }
        for key in linked_accounts(&self.table, subject).await? {
            // It may have been linked to somebody else since it was listed.
            let own = LinkedAccount::SUBJECT;
            self.table.delete_if_equal(&key, own, subject).await?;
        }
        let partition = Consent::partition_of(subject);
        for consent in self.table.query_all::<Consent>(&partition).await? {
            let key = Consent::key_of(subject, &consent.client_id);
            self.table.delete(&key).await?;
        }
        Ok(())
    }

    async fn session_keys(&self, subject: &SubjectName) -> Result<Vec<Key<Session>>, StoreError> {
        let (list, prefix) = (Session::list_of(subject), format!("{}#", Session::PREFIX));
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let page = self
                .table
                .query_listed(&list, &prefix, after.as_ref(), PAGE);
            let page = page.await?;
            keys.extend(page.keys);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(keys),
            }
        }
    }
}

const PAGE: i32 = 100;

const A_SECOND: Duration = Duration::from_secs(1);
