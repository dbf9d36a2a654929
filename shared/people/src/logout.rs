//! `GET|POST /oauth2/logout`: a person signs out, mostly because a client asks for it (OpenID Connect RP-Initiated Logout 1.0).

use std::mem;

use bytes::Bytes;
use http::{Response, StatusCode};
use tokensmith_issuer::Issuer;
use tokensmith_issuer::authorization::{NotRedirected, Parameters, Redirect, ResponseMode};
use tokensmith_issuer::endpoint::{Answer, Call, Endpoint, Form};
use tokensmith_issuer::error::{BadRequest, Error, SignInDenied};
use tokensmith_issuer::event::{Ending, Known, RequestEvent};
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::store::records::Client;
use tokensmith_issuer::token::IdTokenHint;
use tokensmith_pages::{SignOut, SignedOut};
use tokensmith_verifier::paths;

use crate::problem::{answered, endpoint_of_people};
use crate::session::Visitor;
use crate::sign_in::shown_name;
use crate::visit::Visit;

/// The logout endpoint (OpenID Connect RP-Initiated Logout 1.0 §2). A GET may end a session, and a HEAD must not.
pub static LOGOUT: Endpoint = endpoint_of_people("logout", paths::LOGOUT, "GET, POST", |call| {
    Box::pin(answered(call, logout))
});

async fn logout(call: Call<'_>) -> Result<Answer, Error> {
    let mut visit = Visit::of(&call);
    let (uri, headers) = (call.request.uri(), call.request.headers());
    if visit.is_post() {
        let form = Form::parse(uri, headers, call.request.body())?;
        if form.value("form").is_some() {
            return visit.decided(call.known).await;
        }
        // A form of another site brings no cookie with it. What follows is a GET, which does.
        let location = location_of(&Parameters::bounded(form)?);
        return Ok(Answer::public(visit.see_other(&location)));
    }
    let parameters = Parameters::of_query(uri)?;
    let request = LogoutRequest::of(visit.issuer, &parameters).await?;
    visit.speak(parameters.value("ui_locales"));
    call.known.client = request.client.as_ref().map(|client| client.id.clone());
    let Some(visitor) = visit.visitor(None).await? else {
        return Ok(Answer::public(visit.signed_out_page(&request)));
    };
    if request.is_of(&visitor) {
        let event = visit.log_out(&visitor, &request).await?;
        let response = visit.signed_out_page(&request);
        return Ok(Answer { response, event });
    }
    let page = visit.sign_out_page(&visitor, &request, &parameters).await;
    Ok(Answer::public(page?))
}

/// What a client asks for.
#[derive(Debug)]
struct LogoutRequest {
    /// What an ID token says that this issuer has made.
    hint: Option<IdTokenHint>,
    /// Who asks.
    client: Option<Client>,
    /// Where the person goes afterwards.
    back: Option<Redirect>,
}

impl LogoutRequest {
    /// Makes sense of the parameters (§2, §3). A hint that is none of ours is no hint; nobody is sent where the client is not
    /// registered to be sent to.
    async fn of(issuer: &Issuer, parameters: &Parameters) -> Result<Self, Error> {
        let now = issuer.clock().now();
        let hint = match parameters.value("id_token_hint") {
            Some(token) => issuer.id_token_hint(token, now).await?,
            None => None,
        };
        let of_hint = hint.as_ref().map(|hint| hint.client.as_str());
        let named = parameters.value("client_id");
        let id = client_id(of_hint, named).map_err(BadRequest::from)?;
        let client = match &id {
            Some(id) => issuer.table().get(&Client::key_of(id)).await?,
            None => None,
        };
        let client = client.map(|client| client.record);
        let client = client.filter(Client::is_usable);
        let back = match parameters.value("post_logout_redirect_uri") {
            Some(_) if id.is_none() => Err(NotRedirected::NoClientNamed),
            Some(uri) => back_to(uri, client.as_ref()).map(|uri| {
                Some(Redirect {
                    uri,
                    mode: ResponseMode::Query,
                    state: parameters.value("state").map(str::to_owned),
                })
            }),
            None => Ok(None),
        };
        Ok(Self {
            hint,
            client,
            back: back.map_err(BadRequest::from)?,
        })
    }

    /// Whether the client knows who is there, and in which session: nobody has to be asked. Any other ID token is suspect (§4).
    fn is_of(&self, visitor: &Visitor) -> bool {
        let Some(hint) = &self.hint else {
            return false;
        };
        let is_this = |session: &String| *session == visitor.session.sid;
        hint.subject == visitor.user.subject.as_str() && hint.session.as_ref().is_none_or(is_this)
    }
}

/// The client that asks: both names are of one, if there are two (§2).
fn client_id(
    of_hint: Option<&str>,
    named: Option<&str>,
) -> Result<Option<ClientId>, NotRedirected> {
    if let (Some(of_hint), Some(named)) = (of_hint, named)
        && of_hint != named
    {
        return Err(NotRedirected::ClientOfAnotherIdToken);
    }
    let id = of_hint.or(named).map(str::parse::<ClientId>);
    id.transpose().map_err(|_| NotRedirected::NoClientNamed)
}

