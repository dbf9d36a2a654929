//! `GET|POST /consent`: a person is asked whether a client may.

use bytes::Bytes;
use http::{Response, StatusCode};
use tokensmith_issuer::authorization::{AuthorizationRequest, Parameters, Prompt, Refused};
use tokensmith_issuer::endpoint::{Answer, Call, Endpoint};
use tokensmith_issuer::error::{AuthorizationDenied, BadRequest, Error, Unavailable};
use tokensmith_issuer::event::Known;
use tokensmith_issuer::names::{Audience, Scopes};
use tokensmith_issuer::store::records::{Consent, ConsentedAccess};
use tokensmith_issuer::store::{Change, Insert};
use tokensmith_pages::Consent as ConsentPage;
use tokensmith_verifier::paths;
use url::Url;

use crate::cookies::SessionCookie;
use crate::flow::{Asked, GO_ON};
use crate::pending::{Next, Pending};
use crate::problem::{answered, endpoint_of_people};
use crate::session::Visitor;
use crate::shown::ShownAccess;
use crate::sign_in::shown_name;
use crate::visit::Visit;

/// Where a person is asked whether a client may.
pub static CONSENT: Endpoint =
    endpoint_of_people("consent", paths::CONSENT, "GET, HEAD, POST", |call| {
        Box::pin(answered(call, consent))
    });

async fn consent(call: Call<'_>) -> Result<Answer, Error> {
    let (mut visit, known) = (Visit::of(&call), call.known);
    let (opened, decision) = match visit.is_post() {
        true => {
            let form = visit.posted()?;
            let asked = visit.unseal_of_stranger::<Asked>(ASKED, form.value("form"));
            let decision = form.value("decision").unwrap_or_default();
            (asked.await?, Some(decision.to_owned()))
        }
        false => {
            let parameters = Parameters::of_page(visit.request.uri())?;
            let asked = visit.unseal_of_stranger::<Asked>(GO_ON, parameters.value("request"));
            (asked.await?, None)
        }
    };
    let asked = opened.value;
    visit.speak(asked.pending.parameters.value("ui_locales"));
    if opened.is_expired {
        return Ok(visit.expired(&Next::Authorize(Box::new(asked.pending)), known));
    }
    let parameters = &asked.pending.parameters;
    let request = match visit.issuer.authorization_request(parameters).await {
        Ok(request) => request,
        Err(refused) => return visit.refused(refused, known),
    };
    known.client = Some(request.client.id.clone());
    match decision.as_deref() {
        None => visit.go_on(asked, &request, known).await,
        Some("allow") => visit.allow(asked, &request, known).await,
        Some("switch") => {
            let pending = Pending {
                signed_in: false,
                ..asked.pending
            };
            let next = Next::Authorize(Box::new(pending));
            visit.sign_in_first(&next).await
        }
        Some(_) => Ok(visit.refuse(&request, AuthorizationDenied::Refused, known)),
    }
}

