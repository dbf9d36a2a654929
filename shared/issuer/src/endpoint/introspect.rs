//! The introspection endpoint (RFC 7662).

use serde::Serialize;
use tokensmith_verifier::dpop::DPOP_SCHEME;
use tokensmith_verifier::{AccessTokenClaims, Actor, Audiences, Confirmation, Parent, paths};

use super::answer::{json_error, uncached_json};
use super::{ALWAYS, Answer, Call, Endpoint, Mount};
use crate::Issuer;
use crate::api_key;
use crate::client::{AuthenticatedClient, Evidence, Target};
use crate::credential::GrantId;
use crate::error::{AccessDenied, BadRequest, ClientDenied, Error};
use crate::event::{Known, Noteworthy, RequestEvent};
use crate::keys::Custody;
use crate::names::{Audience, Scopes};
use crate::store::records::{ApiKey, Client, Grant, Resource};
use crate::token::Judged;

/// The introspection endpoint (RFC 7662). It has no CORS, because a browser has no secret to
/// authenticate with.
pub static INTROSPECT: Endpoint = Endpoint {
    name: "introspect",
    path: paths::INTROSPECT,
    methods: "POST",
    has_cors: false,
    is_on: ALWAYS,
    warm_up: |issuer| Box::pin(issuer.open_proving_keys()),
    check: |issuer| {
        Box::pin(async {
            issuer.open_proving_keys().await?;
            issuer.check_clients().await?;
            issuer.check_read::<Resource>(Resource::PREFIX).await?;
            issuer.check_read::<ApiKey>(ApiKey::PREFIX).await
        })
    },
    serve: |call| Box::pin(introspect_token(call)),
    refuse: json_error,
};

/// [`INTROSPECT`], which proves refresh tokens.
pub const fn introspect<C: Custody>() -> Mount<C> {
    Mount::proving(&INTROSPECT)
}

/// Tells a confidential client about its own tokens and API keys, and about access tokens and API keys for a resource that it
/// owns. Everything else, and every token that is not active, is answered `{"active":false}`
/// and no more (RFC 7662 §2.2).
async fn introspect_token(mut call: Call<'_>) -> Result<Answer, Error> {
    let form = call.form()?;
    let presented = call.credentials(&form)?;
    let token = form.value("token").ok_or(BadRequest::MissingToken)?;
    let Call { issuer, known, .. } = call;
    issuer.require_own_table().await?;
    let mut evidence = issuer.gather(&presented, known).await?;
    let caller = issuer
        .clients
        .decide(&mut evidence, |evidence| {
            let caller = evidence.authenticate()?;
            match caller.record().is_public() {
                true => Err(ClientDenied::PublicCaller.into()),
                false => Ok(caller),
            }
        })
        .await?;
    evidence.claim(&issuer.table).await?;
    let judged = issuer.judge(token).await?;
    let is_withdrawn = judged.is_of_withdrawn_key();
    let answer = match judged {
        Judged::AccessToken {
            claims,
            verdict: Ok(()),
        } => match may_know(issuer, &mut evidence, &caller, &claims).await? {
            true => Some(Live::access_token(*claims)),
            false => None,
        },
        Judged::RefreshToken {
            grant,
            verdict: Ok(()),
        } if grant.client_id == caller.record().id => {
            Some(Live::refresh_token(*grant, issuer.config.issuer.as_str()))
        }
        Judged::ApiKey {
            key,
            verdict: Ok(()),
        } => live_key(issuer, &mut evidence, &caller, &key, known).await?,
        _ => None,
    };
    let event = RequestEvent::Introspected {
        client: caller.record().id.clone(),
        rule: known.rule.take(),
        key: known.key.take(),
        active: answer.is_some(),
        reason: is_withdrawn.then_some(Noteworthy::WithdrawnKey),
    };
    let response = match answer {
        Some(live) => uncached_json(&live),
        None => uncached_json(&Dead { active: false }),
    };
    Ok(Answer { response, event })
}

