//! The pushed authorization request endpoint (RFC 9126 §2).

use http::StatusCode;
use serde::Serialize;
use tokensmith_verifier::dpop::DpopRejection;
use tokensmith_verifier::{KeyId, paths};

use super::answer::{add_limit_headers, json_error, uncached_json};
use super::{Answer, Call, Endpoint, Mount};
use crate::authorization::{PUSHED_LIFETIME, Parameters, Refused};
use crate::error::{AuthorizationDenied, BadRequest, ClientDenied, Error};
use crate::event::RequestEvent;
use crate::keys::Custody;
use crate::store::records::PushedRequest;

/// The pushed authorization request endpoint (RFC 9126 §2).
pub static PUSHED_AUTHORIZATION: Endpoint = Endpoint {
    name: "par",
    path: paths::PUSHED_AUTHORIZATION,
    methods: "POST",
    has_cors: false,
    is_on: |config| config.sign_in,
    warm_up: |issuer| Box::pin(issuer.load_published_keys()),
    check: |issuer| {
        Box::pin(async {
            issuer.check_clients().await?;
            issuer
                .check_read::<PushedRequest>(PushedRequest::PREFIX)
                .await
        })
    },
    serve: |call| Box::pin(push(call)),
    refuse: json_error,
};

/// [`PUSHED_AUTHORIZATION`], which fetches the keys of clients.
pub const fn pushed_authorization<C: Custody>() -> Mount<C> {
    Mount::fetching(&PUSHED_AUTHORIZATION)
}

async fn push(mut call: Call<'_>) -> Result<Answer, Error> {
    let form = call.form()?;
    let presented = call.credentials(&form)?;
    let presented = presented.with_key_proof(call.key_proof(None).await?);
    if form.value("request_uri").is_some() {
        return Err(AuthorizationDenied::RequestUriNotSupported.into());
    }
    let Call { issuer, known, .. } = call;
    issuer.require_own_table().await?;
    let mut evidence = issuer.gather(&presented, known).await?;
    let client = issuer
        .clients
        .decide(&mut evidence, |evidence| Ok(evidence.authenticate()?))
        .await?;
    let id = client.record().id.clone();
    let parameters = match form.value("request") {
        Some(object) => evidence.open_request(object, issuer.config.issuer.as_str())?,
        None => Parameters::bounded(form)?,
    };
    if parameters
        .value("client_id")
        .is_some_and(|named| named != id.as_str())
    {
        return Err(ClientDenied::ClientIdMismatch.into());
    }
    let parameters = parameters
        .without(&CREDENTIALS)
        .with("client_id", id.as_str());
    let parameters = bound(parameters, client.key())?;
    match issuer.authorization_request(&parameters).await {
        Ok(_) => {}
        Err(Refused::Page(reason)) => return Err(BadRequest::from(reason).into()),
        Err(Refused::Redirect(_, reason)) => return Err(reason.into()),
        Err(Refused::Unavailable(err)) => return Err(err.into()),
    }
    let standings = issuer.take_permits(&client).await?;
    evidence.claim(&issuer.table).await?;
    let request_uri = issuer.push(&id, parameters).await?;
    let mut response = uncached_json(&Pushed {
        request_uri,
        expires_in: PUSHED_LIFETIME.as_secs(),
    });
    *response.status_mut() = StatusCode::CREATED;
    add_limit_headers(response.headers_mut(), &standings);
    Ok(Answer {
        response,
        event: RequestEvent::Pushed {
            client: id,
            rule: known.rule.take(),
        },
    })
}

/// The request with the key of its proof as that of the code, which it may have named itself (RFC 9449 §10.1).
/// A profile that wants a key is content with the name of one: the code is good for nobody else.
fn bound(
    parameters: Parameters,
    key: Result<Option<&KeyId>, DpopRejection>,
) -> Result<Parameters, DpopRejection> {
    let named = parameters.value("dpop_jkt");
    let key = match key {
        Err(DpopRejection::MissingProof) if named.is_some() => None,
        key => key?,
    };
    match (named, key) {
        (_, None) => Ok(parameters),
        (None, Some(key)) => Ok(parameters.with("dpop_jkt", key.as_str())),
        (Some(named), Some(key)) if named == key.as_str() => Ok(parameters),
        (Some(_), Some(_)) => Err(DpopRejection::AnotherKey),
    }
}

/// RFC 9126 §2.2.
#[derive(Serialize)]
struct Pushed {
    request_uri: String,
    expires_in: u64,
}

/// What proves the client is no part of what a person is asked.
const CREDENTIALS: [&str; 4] = [
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
];
