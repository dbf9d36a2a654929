//! `GET /login/upstream`: signing in through another OpenID provider begins and ends here. Each provider has its own redirect URI, by
//! its name in the query.

mod linked;
mod links;

use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokensmith_issuer::authorization::Parameters;
use tokensmith_issuer::endpoint::{Answer, Call, Endpoint};
use tokensmith_issuer::error::{Error, SignInDenied, UpstreamDenied};
use tokensmith_issuer::event::{Known, RequestEvent};
use tokensmith_issuer::names::SubjectName;
use tokensmith_issuer::store::records::Upstream;
use tokensmith_issuer::upstream::{Attempt, UpstreamAnswer, UpstreamIdentity};
use tokensmith_verifier::paths;

pub(crate) use links::Links;

use crate::account;
use crate::pending::Next;
use crate::problem::{answered, endpoint_of_people};
use crate::session::Visitor;
use crate::sign_in::{Proof, SIGN_IN, start_again};
use crate::visit::Visit;

/// Where people sign in through another OpenID provider.
pub static UPSTREAM: Endpoint = endpoint_of_people("upstream", paths::UPSTREAM, "GET", |call| {
    Box::pin(answered(call, upstream))
});

/// What `state` holds, sealed for the browser that was sent away.
#[derive(Debug, Deserialize, Serialize)]
struct Begun {
    attempt: Attempt,
    intent: Intent,
}

/// What somebody wants whom the upstream names.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Intent {
    /// To sign in, and go on.
    SignIn(Next),
    /// To sign in by it from now on, as this user, who has signed in already.
    Link(SubjectName),
}

impl Intent {
    fn start_again(&self) -> Option<String> {
        match self {
            Self::SignIn(next) => start_again(next),
            Self::Link(_) => Some(paths::ACCOUNT.to_owned()),
        }
    }
}

async fn upstream(call: Call<'_>) -> Result<Answer, Error> {
    let visit = Visit::of(&call);
    let parameters = Parameters::of_page(call.request.uri())?;
    let name = parameters.value("name").unwrap_or_default().parse();
    let name = name.map_err(|_| UpstreamDenied::UnknownUpstream)?;
    let upstream = visit.issuer.upstream(&name).await?;
    match parameters.value("state") {
        Some(_) => visit.come_back(&upstream, &parameters, call.known).await,
        None => visit.go(&upstream, &parameters, call.known).await,
    }
}

