//! `GET|POST /oauth2/authorize`: a client has sent somebody here (RFC 6749 §3.1).

use tokensmith_issuer::authorization::{Parameters, Refused};
use tokensmith_issuer::endpoint::{Answer, Call, Endpoint};
use tokensmith_issuer::error::{AuthorizationDenied, Error};
use tokensmith_issuer::event::Known;
use tokensmith_verifier::paths;

use crate::pending::Pending;
use crate::problem::{answered, endpoint_of_people};
use crate::visit::Visit;

/// The authorization endpoint (RFC 6749 §3.1). It has no CORS: nobody but a person's browser asks it.
pub static AUTHORIZE: Endpoint = endpoint_of_people(
    "authorization",
    paths::AUTHORIZE,
    "GET, HEAD, POST",
    |call| Box::pin(answered(call, authorize)),
);

async fn authorize(call: Call<'_>) -> Result<Answer, Error> {
    let mut visit = Visit::of(&call);
    let (uri, headers) = (call.request.uri(), call.request.headers());
    if visit.is_post() {
        // A form of another site brings no cookie with it. What follows is a GET, which does.
        let parameters = Parameters::of_form(uri, headers, call.request.body())?;
        let location = format!("{}?{}", paths::AUTHORIZE, parameters.to_query());
        return Ok(Answer::public(visit.see_other(&location)));
    }
    let parameters = Parameters::of_query(uri)?;
    let pending = match visit.pending(parameters, call.known).await? {
        Ok(pending) => pending,
        Err(answer) => return Ok(*answer),
    };
    let request = match visit
        .issuer
        .authorization_request(&pending.parameters)
        .await
    {
        Ok(request) => request,
        Err(refused) => return visit.refused(refused, call.known),
    };
    if request.client.profile.is_some() && pending.pushed.is_none() {
        return Ok(visit.refuse(&request, AuthorizationDenied::NotPushed, call.known));
    }
    visit.speak(request.ui_locales.as_deref());
    call.known.client = Some(request.client.id.clone());
    visit.proceed(pending, &request, call.known).await
}

impl Visit<'_> {
    /// The request that `parameters` are, or that they name because it was pushed; or what its client is told instead.
    async fn pending(
        &self,
        parameters: Parameters,
        known: &mut Known,
    ) -> Result<Result<Pending, Box<Answer>>, Error> {
        let Some(request_uri) = parameters.value("request_uri") else {
            return Ok(Ok(Pending::new(parameters)));
        };
        let client = parameters.value("client_id");
        match self.issuer.pushed(request_uri, client).await? {
            // Whoever opens it twice goes on with the same request.
            Ok(request) => Ok(Ok(Pending {
                id: request.id.clone(),
                parameters: request.parameters,
                pushed: Some(request.id),
                signed_in: false,
            })),
            // Where the client wants its answers is known only from what it has pushed.
            Err(reason) => match self.issuer.authorization_request(&parameters).await {
                Ok(request) => Ok(Err(Box::new(self.refuse(&request, reason, known)))),
                Err(Refused::Redirect(redirect, _)) => {
                    Ok(Err(Box::new(self.refuse_at(&redirect, reason, known))))
                }
                Err(_) => Err(reason.into()),
            },
        }
    }
}
