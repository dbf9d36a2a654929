//! `GET|POST /oauth2/authorize`: a client has sent somebody here (RFC 6749 §3.1).

use tokensmith_issuer::authorization::Parameters;
use tokensmith_issuer::endpoint::{Answer, Call, Endpoint};
use tokensmith_issuer::error::Error;
use tokensmith_verifier::paths;

use crate::pending::Pending;
use crate::problem::{answered, check_people, refused_page, warm_up};
use crate::visit::Visit;

/// The authorization endpoint (RFC 6749 §3.1). It has no CORS: nobody but a person's browser asks it.
pub static AUTHORIZE: Endpoint = Endpoint {
    name: "authorize",
    path: paths::AUTHORIZE,
    methods: "GET, HEAD, POST",
    has_cors: false,
    is_on: |config| config.sign_in,
    warm_up,
    check: check_people,
    serve: |call| Box::pin(answered(call, authorize)),
    refuse: refused_page,
};

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
    let request = match visit.issuer.authorization_request(&parameters).await {
        Ok(request) => request,
        Err(refused) => return visit.refused(refused, call.known),
    };
    visit.speak(request.ui_locales.as_deref());
    call.known.client = Some(request.client.id.clone());
    visit
        .proceed(Pending::new(parameters), &request, call.known)
        .await
}