/// Where a person may be sent (§3.1, RFC 9700 §4.11).
fn back_to(uri: &str, client: Option<&Client>) -> Result<String, NotRedirected> {
    let client = client.ok_or(NotRedirected::UnknownClient)?;
    let mut registered = client.post_logout_redirect_uris.iter();
    match registered.any(|one| one.allows(uri)) {
        true => Ok(uri.to_owned()),
        false => Err(NotRedirected::UnknownPostLogoutRedirectUri),
    }
}

impl Visit<'_> {
    /// Carries out what the person has answered.
    async fn decided(&self, known: &mut Known) -> Result<Answer, Error> {
        let form = self.posted()?;
        let Some(cookie) = self.cookies.session() else {
            return Ok(Answer::public(self.see_other(paths::LOGOUT)));
        };
        let (session, sealed) = (cookie.value(), form.value("form"));
        let opened = self.unseal_in_session::<Parameters>(SIGN_OUT, session, sealed);
        let opened = opened.await?;
        if opened.is_expired {
            let (again, error) = (location_of(&opened.value), SignInDenied::ExpiredForm.into());
            return Ok(Answer {
                response: self.problem_page(&error, Some(&again)),
                event: RequestEvent::refused(mem::take(known), &error),
            });
        }
        let request = LogoutRequest::of(self.issuer, &opened.value).await?;
        if form.value("decision") != Some("allow") {
            return Ok(Answer::public(self.see_other(paths::ACCOUNT)));
        }
        let event = match self.visitor(None).await? {
            Some(visitor) => self.log_out(&visitor, &request).await?,
            None => RequestEvent::Served {},
        };
        let location = request.back.as_ref().map(location_after);
        let mut response = self.see_other(location.as_deref().unwrap_or(paths::LOGOUT));
        self.cookies.end_session(response.headers_mut());
        Ok(Answer { response, event })
    }

    async fn log_out(
        &self,
        visitor: &Visitor,
        request: &LogoutRequest,
    ) -> Result<RequestEvent, Error> {
        let grants = self.end_session(&visitor.session).await?;
        Ok(RequestEvent::Ended {
            subject: visitor.user.subject.clone(),
            what: Ending::Session,
            client: request.client.as_ref().map(|client| client.id.clone()),
            grant: None,
            grants,
        })
    }

    /// Asks whether to sign out (§2).
    async fn sign_out_page(
        &self,
        visitor: &Visitor,
        request: &LogoutRequest,
        parameters: &Parameters,
    ) -> Result<Response<Bytes>, Error> {
        let session = visitor.cookie.value();
        let form = self.seal_in_session(SIGN_OUT, session, parameters).await?;
        let client_name = request.client.as_ref().map(shown_name);
        let page = SignOut {
            form: &form,
            action: paths::LOGOUT,
            client_name: client_name.as_deref(),
        };
        Ok(self.page(StatusCode::OK, page.html(&self.look, self.language)))
    }

    /// What is answered when nobody is signed in any more: the client's own page, if it wants that.
    fn signed_out_page(&self, request: &LogoutRequest) -> Response<Bytes> {
        let mut response = match &request.back {
            Some(back) => self.see_other(&location_after(back)),
            None => {
                let page = SignedOut { return_to: None };
                self.page(StatusCode::OK, page.html(&self.look, self.language))
            }
        };
        if self.cookies.session().is_some() {
            self.cookies.end_session(response.headers_mut());
        }
        response
    }
}

/// Where a person is sent, with the `state` that the client wants to have back (§3).
fn location_after(back: &Redirect) -> String {
    match &back.state {
        Some(state) => back.location(&[("state", state)]),
        None => back.uri.clone(),
    }
}

/// The address at which the same is asked once more.
fn location_of(parameters: &Parameters) -> String {
    format!("{}?{}", paths::LOGOUT, parameters.to_query())
}

/// The purpose of the form that asks whether to sign out.
const SIGN_OUT: &str = "sign out";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rp_initiated_logout_2_client_id_is_the_client_of_the_id_token() {
        let id = |text: &str| Some(text.parse().expect("an id"));
        assert_eq!(client_id(Some("app"), Some("app")), Ok(id("app")));
        assert_eq!(client_id(Some("app"), None), Ok(id("app")));
        assert_eq!(client_id(None, Some("app")), Ok(id("app")));
        assert_eq!(client_id(None, None), Ok(None));
        assert_eq!(
            client_id(Some("app"), Some("other")),
            Err(NotRedirected::ClientOfAnotherIdToken)
        );
        assert_eq!(
            client_id(None, Some("no id")),
            Err(NotRedirected::NoClientNamed)
        );
    }

    #[test]
    fn rp_initiated_logout_3_state_goes_behind_what_the_address_has() {
        let back = |state: Option<&str>| Redirect {
            uri: "https://app.example/out?tenant=a%20b".to_owned(),
            mode: ResponseMode::Query,
            state: state.map(str::to_owned),
        };
        let with_state = location_after(&back(Some("x&y=z")));
        assert_eq!(
            with_state,
            "https://app.example/out?tenant=a%20b&state=x%26y%3Dz"
        );
        assert_eq!(
            location_after(&back(None)),
            "https://app.example/out?tenant=a%20b"
        );
    }
}
