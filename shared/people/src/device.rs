//! `GET|POST /device`: a person lets in a device that shows them a code (RFC 8628 §3.3).

use std::mem;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokensmith_issuer::authorization::Parameters;
use tokensmith_issuer::credential::UserCode;
use tokensmith_issuer::device::{DeviceAnswered, DeviceApproval};
use tokensmith_issuer::endpoint::{Answer, Call, Endpoint};
use tokensmith_issuer::error::{AuthorizationDenied, Error, SignInDenied};
use tokensmith_issuer::event::{Known, RequestEvent};
use tokensmith_issuer::store::records::{Client, DeviceRequest};
use tokensmith_pages::{DeviceCode, DeviceConfirm, DeviceDone, DeviceProblem};
use tokensmith_verifier::paths;

use crate::backoff::{Admitted, Guess};
use crate::pending::Next;
use crate::problem::{answered, endpoint_of_people};
use crate::session::Visitor;
use crate::shown::ShownAccess;
use crate::sign_in::shown_name;
use crate::visit::Visit;

/// Where a person enters the code that a device shows.
pub static DEVICE: Endpoint =
    endpoint_of_people("device", paths::DEVICE, "GET, HEAD, POST", |call| {
        Box::pin(answered(call, device))
    });

/// What is sealed into the form that asks whether a device may.
#[derive(Debug, Deserialize, Serialize)]
struct Found {
    /// The id of the device's request.
    request: String,
    /// The code, as the device shows it.
    user_code: String,
}

async fn device(call: Call<'_>) -> Result<Answer, Error> {
    let visit = Visit::of(&call);
    let visitor = visit.visitor(None).await?;
    if !visit.is_post() {
        let parameters = Parameters::of_page(call.request.uri())?;
        let user_code = parameters.value("user_code");
        let Some(visitor) = visitor else {
            let next = Next::Device(user_code.map(str::to_owned));
            return visit.sign_in_first(&next).await;
        };
        // Nobody is let in by a link alone: the person compares, and sends the code (RFC 8628 §5.4).
        let page = visit.code_page(&visitor, user_code, None);
        return Ok(Answer::public(page.await?));
    }
    let form = visit.posted()?;
    let Some(visitor) = visitor else {
        return Err(SignInDenied::NotSignedIn.into());
    };
    let (session, sealed) = (visitor.cookie.value(), form.value("form"));
    if let Some(decision) = form.value("decision") {
        let opened = visit.unseal_in_session::<Found>(CONFIRM, session, sealed);
        let opened = opened.await?;
        if opened.is_expired {
            return Ok(visit.expired(&Next::Device(None), call.known));
        }
        return visit
            .decide(&visitor, opened.value, decision, call.known)
            .await;
    }
    let opened = visit
        .unseal_in_session::<()>(ENTER, session, sealed)
        .await?;
    if opened.is_expired {
        return Ok(visit.expired(&Next::Device(None), call.known));
    }
    let typed = form.value("user_code").unwrap_or_default();
    visit.find(&visitor, typed, call.known).await
}

