//! A person changes their password, which ends their sessions in other browsers.
//!
//! Whoever is interrupted between the writes has a new password, and other sessions that go on. The records say so, and whatever
//! comes first completes it: the same form once more, or a sign-in with the new password.

use std::mem;
use std::time::Duration;

use secrecy::SecretString;
use tokensmith_issuer::endpoint::Answer;
use tokensmith_issuer::error::{Denied, Error, SignInDenied, Unavailable};
use tokensmith_issuer::event::{Known, RequestEvent};
use tokensmith_issuer::store::records::{Login, User};
use tokensmith_issuer::store::{Change, Stored, Update};
use tokensmith_pages::AccountNotice;
use tokensmith_verifier::Timestamp;

use super::notice;
use crate::backoff::{Admitted, Guess};
use crate::password_rules::{PasswordDenied, check_password};
use crate::session::Visitor;
use crate::visit::Visit;

impl Visit<'_> {
    /// Changes the password, if the current one is right and the new one is good enough.
    pub(super) async fn change_password(
        &self,
        visitor: &Visitor,
        current: &SecretString,
        new: &SecretString,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        let (table, now) = (self.issuer.table(), self.issuer.clock().now());
        let (user, name) = (&visitor.user, &visitor.user.name);
        if let Err(denied) = check_password(new, name) {
            let (notice, reason) = (notice_of(denied), SignInDenied::UnacceptablePassword);
            return self.unchanged(visitor, notice, reason, known).await;
        }
        let source = self.source();
        let guess = Guess::password(name, source);
        if let Admitted::TryAgainIn(seconds) = guess.admit(table, now).await? {
            let notice = AccountNotice::TryAgainIn(seconds);
            let reason = SignInDenied::TooManyAttempts(seconds);
            return self.unchanged(visitor, notice, reason, known).await;
        }
        let Some(set_at) = self.replace_password(user, current, new, now).await? else {
            guess.failed(table, now).await?;
            let (notice, reason) = (AccountNotice::WrongPassword, SignInDenied::WrongPassword);
            return self.unchanged(visitor, notice, reason, known).await;
        };
        guess.succeeded(table).await?;
        let this = &visitor.session;
        let (user, grants) = self.settle_password(user, set_at, Some(&this.sid)).await?;
        let session = self.begin_session(&user, &["pwd"], now, Some(this)).await?;
        let location = notice::location(Some(notice::PASSWORD_CHANGED));
        let mut response = self.see_other(&location);
        self.cookies.send_session(response.headers_mut(), &session);
        Ok(Answer {
            response,
            event: RequestEvent::PasswordChanged {
                subject: user.subject,
                grants,
            },
        })
    }

    /// Replaces the password by one write, and returns when that was; `None` when the current one is wrong, or another request has
    /// replaced it first.
    async fn replace_password(
        &self,
        user: &User,
        current: &SecretString,
        new: &SecretString,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let (table, key) = (self.issuer.table(), Login::key_of(&user.name));
        let passwords = self.issuer.passwords()?;
        let Some(login) = table.get(&key).await?.filter(|login| is_of(login, user)) else {
            return Ok(None);
        };
        let hash = login.password.as_ref();
        if !passwords.verify(current, hash).await {
            // The same form was sent before, and interrupted after the password was replaced.
            let was_interrupted = !user.has_settled(login.changed_at);
            let is_repeated = was_interrupted && passwords.verify(new, hash).await;
            return Ok(is_repeated.then_some(login.changed_at));
        }
        let hash = passwords.hash(new).await;
        let hash = hash.ok_or_else(|| Unavailable::Key("no password was hashed".to_owned()))?;
        // Two passwords that are set within a second are told apart.
        let set_at = now.max(login.changed_at.after(Duration::from_secs(1)));
        let wanted = Login {
            password: Some(hash),
            changed_at: set_at,
            ..login.record.clone()
        };
        let change = Change::between(&login, &wanted)?;
        Ok(match table.update(&key, change).await? {
            Update::Applied(_) => Some(set_at),
            Update::Refused(_) => None,
        })
    }

    /// The page, which says why nothing is changed.
    pub(super) async fn unchanged(
        &self,
        visitor: &Visitor,
        notice: AccountNotice,
        reason: impl Into<Denied>,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        let mut response = self.account_page(visitor, Some(notice)).await?;
        let denied: Denied = reason.into();
        *response.status_mut() = denied.status();
        Ok(Answer {
            response,
            event: RequestEvent::refused(mem::take(known), &denied.into()),
        })
    }
}

fn is_of(login: &Stored<Login>, user: &User) -> bool {
    login.subject == user.subject
}

/// What the page says of a password that is not taken.
const fn notice_of(denied: PasswordDenied) -> AccountNotice {
    match denied {
        PasswordDenied::TooShort => AccountNotice::PasswordTooShort,
        PasswordDenied::TooLong => AccountNotice::PasswordTooLong,
        PasswordDenied::TooCommon => AccountNotice::PasswordTooCommon,
        PasswordDenied::IsUserName => AccountNotice::PasswordIsUserName,
    }
}