impl Visit<'_> {
    /// Sends the browser to the upstream.
    async fn go(
        &self,
        upstream: &Upstream,
        parameters: &Parameters,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        let (intent, prompt) = match parameters.value("link") {
            Some(link) => match self.who_links(link).await? {
                Some(visitor) => (Intent::Link(visitor.user.subject), None),
                // They have to sign in again first, and then find the link on the page.
                None => return self.sign_in_first(&Next::Account).await,
            },
            None => {
                let opened = self.unseal_of_stranger(SIGN_IN, parameters.value("request"));
                let opened = opened.await?;
                if opened.is_expired {
                    return Ok(self.expired(&opened.value, known));
                }
                let prompt = prompt_of(&opened.value);
                (Intent::SignIn(opened.value), prompt)
            }
        };
        let attempt = self.issuer.attempt(upstream).await?;
        let begun = Begun { attempt, intent };
        let state = self.seal_for_stranger(STATE, &begun).await?;
        let mark = self.cookies.mark();
        let location = self
            .issuer
            .ask_upstream(upstream, &begun.attempt, mark, &state, prompt);
        Ok(Answer::public(self.see_other(&location.await?)))
    }

    /// Takes what the upstream has sent the browser back with.
    async fn come_back(
        &self,
        upstream: &Upstream,
        parameters: &Parameters,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        // Whoever has not been sent away from here, in this browser, cannot come back (RFC 9700 §4.7.1).
        let opened = self.unseal_of_stranger::<Begun>(STATE, parameters.value("state"));
        let opened = opened.await?;
        let Begun { attempt, intent } = opened.value;
        let again = intent.start_again();
        let taken = match opened.is_expired {
            true => Err(SignInDenied::ExpiredForm.into()),
            false => {
                let answer = UpstreamAnswer {
                    code: parameters.value("code"),
                    error: parameters.value("error"),
                    issuer: parameters.value("iss"),
                };
                self.take(upstream, &attempt, answer, intent).await
            }
        };
        taken.or_else(|error| {
            Ok(Answer {
                response: self.problem_page(&error, again.as_deref()),
                event: RequestEvent::refused(mem::take(known), &error),
            })
        })
    }

    async fn take(
        &self,
        upstream: &Upstream,
        attempt: &Attempt,
        answer: UpstreamAnswer<'_>,
        intent: Intent,
    ) -> Result<Answer, Error> {
        let mark = self.cookies.mark();
        let identity = self.issuer.identify(upstream, attempt, mark, answer);
        let identity = identity.await?;
        match intent {
            Intent::SignIn(next) => self.sign_in_as(upstream, &identity, next).await,
            Intent::Link(subject) => self.link(upstream, &identity, &subject).await,
        }
    }

    async fn sign_in_as(
        &self,
        upstream: &Upstream,
        identity: &UpstreamIdentity,
        next: Next,
    ) -> Result<Answer, Error> {
        let at = self.issuer.clock().now();
        let (user, new_user) = self.user_of(upstream, identity).await?;
        if user.disabled {
            return Err(SignInDenied::UserDisabled.into());
        }
        let client = self.client_of(&next).await?;
        let proof = Proof {
            method: FEDERATED,
            at,
            upstream: Some(upstream.name.clone()),
            new_user,
        };
        self.signed_in(next, client, &user, proof).await
    }

    /// Links the account to the user who has asked for it, if they are still signed in, and not for long.
    async fn link(
        &self,
        upstream: &Upstream,
        identity: &UpstreamIdentity,
        subject: &SubjectName,
    ) -> Result<Answer, Error> {
        let visitor = self.visitor(None).await?;
        let own = visitor.filter(|visitor| visitor.user.subject == *subject);
        let Some(visitor) = own.filter(|visitor| self.is_fresh(visitor)) else {
            return self.sign_in_first(&Next::Account).await;
        };
        let is_linked = self.link_to(&visitor.user, upstream, identity).await?;
        let (notice, event) = match is_linked {
            true => {
                let event = RequestEvent::Linked {
                    subject: visitor.user.subject,
                    upstream: upstream.name.clone(),
                };
                (account::LINKED, event)
            }
            false => {
                let denied = UpstreamDenied::LinkedToAnother.into();
                let event = RequestEvent::refused(Known::default(), &denied);
                (account::LINKED_ELSEWHERE, event)
            }
        };
        Ok(Answer {
            response: self.see_other(&account::location(Some(notice))),
            event,
        })
    }

    /// Who has followed a link of their own account page; `None` when they must sign in for it.
    async fn who_links(&self, link: &str) -> Result<Option<Visitor>, Error> {
        let Some(visitor) = self.visitor(None).await? else {
            return Ok(None);
        };
        let session = visitor.cookie.value();
        let opened = self.unseal_in_session::<()>(account::LINK, session, Some(link));
        let is_expired = opened.await?.is_expired;
        Ok(Some(visitor).filter(|visitor| !is_expired && self.is_fresh(visitor)))
    }

    fn is_fresh(&self, visitor: &Visitor) -> bool {
        let age = self
            .issuer
            .clock()
            .now()
            .since(visitor.session.signed_in_at);
        age < FRESH_FOR
    }
}

/// What the client demands of a sign-in, it demands of the upstream as well, which may know the person from before (OpenID Connect
/// Core 1.0 §3.1.2.1).
fn prompt_of(next: &Next) -> Option<&'static str> {
    let Next::Authorize(pending) = next else {
        return None;
    };
    let prompt = pending.parameters.value("prompt").unwrap_or_default();
    let wants = |value: &str| prompt.split(' ').any(|one| one == value);
    match pending.parameters.value("max_age") {
        Some(_) => Some("login"),
        None if wants("login") => Some("login"),
        None if wants("select_account") => Some("select_account"),
        None => None,
    }
}

/// The purpose of `state`.
const STATE: &str = "upstream";

/// How somebody has signed in whom another service has proved.
const FEDERATED: &str = "fed";

/// How long after signing in an account can be linked: who finds a browser open cannot make themselves a way in.
const FRESH_FOR: Duration = Duration::from_secs(5 * 60);
