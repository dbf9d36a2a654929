//! What a person ends on their account page. Nothing but their own: what is not theirs is not there for them.

use tokensmith_issuer::credential::GrantId;
use tokensmith_issuer::endpoint::Answer;
use tokensmith_issuer::error::Error;
use tokensmith_issuer::event::{Ending, RequestEvent};
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::revocation::{revoke_given, revoke_grant};
use tokensmith_issuer::store::records::{Consent, Grant, Session};
use tokensmith_verifier::paths;

use super::notice;
use crate::session::Visitor;
use crate::visit::Visit;

impl Visit<'_> {
    /// Ends the session of this browser.
    pub(super) async fn sign_out(&self, visitor: &Visitor) -> Result<Answer, Error> {
        let grants = self.end_session(&visitor.session).await?;
        Ok(self.signed_out(visitor, Ending::Session, grants))
    }

    /// Ends the sessions in all browsers, this one among them.
    pub(super) async fn sign_out_everywhere(&self, visitor: &Visitor) -> Result<Answer, Error> {
        let grants = self.end_all_sessions(&visitor.user).await?;
        Ok(self.signed_out(visitor, Ending::AllSessions, grants))
    }

    fn signed_out(&self, visitor: &Visitor, what: Ending, grants: usize) -> Answer {
        let mut response = self.see_other(paths::LOGOUT);
        self.cookies.end_session(response.headers_mut());
        Answer {
            response,
            event: ended(visitor, what, grants),
        }
    }

    /// Ends a session in another browser.
    pub(super) async fn end_other_session(
        &self,
        visitor: &Visitor,
        id: &str,
    ) -> Result<Answer, Error> {
        let found = self.issuer.table().get(&Session::key_of(id)).await?;
        let own = found.filter(|session| session.subject == visitor.user.subject);
        let event = match own {
            Some(session) => {
                let grants = self.end_session(&session).await?;
                ended(visitor, Ending::Session, grants)
            }
            None => RequestEvent::Served {},
        };
        Ok(self.back(notice::SESSION_ENDED, event))
    }

    /// Takes a grant away from its client, with every token of it.
    pub(super) async fn revoke_own_grant(
        &self,
        visitor: &Visitor,
        id: GrantId,
    ) -> Result<Answer, Error> {
        let (table, now) = (self.issuer.table(), self.issuer.clock().now());
        let found = table.get(&Grant::key_of(id)).await?;
        let own = found.filter(|grant| grant.subject == visitor.user.subject);
        let event = match own {
            Some(grant) => {
                revoke_grant(table, id, None, now).await?;
                RequestEvent::Ended {
                    subject: visitor.user.subject.clone(),
                    what: Ending::Grant,
                    client: Some(grant.record.client_id),
                    grant: Some(id),
                    grants: 1,
                }
            }
            None => RequestEvent::Served {},
        };
        Ok(self.back(notice::GRANT_REVOKED, event))
    }

    /// Forgets what the person has agreed to once for all, and takes away what the client has had because of it. The consent is
    /// forgotten last: until then it is on the page, and its end can be repeated.
    pub(super) async fn revoke_consent(
        &self,
        visitor: &Visitor,
        client: ClientId,
    ) -> Result<Answer, Error> {
        let (table, now) = (self.issuer.table(), self.issuer.clock().now());
        let subject = &visitor.user.subject;
        let ends = |grant: &Grant| grant.client_id == client;
        let grants = revoke_given(table, subject, ends, now).await?;
        table.delete(&Consent::key_of(subject, &client)).await?;
        let event = RequestEvent::Ended {
            subject: subject.clone(),
            what: Ending::Consent,
            client: Some(client),
            grant: None,
            grants,
        };
        Ok(self.back(notice::CONSENT_REVOKED, event))
    }

    /// Shows the page again, with what has happened.
    pub(super) fn back(&self, notice: &str, event: RequestEvent) -> Answer {
        Answer {
            response: self.see_other(&notice::location(Some(notice))),
            event,
        }
    }
}

fn ended(visitor: &Visitor, what: Ending, grants: usize) -> RequestEvent {
    RequestEvent::Ended {
        subject: visitor.user.subject.clone(),
        what,
        client: None,
        grant: None,
        grants,
    }
}
