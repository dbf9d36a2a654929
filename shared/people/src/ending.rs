//! The end of sessions, and of the grants that end with them.
//!
//! The grants end first: who is interrupted is still signed in, and repeats it. A grant that was given in the moment before may be
//! missing from the index that finds them; it is on the account page.

use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::revocation::{EndSessions, end_sessions, revoke_given};
use tokensmith_issuer::store::records::{Grant, Session, User};
use tokensmith_verifier::Timestamp;

use crate::visit::Visit;

impl Visit<'_> {
    /// Ends a session, and what was given in it unless it is for offline access. Returns how many grants that were.
    pub(crate) async fn end_session(&self, session: &Session) -> Result<usize, Unavailable> {
        let (table, now) = (self.issuer.table(), self.issuer.clock().now());
        let ends = |grant: &Grant| grant.ends_with_session() && grant.was_given_in(&session.sid);
        let grants = revoke_given(table, &session.subject, ends, now).await?;
        table.delete(&Session::key_of(&session.id)).await?;
        Ok(grants)
    }

    /// Ends every session of a user, and what was given in any of them.
    pub(crate) async fn end_all_sessions(&self, user: &User) -> Result<usize, Unavailable> {
        let (table, clock) = (self.issuer.table(), self.issuer.clock());
        let ends = Grant::ends_with_session;
        let grants = revoke_given(table, &user.subject, ends, clock.now()).await?;
        end_sessions(table, &user.subject, EndSessions::All, clock).await?;
        Ok(grants)
    }

    /// Ends every session that began before the password was set at `set_at`, and what was given in them, but for what was given in
    /// the session `kept`. Returns the user as they are now, and how many grants ended.
    pub(crate) async fn settle_password(
        &self,
        user: &User,
        set_at: Timestamp,
        kept: Option<&str>,
    ) -> Result<(User, usize), Unavailable> {
        let (table, clock) = (self.issuer.table(), self.issuer.clock());
        let is_kept = |grant: &Grant| kept.is_some_and(|kept| grant.was_given_in(kept));
        let ends = |grant: &Grant| grant.ends_with_session() && !is_kept(grant);
        let grants = revoke_given(table, &user.subject, ends, clock.now()).await?;
        let why = EndSessions::BeforePassword(set_at);
        let settled = end_sessions(table, &user.subject, why, clock).await?;
        Ok((settled.unwrap_or_else(|| user.clone()), grants))
    }
}