impl Visit<'_> {
    /// Takes a request further for whoever is here now.
    async fn go_on(
        &self,
        asked: Asked,
        request: &AuthorizationRequest,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        let pending = Pending {
            // In another session, nobody has signed in for it.
            signed_in: asked.pending.signed_in && self.is_in(&asked.session),
            ..asked.pending
        };
        self.proceed(pending, request, known).await
    }

    /// Gives the client what was shown, in the session in which it was shown.
    async fn allow(
        &self,
        asked: Asked,
        request: &AuthorizationRequest,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        let visitor = match self.is_in(&asked.session) {
            true => self.visitor(Some(&request.client.id)).await?,
            false => None,
        };
        let Some(visitor) = visitor else {
            // Somebody has signed in or out since, in another tab: who is here now has been asked nothing.
            return self.go_on(asked, request, known).await;
        };
        // The client may have lost a scope while the person was reading.
        let scopes = asked.scopes.intersection(&request.access.scopes);
        if can_be_remembered(request) {
            self.remember(request, &visitor, &scopes).await?;
        }
        self.approve(&asked.pending, request, &visitor, &scopes, true)
            .await
    }

    /// Whether the browser is still in this session.
    fn is_in(&self, session: &str) -> bool {
        let own = self.cookies.session().map(SessionCookie::id);
        own.as_deref() == Some(session)
    }

    /// The page that asks whether the client may.
    pub(crate) async fn consent_page(
        &self,
        pending: Pending,
        request: &AuthorizationRequest,
        visitor: &Visitor,
    ) -> Result<Response<Bytes>, Unavailable> {
        let asked = Asked {
            pending,
            scopes: request.access.scopes.clone(),
            session: visitor.cookie.id(),
        };
        let form = self.seal_for_stranger(ASKED, &asked).await?;
        let client_name = shown_name(&request.client);
        let host = Url::parse(&request.redirect.uri).ok();
        let host = host.as_ref().and_then(Url::host_str);
        let access = &request.access;
        let resource = access.resource.as_ref();
        let shown = ShownAccess::of(&access.scopes, &access.audiences, resource);
        let scopes: Vec<_> = shown.iter().map(ShownAccess::scopes).collect();
        let access = ShownAccess::on_a_page(&shown, &scopes);
        let page = ConsentPage {
            form: &form,
            action: paths::CONSENT,
            client_name: &client_name,
            client_host: host,
            who: visitor.who(),
            access: &access,
        };
        Ok(self.page(StatusCode::OK, page.html(&self.look, self.language)))
    }

    /// Keeps what was agreed, besides what was agreed before.
    async fn remember(
        &self,
        request: &AuthorizationRequest,
        visitor: &Visitor,
        scopes: &Scopes,
    ) -> Result<(), Error> {
        let (table, now) = (self.issuer.table(), self.issuer.clock().now());
        let given = |consent: Option<&Consent>| {
            let mut given = consent
                .map(|consent| consent.given.clone())
                .unwrap_or_default();
            for audience in &request.access.audiences {
                add(&mut given, audience, scopes);
            }
            given
        };
        let consent = Consent {
            subject: visitor.user.subject.clone(),
            client_id: request.client.id.clone(),
            given: given(visitor.consent.as_ref()),
            given_at: now,
        };
        let key = Consent::key_of(&consent.subject, &consent.client_id);
        if let Insert::Exists(known) = table.insert(&consent).await? {
            // Whoever has agreed to something else at the same time is asked again.
            let change = Change::of_existing()
                .set("given", given(Some(&known)))
                .and_then(|change| change.set("given_at", now))?;
            table.update(&key, change).await?;
        }
        Ok(())
    }

    /// Answers a request that cannot be shown to anybody.
    pub(crate) fn refused(&self, refused: Refused, known: &mut Known) -> Result<Answer, Error> {
        match refused {
            Refused::Page(reason) => Err(BadRequest::from(reason).into()),
            Refused::Redirect(redirect, reason) => Ok(self.refuse_at(&redirect, reason, known)),
            Refused::Unavailable(err) => Err(err.into()),
        }
    }
}

fn add(given: &mut Vec<ConsentedAccess>, audience: &Audience, scopes: &Scopes) {
    match given
        .iter_mut()
        .find(|one| one.audience.is_same_as(audience))
    {
        Some(one) => one.scopes = one.scopes.union(scopes),
        None => given.push(ConsentedAccess {
            audience: audience.clone(),
            scopes: scopes.clone(),
        }),
    }
}

/// Whether the person has to be asked: unless they have agreed before, or the client belongs to who runs the issuer.
pub(crate) fn must_ask(request: &AuthorizationRequest, visitor: &Visitor) -> bool {
    if request.prompt.contains(&Prompt::Consent) {
        return true;
    }
    if request.client.first_party {
        return false;
    }
    let agreed = |audience: &Audience| {
        let consent = visitor.consent.as_ref();
        consent.is_some_and(|consent| consent.covers(audience, &request.access.scopes))
    };
    !can_be_remembered(request) || !request.access.audiences.iter().all(agreed)
}

/// Whether it is certain who gets the answer: any app can say that it is a public client whose answers go to an app (RFC 8252
/// §8.6).
fn can_be_remembered(request: &AuthorizationRequest) -> bool {
    let goes_to_an_app = !request.redirect.uri.starts_with("https:");
    !(request.client.is_public() && goes_to_an_app)
}

/// The purpose of the form that asks whether a client may.
const ASKED: &str = "consent";
