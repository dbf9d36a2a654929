//! What happens to an authorization request: somebody signs in, is asked, and is sent back.

use bytes::Bytes;
use http::{Response, StatusCode};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokensmith_issuer::authorization::{
    Approval, Approved, AuthorizationRequest, Prompt, Redirect, ResponseMode,
};
use tokensmith_issuer::endpoint::Answer;
use tokensmith_issuer::error::{AuthorizationDenied, Error, SignInDenied};
use tokensmith_issuer::event::{Known, RequestEvent};
use tokensmith_issuer::names::Scopes;
use tokensmith_pages::FormPost;
use tokensmith_verifier::{Timestamp, paths};

use crate::consent;
use crate::cookies::SessionCookie;
use crate::pending::{Next, Pending};
use crate::session::Visitor;
use crate::sign_in::{self, Problem};
use crate::visit::Visit;

/// A request on its way to the page that asks whether a client may, and on it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Asked {
    pub(crate) pending: Pending,
    /// The id of the session that was begun for it, or in which it is shown.
    pub(crate) session: String,
    /// What is shown, which is what is given. Nothing was shown before the page.
    #[serde(default)]
    pub(crate) scopes: Scopes,
}

impl Visit<'_> {
    /// Takes a request as far as it gets without the person: to a page that asks something, or back to the client.
    pub(crate) async fn proceed(
        &self,
        pending: Pending,
        request: &AuthorizationRequest,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        let visitor = self.visitor(Some(&request.client.id)).await?;
        let may_ask = !request.prompt.contains(&Prompt::None);
        let now = self.issuer.clock().now();
        let hinted = self.hinted(request, now).await?;
        let Some(visitor) = visitor.filter(|visitor| {
            pending.signed_in || !must_sign_in(request, visitor, hinted.as_deref(), now)
        }) else {
            if !may_ask {
                return Ok(self.refuse(request, AuthorizationDenied::LoginRequired, known));
            }
            let user_name = request.login_hint.as_deref();
            let next = Next::Authorize(Box::new(pending));
            let name = sign_in::shown_name(&request.client);
            let page = self.sign_in_page(&next, Some(&name), user_name, None::<Problem>);
            return Ok(Answer::public(page.await?));
        };
        if is_another(hinted.as_deref(), &visitor) {
            return Ok(self.refuse(request, AuthorizationDenied::LoginRequired, known));
        }
        if consent::must_ask(request, &visitor) {
            if !may_ask {
                return Ok(self.refuse(request, AuthorizationDenied::ConsentRequired, known));
            }
            return Ok(Answer::public(
                self.consent_page(pending, request, &visitor).await?,
            ));
        }
        let scopes = request.access.scopes.clone();
        self.approve(&pending, request, &visitor, &scopes, false)
            .await
    }

    /// Makes the grant, and sends the person back with its code.
    pub(crate) async fn approve(
        &self,
        pending: &Pending,
        request: &AuthorizationRequest,
        visitor: &Visitor,
        scopes: &Scopes,
        asked: bool,
    ) -> Result<Answer, Error> {
        if let Some(pushed) = &pending.pushed {
            let approval = visitor.user.subject.as_str();
            if !self.issuer.use_up(pushed, approval).await? {
                return Err(SignInDenied::AnsweredBefore.into());
            }
        }
        let approval = Approval {
            request,
            request_id: &pending.id,
            scopes,
            subject: &visitor.subject,
            subject_name: &visitor.user.subject,
            sign_in: visitor.sign_in(),
        };
        let (grant, code) = match self.issuer.approve(approval).await? {
            Approved::Code(grant, code) => (grant, code),
            Approved::Already => return Err(SignInDenied::AnsweredBefore.into()),
        };
        let issuer = &self.issuer.config().issuer;
        let parameters = request.redirect.code(code.expose_secret(), issuer);
        Ok(Answer {
            response: self.send_back(&request.redirect, &parameters),
            event: RequestEvent::authorized(
                &visitor.user.subject,
                &request.client.id,
                grant,
                scopes,
                &request.access.audiences,
                asked,
            ),
        })
    }

    /// Tells the client why it gets nothing.
    pub(crate) fn refuse(
        &self,
        request: &AuthorizationRequest,
        reason: AuthorizationDenied,
        known: &mut Known,
    ) -> Answer {
        self.refuse_at(&request.redirect, reason, known)
    }

    pub(crate) fn refuse_at(
        &self,
        redirect: &Redirect,
        reason: AuthorizationDenied,
        known: &mut Known,
    ) -> Answer {
        let issuer = &self.issuer.config().issuer;
        let description = reason.to_string();
        let parameters = redirect.error(reason.code(), &description, issuer);
        Answer {
            response: self.send_back(redirect, &parameters),
            event: RequestEvent::refused(std::mem::take(known), &reason.into()),
        }
    }

    fn send_back(&self, redirect: &Redirect, parameters: &[(&str, &str)]) -> Response<Bytes> {
        match redirect.mode {
            ResponseMode::Query => self.see_other(&redirect.location(parameters)),
            ResponseMode::FormPost => {
                let form = FormPost {
                    action: &redirect.uri,
                    parameters,
                };
                let html = form.html(&self.look, self.language);
                self.page_under(StatusCode::OK, html, self.look.form_post_policy())
            }
        }
    }

    /// Where a browser goes on within the session that it has just begun.
    pub(crate) async fn next_location(
        &self,
        next: Next,
        session: &SessionCookie,
    ) -> Result<String, Error> {
        Ok(match next {
            Next::Authorize(pending) => {
                let pending = Pending {
                    signed_in: true,
                    ..*pending
                };
                let asked = Asked {
                    pending,
                    session: session.id(),
                    scopes: Scopes::default(),
                };
                let sealed = self.seal_for_stranger(GO_ON, &asked).await?;
                format!("{}?request={sealed}", paths::CONSENT)
            }
            Next::Account => paths::ACCOUNT.to_owned(),
            Next::Device(None) => paths::DEVICE.to_owned(),
            Next::Device(Some(code)) => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.append_pair("user_code", &code);
                format!("{}?{}", paths::DEVICE, query.finish())
            }
        })
    }

    /// Whom an ID token of ours names that the client has sent. It may have expired (OpenID Connect Core 1.0 §3.1.2.1).
    async fn hinted(
        &self,
        request: &AuthorizationRequest,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        let Some(hint) = &request.id_token_hint else {
            return Ok(None);
        };
        let hint = self.issuer.id_token_hint(hint, now).await?;
        Ok(Some(hint.map(|hint| hint.subject).unwrap_or_default()))
    }
}

/// Whether it is not enough that the visitor has signed in.
fn must_sign_in(
    request: &AuthorizationRequest,
    visitor: &Visitor,
    hinted: Option<&str>,
    now: Timestamp,
) -> bool {
    let wants = |prompt| request.prompt.contains(&prompt);
    let age = now.since(visitor.session.signed_in_at).as_secs();
    wants(Prompt::Login)
        || wants(Prompt::SelectAccount)
        || request
            .max_age
            .is_some_and(|max_age| age > max_age || max_age == 0)
        || is_another(hinted, visitor)
}

/// Whether the client means somebody else.
fn is_another(hinted: Option<&str>, visitor: &Visitor) -> bool {
    hinted.is_some_and(|hinted| hinted != visitor.user.subject.as_str())
}

/// The purpose of what is sealed for somebody who has signed in for a request.
pub(crate) const GO_ON: &str = "go on";
