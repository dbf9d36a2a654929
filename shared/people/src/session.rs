//! Sessions: who has signed in, in which browser, and when.

use std::time::Duration;

use http::header;
use serde_json::Value;
use tokensmith_issuer::credential::random_id;
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::revocation::made_after;
use tokensmith_issuer::store::Insert;
use tokensmith_issuer::store::records::{Consent, Session, SignIn, Subject, User};
use tokensmith_pages::SignedIn;
use tokensmith_verifier::Timestamp;

use crate::cookies::SessionCookie;
use crate::visit::Visit;

/// Somebody who has signed in.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) user: User,
    pub(crate) session: Session,
    pub(crate) cookie: SessionCookie,
    /// The record of their subject.
    pub(crate) subject: Subject,
    /// What they have let the client do that has sent them.
    pub(crate) consent: Option<Consent>,
}

impl Visitor {
    /// As they know themselves.
    pub(crate) fn who(&self) -> SignedIn<'_> {
        let claim = |name| self.user.claims.get(name).and_then(Value::as_str);
        SignedIn {
            user_name: self.user.name.as_str(),
            display_name: claim("name").or_else(|| claim("email")),
        }
    }

    /// How they have signed in.
    pub(crate) fn sign_in(&self) -> SignIn {
        SignIn {
            at: self.session.signed_in_at,
            methods: self.session.methods.clone(),
            session: Some(self.session.sid.clone()),
        }
    }
}

impl Visit<'_> {
    /// Who has signed in in this browser, and what they have let `client` do. One read, or none without a cookie.
    pub(crate) async fn visitor(
        &self,
        client: Option<&ClientId>,
    ) -> Result<Option<Visitor>, Unavailable> {
        let Some(cookie) = self.cookies.session() else {
            return Ok(None);
        };
        let subject = cookie.subject();
        let session_key = Session::key_of(&cookie.id());
        let (user_key, subject_key) = (User::key_of(subject), Subject::key_of(subject.as_str()));
        let consent_key = client.map(|client| Consent::key_of(subject, client));
        let mut keys: Vec<&dyn tokensmith_issuer::store::AnyKey> =
            vec![&session_key, &user_key, &subject_key];
        if let Some(key) = &consent_key {
            keys.push(key);
        }
        let mut found = self.issuer.table().get_several(&keys).await?;
        let session = found.take(&session_key)?;
        let user = found.take(&user_key)?;
        let subject = found.take(&subject_key)?;
        let consent = consent_key.map(|key| found.take(&key)).transpose()?;
        let (Some(session), Some(user), Some(subject)) = (session, user, subject) else {
            return Ok(None);
        };
        let now = self.issuer.clock().now();
        Ok(session.is_live(&user, now).then(|| Visitor {
            user: user.record,
            session: session.record,
            cookie: cookie.clone(),
            subject: subject.record,
            consent: consent.flatten().map(|consent| consent.record),
        }))
    }

    /// Begins a session of `user`, who has proved who they are at `proved_at`: before their record was read, so that an end of all
    /// sessions that the read did not see ends this one. It replaces the one that the browser had; where that is their own, it goes on
    /// under another cookie.
    pub(crate) async fn begin_session(
        &self,
        user: &User,
        methods: &[&str],
        proved_at: Timestamp,
        former: Option<&Session>,
    ) -> Result<SessionCookie, Unavailable> {
        let cookie = SessionCookie::new(&user.subject);
        let headers = self.request.headers();
        let browser = headers.get(header::USER_AGENT);
        let browser = browser.and_then(|browser| browser.to_str().ok());
        // What ended the earlier sessions may lie slightly ahead of the clock, and must not end this one.
        let covered = user.sessions_not_before;
        let begun = made_after(covered, proved_at);
        let session = Session {
            id: cookie.id(),
            sid: former.map_or_else(random_id, |former| former.sid.clone()),
            subject: user.subject.clone(),
            signed_in_at: begun,
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            browser: browser.map(|browser| browser.chars().take(MAX_BROWSER).collect()),
            source: self.source().map(str::to_owned),
            expires_at: proved_at.after(SESSION_LIFETIME),
        };
        match self.issuer.table().insert(&session).await? {
            Insert::Inserted => {}
            // 256 random bits are never taken.
            Insert::Exists(_) => {}
        }
        if let Some(former) = self.cookies.session() {
            let former = Session::key_of(&former.id());
            self.issuer.table().delete(&former).await?;
        }
        Ok(cookie)
    }
}

/// How long somebody stays signed in.
pub(crate) const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// More than browsers call themselves.
const MAX_BROWSER: usize = 256;
