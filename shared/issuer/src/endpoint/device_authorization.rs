//! The device authorization endpoint (RFC 8628 §3.1).

use bytes::Bytes;
use http::{HeaderMap, Response, header};
use secrecy::ExposeSecret;
use serde::Serialize;
use tokensmith_verifier::paths;

use super::answer::{add_limit_headers, json_error, uncached_json};
use super::client::authenticate;
use super::{Answer, Call, Endpoint, Mount};
use crate::Issuer;
use crate::client::Target;
use crate::device::{AskedOnDevice, DeviceAccess, INTERVAL, LIFETIME};
use crate::error::{Error, Unavailable};
use crate::event::{RequestContext, RequestEvent};
use crate::grant::AskedAccess;
use crate::keys::Custody;
use crate::limit::Standing;
use crate::store::records::{DeviceRequest, GrantType, Resource};
use crate::token::wanted_access;

/// The device authorization endpoint (RFC 8628 §3.1).
pub static DEVICE_AUTHORIZATION: Endpoint = Endpoint {
    name: "device_authorization",
    path: paths::DEVICE_AUTHORIZATION,
    methods: "POST, OPTIONS",
    has_cors: true,
    is_on: |config| config.sign_in,
    warm_up: |issuer| Box::pin(issuer.open_proving_keys()),
    check: |issuer| Box::pin(check_asking(issuer)),
    serve: |call| Box::pin(ask(call)),
    refuse: json_error,
};

/// [`DEVICE_AUTHORIZATION`], which opens the HMAC keys and signs nothing.
pub const fn device_authorization<C: Custody>() -> Mount<C> {
    Mount::proving(&DEVICE_AUTHORIZATION)
}

async fn check_asking(issuer: &Issuer) -> Result<(), Unavailable> {
    issuer.open_proving_keys().await?;
    issuer.check_clients().await?;
    issuer.check_read::<Resource>(Resource::PREFIX).await?;
    let requests = issuer.check_read::<DeviceRequest>(DeviceRequest::PREFIX);
    requests.await?;
    Ok(issuer.limits.check().await?)
}

/// Policy decides now, so that no person is asked for what the client may not have.
async fn ask(mut call: Call<'_>) -> Result<Answer, Error> {
    let form = call.form()?;
    let asked = AskedAccess::parse(&form)?;
    let presented = call.credentials(&form)?;
    let Call {
        issuer,
        request,
        known,
        ..
    } = call;
    issuer.require_own_table().await?;
    let mut evidence = issuer.gather(&presented, known).await?;
    let authenticated = issuer.clients.decide(&mut evidence, |evidence| {
        authenticate(evidence, GrantType::DeviceCode)
    });
    authenticated.await?;
    let target = Target::Wanted {
        asked: asked.resources,
        granted: None,
    };
    issuer.clients.aim(&mut evidence, target.clone()).await?;
    let decided = issuer.clients.decide(&mut evidence, |evidence| {
        let client = authenticate(evidence, GrantType::DeviceCode)?;
        let audiences = target.audiences(client.record())?;
        let (resources, scopes) = (evidence.resources(), asked.scopes.clone());
        let (scopes, _) = wanted_access(client.record(), &audiences, resources, scopes)?;
        Ok((client, scopes, audiences))
    });
    let (client, scopes, audiences) = decided.await?;
    let standings = issuer.take_permits(&client).await?;
    evidence.claim(&issuer.table).await?;
    let client_id = client.record().id.clone();
    let event = RequestEvent::device_asked(&client_id, known.rule.take(), &scopes, &audiences);
    let context = request.extensions().get::<RequestContext>();
    let access = DeviceAccess {
        client_id,
        scopes,
        audiences,
        source: context.and_then(|context| context.source.clone()),
        user_agent: user_agent(request.headers()),
    };
    let codes = issuer.ask_for_device(access, issuer.clock.now()).await?;
    Ok(Answer {
        response: answer(issuer, &codes, &standings),
        event,
    })
}

/// What a device calls itself, as far as people can read it.
fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(MAX_USER_AGENT).collect())
}

fn answer(issuer: &Issuer, codes: &AskedOnDevice, standings: &[Standing]) -> Response<Bytes> {
    let user_code = codes.user_code.to_string();
    let verification_uri = issuer.config.issuer.join(paths::DEVICE);
    let mut answer = uncached_json(&DeviceAnswer {
        device_code: codes.device_code.expose_secret(),
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        verification_uri,
        user_code,
        expires_in: LIFETIME.as_secs(),
        interval: INTERVAL.as_secs(),
    });
    add_limit_headers(answer.headers_mut(), standings);
    answer
}

/// RFC 8628 §3.2.
#[derive(Serialize)]
struct DeviceAnswer<'a> {
    device_code: &'a str,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// Browsers have up to 200 characters.
const MAX_USER_AGENT: usize = 256;