/// What the caller may know of an API key: its own client may, and so may an owner of its resource, who is presented with it.
async fn live_key(
    issuer: &Issuer,
    evidence: &mut Evidence<'_>,
    caller: &AuthenticatedClient,
    key: &ApiKey,
    known: &mut Known,
) -> Result<Option<Live>, Error> {
    known.key = Some(key.id.clone());
    let resource = vec![key.resource.clone()];
    let is_owner = is_owner(issuer, evidence, caller, resource).await?;
    if caller.record().id != key.client_id && !is_owner {
        return Ok(None);
    }
    let client = issuer.table.get(&Client::key_of(&key.client_id)).await?;
    let registered = evidence.resources().of(&key.resource);
    let scopes = client.and_then(|client| api_key::rights(key, &client, registered));
    Ok(scopes.map(|scopes| Live::api_key(key, &scopes, issuer.config.issuer.as_str())))
}

/// Whether a token was issued to the caller, or is for a registered resource that the caller owns. That a client may
/// have tokens for an audience says nothing about whose it is.
async fn may_know(
    issuer: &Issuer,
    evidence: &mut Evidence<'_>,
    caller: &AuthenticatedClient,
    claims: &AccessTokenClaims,
) -> Result<bool, Error> {
    if claims.client_id == caller.record().id.as_str() {
        return Ok(true);
    }
    let audiences = claims.aud.as_slice().iter();
    let audiences = audiences.filter_map(|one| one.parse().ok()).collect();
    is_owner(issuer, evidence, caller, audiences).await
}

/// Whether one of these is a registered resource that the caller owns.
async fn is_owner(
    issuer: &Issuer,
    evidence: &mut Evidence<'_>,
    caller: &AuthenticatedClient,
    audiences: Vec<Audience>,
) -> Result<bool, Error> {
    let caller = &caller.record().id;
    issuer
        .clients
        .aim(evidence, Target::Issued(audiences.clone()))
        .await?;
    let decided = issuer.clients.decide(evidence, |evidence| {
        let resources = audiences
            .iter()
            .filter_map(|one| evidence.resources().of(one));
        let mut owners = resources.flat_map(|resource| &resource.owners);
        match owners.any(|owner| owner == caller) {
            true => Ok(()),
            false => Err(AccessDenied::ResourceNotAllowed.into()),
        }
    });
    match decided.await {
        Err(Error::Denied(_)) => Ok(false),
        decided => decided.map(|()| true),
    }
}

/// RFC 7662 §2.2.
#[derive(Serialize)]
struct Live {
    active: bool,
    iss: String,
    sub: String,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audiences>,
    exp: u64,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// The key that the token is bound to (RFC 9449 §6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<String>,
    /// RFC 8693 §4.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Actor>,
    /// The public id of an API key, or of the one that the token was exchanged for.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
}

impl Live {
    fn api_key(key: &ApiKey, scopes: &Scopes, issuer: &str) -> Self {
        Self {
            active: true,
            iss: issuer.to_owned(),
            sub: key.client_id.to_string(),
            client_id: key.client_id.to_string(),
            aud: Some(vec![key.resource.to_string()].into()),
            exp: key.expires_at.seconds(),
            iat: key.created_at.seconds(),
            jti: None,
            scope: (!scopes.is_empty()).then(|| scopes.to_string()),
            token_type: None,
            cnf: None,
            grant_id: None,
            act: None,
            key_id: Some(key.id.to_string()),
        }
    }

    fn access_token(claims: AccessTokenClaims) -> Self {
        Self {
            active: true,
            iss: claims.iss,
            sub: claims.sub,
            client_id: claims.client_id,
            aud: Some(claims.aud),
            exp: claims.exp,
            iat: claims.iat,
            jti: Some(claims.jti),
            scope: claims.scope,
            token_type: Some(match claims.cnf {
                Some(_) => DPOP_SCHEME,
                None => "Bearer",
            }),
            cnf: claims.cnf,
            grant_id: claims.grant_id,
            key_id: claims
                .parents
                .iter()
                .find_map(Parent::api_key_id)
                .map(str::to_owned),
            act: claims.act,
        }
    }

    fn refresh_token(grant: Grant, issuer: &str) -> Self {
        Self {
            active: true,
            iss: issuer.to_owned(),
            sub: grant.subject.to_string(),
            client_id: grant.client_id.to_string(),
            aud: None,
            exp: grant.idle_expires_at.min(grant.expires_at).seconds(),
            iat: grant.rotated_at.seconds(),
            jti: None,
            scope: (!grant.scopes.is_empty()).then(|| grant.scopes.to_string()),
            token_type: None,
            cnf: None,
            grant_id: Some(GrantId::into(grant.id)),
            act: None,
            key_id: None,
        }
    }
}

#[derive(Serialize)]
struct Dead {
    active: bool,
}