impl Visit<'_> {
    async fn code_page(
        &self,
        visitor: &Visitor,
        prefilled: Option<&str>,
        problem: Option<DeviceProblem>,
    ) -> Result<Response<Bytes>, Error> {
        let session = visitor.cookie.value();
        let form = self.seal_in_session(ENTER, session, &()).await?;
        let page = DeviceCode {
            form: &form,
            action: paths::DEVICE,
            prefilled,
            problem,
        };
        let html = page.html(&self.look, self.language);
        Ok(self.page(StatusCode::OK, html))
    }

    /// Shows what the device with this code asks for. Codes can be guessed, so that each attempt counts.
    async fn find(
        &self,
        visitor: &Visitor,
        typed: &str,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        let (table, now) = (self.issuer.table(), self.issuer.clock().now());
        let source = self.source();
        let guess = Guess::user_code(&visitor.user.subject, source);
        let (problem, reason) = match guess.admit(table, now).await? {
            Admitted::TryAgainIn(seconds) => (
                DeviceProblem::TooManyAttempts(seconds),
                SignInDenied::TooManyAttempts(seconds),
            ),
            Admitted::Yes => match self.issuer.find_by_user_code(typed, now).await? {
                Some(request) if request.answer.is_none() => {
                    guess.succeeded(table).await?;
                    let page = self.confirm_page(visitor, &request, typed).await?;
                    return Ok(Answer::public(page));
                }
                _ => {
                    guess.failed(table, now).await?;
                    (DeviceProblem::UnknownCode, SignInDenied::UnknownUserCode)
                }
            },
        };
        let mut response = self.code_page(visitor, Some(typed), Some(problem)).await?;
        let error = Error::from(reason);
        *response.status_mut() = match problem {
            DeviceProblem::TooManyAttempts(_) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        };
        Ok(Answer {
            response,
            event: RequestEvent::refused(mem::take(known), &error),
        })
    }

    async fn confirm_page(
        &self,
        visitor: &Visitor,
        request: &DeviceRequest,
        typed: &str,
    ) -> Result<Response<Bytes>, Error> {
        // As the device shows it, however it was typed.
        let shown_code = typed.parse::<UserCode>();
        let shown_code = shown_code.map_or_else(|_| typed.to_owned(), |code| code.to_string());
        let found = Found {
            request: request.id.clone(),
            user_code: shown_code.clone(),
        };
        let session = visitor.cookie.value();
        let form = self.seal_in_session(CONFIRM, session, &found).await?;
        let client = Client::key_of(&request.client_id);
        let client = self.issuer.table().get(&client).await?;
        let client_name = match &client {
            Some(client) => shown_name(client),
            None => request.client_id.to_string(),
        };
        let resource = self.issuer.resource_among(&request.audiences).await?;
        let shown = ShownAccess::of(&request.scopes, &request.audiences, resource.as_ref());
        let scopes: Vec<_> = shown.iter().map(ShownAccess::scopes).collect();
        let access = ShownAccess::on_a_page(&shown, &scopes);
        let now = self.issuer.clock().now();
        let page = DeviceConfirm {
            form: &form,
            action: paths::DEVICE,
            client_name: &client_name,
            user_code: &shown_code,
            source: request.source.as_deref(),
            requested_ago_seconds: now.since(request.created_at).as_secs(),
            access: &access,
            who: visitor.who(),
        };
        let html = page.html(&self.look, self.language);
        Ok(self.page(StatusCode::OK, html))
    }

    async fn decide(
        &self,
        visitor: &Visitor,
        found: Found,
        decision: &str,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        let now = self.issuer.clock().now();
        if decision == "switch" {
            let next = Next::Device(Some(found.user_code));
            return self.sign_in_first(&next).await;
        }
        let Some(request) = self.issuer.device_request(&found.request, now).await? else {
            return Ok(self.expired(&Next::Device(None), known));
        };
        known.client = Some(request.client_id.clone());
        let answered = match decision {
            "allow" => {
                let approval = DeviceApproval {
                    request: &request,
                    scopes: &request.scopes,
                    subject: &visitor.subject,
                    subject_name: &visitor.user.subject,
                    sign_in: visitor.sign_in(),
                };
                self.issuer.approve_device(approval).await?
            }
            _ => self.issuer.deny_device(&request).await?,
        };
        let event = match answered {
            DeviceAnswered::Approved(grant) => RequestEvent::authorized(
                &visitor.user.subject,
                &request.client_id,
                grant,
                &request.scopes,
                &request.audiences,
                true,
            ),
            DeviceAnswered::Denied => {
                let reason = AuthorizationDenied::Refused;
                RequestEvent::refused(mem::take(known), &reason.into())
            }
            DeviceAnswered::Already => return Err(SignInDenied::AnsweredBefore.into()),
            DeviceAnswered::TooLate | DeviceAnswered::WithoutClient => {
                return Ok(self.expired(&Next::Device(None), known));
            }
        };
        let page = DeviceDone {
            approved: matches!(answered, DeviceAnswered::Approved(_)),
        };
        let html = page.html(&self.look, self.language);
        Ok(Answer {
            response: self.page(StatusCode::OK, html),
            event,
        })
    }
}

/// The purpose of the form in which a code is entered.
const ENTER: &str = "device code";

/// The purpose of the form that asks whether a device may.
const CONFIRM: &str = "device";
