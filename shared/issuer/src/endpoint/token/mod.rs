//! The token endpoint (RFC 6749 §3.2): parse → authenticate → grant → policy → limit → mint → commit →
//! answer.

mod answer;
mod exchange;
mod redemption;

use std::mem;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokensmith_verifier::{Clock, Timestamp, paths};

use super::answer::json_error;
use super::client::authenticate;
use super::{ALWAYS, Answer, Call, Endpoint, Mount};
use crate::Issuer;
use crate::client::{AuthenticatedClient, Evidence, PresentedCredentials};
use crate::credential::GrantId;
use crate::error::{ClientDenied, Error, GrantDenied, Unavailable};
use crate::event::{Known, RequestEvent};
use crate::grant::token_exchange::{self, Exchanged};
use crate::grant::{TokenRequest, client_credentials, jwt_bearer};
use crate::keys::Custody;
use crate::names::ClientId;
use crate::store::records::{ApiKey, DeviceRequest, GrantType, Resource};
use crate::token::{self, ApprovedToken, GrantedAccess, MintedToken};
use answer::IssuedTokens;
use redemption::PresentedCredential;

/// The token endpoint, with every grant.
pub static TOKEN: Endpoint = Endpoint {
    name: "token",
    path: paths::TOKEN,
    methods: "POST, OPTIONS",
    has_cors: true,
    is_on: ALWAYS,
    warm_up: |issuer| Box::pin(issuer.open_all_keys()),
    check: |issuer| {
        Box::pin(async {
            check_issuing(issuer).await?;
            issuer.check_read::<ApiKey>(ApiKey::PREFIX).await?;
            issuer.check_tokens().await?;
            issuer
                .check_read::<DeviceRequest>(DeviceRequest::PREFIX)
                .await
        })
    },
    serve: |call| Box::pin(issue(call, &GrantType::ALL)),
    refuse: json_error,
};

/// [`TOKEN`], which proves refresh tokens, fetches and signs.
pub const fn token<C: Custody>() -> Mount<C> {
    Mount::issuing(&TOKEN)
}

/// The token endpoint restricted to refresh tokens, for teams that want to run them isolated.
pub static REFRESH: Endpoint = Endpoint {
    name: "refresh",
    path: paths::REFRESH,
    methods: "POST, OPTIONS",
    has_cors: true,
    is_on: ALWAYS,
    warm_up: |issuer| Box::pin(issuer.open_all_keys()),
    check: |issuer| Box::pin(check_issuing(issuer)),
    serve: |call| Box::pin(issue(call, &[GrantType::RefreshToken])),
    refuse: json_error,
};

/// [`REFRESH`], which proves refresh tokens, fetches and signs.
pub const fn refresh<C: Custody>() -> Mount<C> {
    Mount::issuing(&REFRESH)
}

async fn check_issuing(issuer: &Issuer) -> Result<(), Unavailable> {
    issuer.check_all_keys().await?;
    issuer.check_clients().await?;
    issuer.check_read::<Resource>(Resource::PREFIX).await
}

async fn issue(mut call: Call<'_>, served: &[GrantType]) -> Result<Answer, Error> {
    let form = call.form()?;
    let request = TokenRequest::parse(&form, served)?;
    call.known.grant_type = Some(request.grant_type());
    let presented = match &request {
        TokenRequest::JwtBearer { assertion, .. } => {
            let presented = call.foreign_token(&form, assertion.expose_secret());
            presented.map_err(|denied| Error::from(denied).of_grant())?
        }
        TokenRequest::TokenExchange { exchanged, .. } => match exchanged {
            Exchanged::ApiKey(key) => {
                let presented = call.api_key(&form, key.expose_secret());
                presented.map_err(|denied| Error::from(denied).of_subject_token())?
            }
            Exchanged::Foreign(token) => {
                let presented = call.foreign_token(&form, token.expose_secret());
                presented.map_err(|denied| Error::from(denied).of_grant())?
            }
            Exchanged::AccessToken(_) => call.credentials(&form)?,
        },
        TokenRequest::ClientCredentials(_)
        | TokenRequest::AuthorizationCode { .. }
        | TokenRequest::DeviceCode { .. }
        | TokenRequest::RefreshToken { .. } => call.credentials(&form)?,
    };
    let presented = presented.with_key_proof(call.key_proof(None).await?);
    let Call {
        issuer,
        endpoint,
        known,
        ..
    } = call;
    issuer.require_own_table().await?;

    let issued = match issuer.issue(&presented, &request, known).await {
        // A token issued now would count as revoked. Wait until `not_before` has passed, and decide
        // again on fresh records.
        Err(Error::Unavailable(Unavailable::JustRevoked(until))) => {
            wait_past(until, &issuer.clock).await;
            match presented.client_id() {
                Some(id) => issuer.clients.forget(id),
                None => issuer.clients.forget_all(),
            }
            issuer.issue(&presented, &request, known).await?
        }
        issued => issued?,
    };
    Ok(match issued {
        Issue::Tokens(issued) => Answer {
            response: issued.answer(request.grant_type()),
            event: issued.event(mem::take(known), request.grant_type()),
        },
        Issue::Reused {
            client,
            grant,
            reason,
        } => {
            let rule = known.rule.take();
            let event = RequestEvent::reused(client, rule, request.grant_type(), grant, &reason);
            let error = reason.into();
            Answer {
                response: (endpoint.refuse)(endpoint, &error, issuer.retry_after(&error)),
                event,
            }
        }
    })
}

impl Issuer {
    async fn issue(
        &self,
        presented: &PresentedCredentials,
        request: &TokenRequest,
        known: &mut Known,
    ) -> Result<Issue, Error> {
        match request {
            TokenRequest::ClientCredentials(asked) => {
                let grant = |client: &_| Ok(client_credentials::grant(client, asked.clone()));
                let grant_type = GrantType::ClientCredentials;
                let issued = self.issue_without_refresh(presented, grant_type, grant, known);
                issued.await
            }
            TokenRequest::AuthorizationCode {
                unproven,
                asked,
                terms,
            } => {
                let credential = PresentedCredential::code(unproven, terms);
                let issued = self.redeem(presented, credential, asked, known).await;
                issued.map_err(Error::of_code)
            }
            TokenRequest::RefreshToken { unproven, asked } => {
                let credential = PresentedCredential::refresh_token(unproven);
                self.redeem(presented, credential, asked, known).await
            }
            TokenRequest::DeviceCode { code, asked } => {
                let issued = self.redeem_device(presented, code, asked, known).await;
                issued.map_err(Error::of_code)
            }
            // RFC 8693 says the same in other words: the client may do it that may use the token as its grant.
            TokenRequest::JwtBearer { asked, .. }
            | TokenRequest::TokenExchange {
                exchanged: Exchanged::Foreign(_),
                asked,
            } => {
                let grant = |client: &_| jwt_bearer::grant(client, asked.clone());
                let grant_type = GrantType::JwtBearer;
                let issued = self.issue_without_refresh(presented, grant_type, grant, known);
                issued.await.map_err(Error::of_grant)
            }
            TokenRequest::TokenExchange {
                exchanged: Exchanged::ApiKey(_),
                asked,
            } => {
                let grant = |client: &_| token_exchange::grant_for_api_key(client, asked.clone());
                let grant_type = GrantType::TokenExchange;
                let issued = self.issue_without_refresh(presented, grant_type, grant, known);
                issued.await.map_err(Error::of_subject_token)
            }
            TokenRequest::TokenExchange {
                exchanged: Exchanged::AccessToken(tokens),
                asked,
            } => self.exchange(presented, tokens, asked, known).await,
        }
    }

    async fn issue_without_refresh(
        &self,
        presented: &PresentedCredentials,
        grant_type: GrantType,
        grant: impl Fn(&AuthenticatedClient) -> Result<GrantedAccess, ClientDenied>,
        known: &mut Known,
    ) -> Result<Issue, Error> {
        let mut evidence = self.gather(presented, known).await?;
        let authenticated = self
            .clients
            .decide(&mut evidence, |evidence| authenticate(evidence, grant_type));
        let target = grant(&authenticated.await?)?.target();
        self.clients.aim(&mut evidence, target).await?;
        let now = evidence.now();
        let decided = self.clients.decide(&mut evidence, |evidence| {
            let client = authenticate(evidence, grant_type)?;
            let granted = grant(&client)?;
            let (resources, ttl) = (evidence.resources(), self.config.access_ttl);
            let approved = token::approve(&client, granted, resources, ttl, now)?;
            Ok((client, approved))
        });
        let (client, approved) = decided.await?;
        let issued = self.issue_approved(&client, approved, evidence).await?;
        if let Some(key) = client.api_key() {
            self.last_uses.note(key, now).await;
        }
        Ok(issued)
    }

    /// Takes permits, signs, and uses up what the client has presented; nothing else is written.
    async fn issue_approved(
        &self,
        client: &AuthenticatedClient,
        approved: ApprovedToken,
        mut evidence: Evidence<'_>,
    ) -> Result<Issue, Error> {
        let standings = self.take_permits(client).await?;
        let access_token = self.mint_for(client, approved).await?;
        evidence.claim(&self.table).await?;
        Ok(Issue::Tokens(Box::new(IssuedTokens {
            client: client.record().id.clone(),
            access_token,
            redeemed: None,
            standings,
        })))
    }

    /// Signs a token with the key of its algorithm.
    pub(crate) async fn mint_for(
        &self,
        client: &AuthenticatedClient,
        approved: ApprovedToken,
    ) -> Result<MintedToken, Error> {
        let algorithm = approved.algorithm();
        let algorithm = algorithm.unwrap_or_else(|| self.config.default_algorithm());
        let key = self.keys.active(algorithm, client.now()).await?;
        token::mint(approved, &key, &self.config.issuer).await
    }
}

/// Waits until `moment` has passed, if that is soon. A clock that a test has set does not move by
/// itself, so this does not wait for it.
async fn wait_past(moment: Timestamp, clock: &Clock) {
    let rest = moment.since(clock.now()) + Duration::from_secs(1);
    if matches!(clock, Clock::System) && rest <= LONGEST_WAIT {
        tokio::time::sleep(rest).await;
    }
}

/// What a request came to that was not refused by its form, its client or its grant.
enum Issue {
    Tokens(Box<IssuedTokens>),
    /// A code was used twice, or a refresh token after its grace, and the grant was revoked.
    Reused {
        client: ClientId,
        grant: GrantId,
        reason: GrantDenied,
    },
}

/// The longest that a request waits for `not_before` to pass. It is below the request's time limit.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
