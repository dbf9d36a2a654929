//! The token endpoint (RFC 6749 §3.2): parse → authenticate → grant → policy → limit → mint →
//! commit → answer.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokensmith_verifier::{Clock, Timestamp, paths};

use super::answer::{add_limit_headers, json_error, uncached_json};
use super::{Call, Endpoint, Mount};
use crate::Issuer;
use crate::client::{AuthenticatedClient, Evidence, PresentedCredentials, Target};
use crate::credential::{CredentialKind, GrantCredential};
use crate::error::{ClientDenied, Error, GrantDenied, LimitDenied, Unavailable};
use crate::event::{IssuedLog, RequestLog};
use crate::grant::redeem::{self, Advance, GrantState, ProvenCredential, Step};
use crate::grant::{
    ACCESS_TOKEN_TYPE, AskedAccess, TokenRequest, client_credentials, jwt_bearer, refresh_token,
    token_exchange,
};
use crate::keys::Custody;
use crate::limit::{Limited, Standing, Taken};
use crate::revocation::revoke_grant;
use crate::store::records::{ApiKey, GrantType, Resource};
use crate::token::{self, ApprovedToken, GrantedAccess, MintedToken};

/// The token endpoint, with every grant.
pub static TOKEN: Endpoint = Endpoint {
    name: "token",
    path: paths::TOKEN,
    methods: "POST, OPTIONS",
    has_cors: true,
    warm_up: |issuer| Box::pin(issuer.open_all_keys()),
    check: |issuer| {
        Box::pin(async {
            check_issuing(issuer).await?;
            issuer.check_read::<ApiKey>(ApiKey::PREFIX).await
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

async fn issue(mut call: Call<'_>, served: &[GrantType]) -> Result<Response<Bytes>, Error> {
    let form = call.form()?;
    let request = TokenRequest::parse(&form, served)?;
    call.log.grant_type = Some(request.grant_type());
    let presented = match &request {
        TokenRequest::JwtBearer { assertion, .. } => {
            let presented = call.foreign_token(&form, assertion.expose_secret());
            presented.map_err(|denied| Error::from(denied).of_grant())?
        }
        TokenRequest::TokenExchange { subject_token, .. } => {
            let presented = call.api_key(&form, subject_token.expose_secret());
            presented.map_err(|denied| Error::from(denied).of_subject_token())?
        }
        TokenRequest::ClientCredentials(_) | TokenRequest::RefreshToken { .. } => {
            call.credentials(&form)?
        }
    };
    let Call { issuer, log, .. } = call;
    issuer.require_own_table().await?;

    let issued = match issuer.issue(&presented, &request, log).await {
        // A token issued now would count as revoked. Wait until `not_before` has passed, and decide
        // again on fresh records.
        Err(Error::Unavailable(Unavailable::JustRevoked(until))) => {
            wait_past(until, &issuer.clock).await;
            match presented.client_id() {
                Some(id) => issuer.clients.forget(id),
                None => issuer.clients.forget_all(),
            }
            issuer.issue(&presented, &request, log).await?
        }
        issued => issued?,
    };
    let scope = issued.access_token.scopes.to_string();
    let refresh_token = issued.refresh_token.as_ref();
    let is_exchange = request.grant_type() == GrantType::TokenExchange;
    let mut answer = uncached_json(&TokenAnswer {
        access_token: issued.access_token.expose_secret(),
        issued_token_type: is_exchange.then_some(ACCESS_TOKEN_TYPE),
        token_type: "Bearer",
        expires_in: issued.access_token.expires_in,
        refresh_token: refresh_token.map(ExposeSecret::expose_secret),
        scope: (!scope.is_empty()).then_some(&scope),
    });
    if let Some(standing) = &issued.standing {
        add_limit_headers(answer.headers_mut(), standing);
    }
    Ok(answer)
}

impl Issuer {
    async fn issue(
        &self,
        presented: &PresentedCredentials,
        request: &TokenRequest,
        log: &mut RequestLog,
    ) -> Result<IssuedTokens, Error> {
        match request {
            TokenRequest::ClientCredentials(asked) => {
                self.issue_to_client(presented, asked, log).await
            }
            TokenRequest::RefreshToken { unproven, asked } => {
                self.refresh(presented, unproven, asked, log).await
            }
            TokenRequest::JwtBearer { asked, .. } => {
                let issued = self.issue_for_assertion(presented, asked, log).await;
                issued.map_err(Error::of_grant)
            }
            TokenRequest::TokenExchange { asked, .. } => {
                let issued = self.exchange(presented, asked, log).await;
                issued.map_err(Error::of_subject_token)
            }
        }
    }

    async fn issue_to_client(
        &self,
        presented: &PresentedCredentials,
        asked: &AskedAccess,
        log: &mut RequestLog,
    ) -> Result<IssuedTokens, Error> {
        let grant =
            |client: &AuthenticatedClient| Ok(client_credentials::grant(client, asked.clone()));
        let grant_type = GrantType::ClientCredentials;
        self.issue_without_refresh(presented, grant_type, grant, log)
            .await
    }

    async fn issue_for_assertion(
        &self,
        presented: &PresentedCredentials,
        asked: &AskedAccess,
        log: &mut RequestLog,
    ) -> Result<IssuedTokens, Error> {
        let grant = |client: &AuthenticatedClient| jwt_bearer::grant(client, asked.clone());
        self.issue_without_refresh(presented, GrantType::JwtBearer, grant, log)
            .await
    }

    async fn exchange(
        &self,
        presented: &PresentedCredentials,
        asked: &AskedAccess,
        log: &mut RequestLog,
    ) -> Result<IssuedTokens, Error> {
        let grant = |client: &AuthenticatedClient| token_exchange::grant(client, asked.clone());
        self.issue_without_refresh(presented, GrantType::TokenExchange, grant, log)
            .await
    }

    async fn issue_without_refresh(
        &self,
        presented: &PresentedCredentials,
        grant_type: GrantType,
        grant: impl Fn(&AuthenticatedClient) -> Result<GrantedAccess, ClientDenied>,
        log: &mut RequestLog,
    ) -> Result<IssuedTokens, Error> {
        let mut evidence = self.gather(presented, log).await?;
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
        let standing = self.take_permit(&client).await?;
        let access_token = self.mint(&client, approved, log).await?;
        evidence.claim(&self.table).await?;
        if let Some(key) = client.api_key() {
            self.last_uses.note(key, now).await;
        }
        Ok(IssuedTokens {
            access_token,
            refresh_token: None,
            standing,
        })
    }

    async fn refresh(
        &self,
        presented: &PresentedCredentials,
        unproven: &GrantCredential,
        asked: &AskedAccess,
        log: &mut RequestLog,
    ) -> Result<IssuedTokens, Error> {
        let (redeemer, kind) = (self.redeemer()?, CredentialKind::RefreshToken);
        let proven = redeemer.prove(unproven.clone(), kind, self.clock.now());
        let proven = proven.await?;
        log.grant_id = Some(proven.credential().grant_id);
        let mut evidence = self.gather(presented, log).await?;
        let authenticated = self.clients.decide(&mut evidence, |evidence| {
            authenticate(evidence, GrantType::RefreshToken)
        });
        authenticated.await?;
        let now = self.clock.now();
        let mut state = redeemer.read(&proven, now).await?;
        self.clients
            .aim(&mut evidence, target_of(&state, asked))
            .await?;
        let mut permit = None;
        loop {
            let decided = self.clients.decide(&mut evidence, |evidence| {
                self.decide_refresh(evidence, &state, &proven, asked, now)
            });
            let Decision::Approved(client, step, approved) = decided.await? else {
                // Whoever repeats a request that the client has sent is not the client, and ends nothing.
                evidence.claim(&self.table).await?;
                revoke_grant(&self.table, state.grant.id, None, now).await?;
                return Err(GrantDenied::RefreshTokenReused.into());
            };
            // However often a request is decided, it takes one permit.
            let standing = match permit {
                Some(standing) => standing,
                None => *permit.insert(self.take_permit(&client).await?),
            };
            let access_token = self.mint(&client, *approved, log).await?;
            // The token is signed before the grant advances, so that a failed signature uses up
            // nothing.
            evidence.claim(&self.table).await?;
            let advance = redeemer.advance(&client, &state.grant, step, &proven, now);
            match advance.await? {
                Advance::Advanced(refresh_token) => {
                    return Ok(IssuedTokens {
                        access_token,
                        refresh_token: Some(refresh_token),
                        standing,
                    });
                }
                // Another request advanced the grant first. The signed token is dropped, and the
                // request is decided again on the newer record.
                Advance::LostTo(grant) => state.grant = grant,
            }
        }
    }

    fn decide_refresh(
        &self,
        evidence: &Evidence<'_>,
        state: &GrantState,
        proven: &ProvenCredential,
        asked: &AskedAccess,
        now: Timestamp,
    ) -> Result<Decision, Error> {
        let client = evidence.authenticate()?;
        let step = redeem::decide(state, client.record(), proven, now)?;
        if step == Step::Revoke {
            return Ok(Decision::Reused);
        }
        let granted = refresh_token::grant(state, asked.clone());
        let (resources, ttl) = (evidence.resources(), self.config.access_ttl);
        let approved = token::approve(&client, granted, resources, ttl, now)?;
        Ok(Decision::Approved(client, step, Box::new(approved)))
    }

    /// Takes a permit of the client, if it has a limit. It comes after policy, so that neither a stranger nor a request that is refused
    /// spends any; and before signing, so that what is beyond the limit costs no signature and uses up nothing.
    async fn take_permit(&self, client: &AuthenticatedClient) -> Result<Option<Standing>, Error> {
        let client = client.record();
        let Some(limit) = client.limit else {
            return Ok(None);
        };
        match self
            .limits
            .take(&Limited::client(&client.id), limit)
            .await?
        {
            Taken::Permit(standing) => Ok(Some(standing)),
            Taken::Exceeded(standing) => Err(LimitDenied::LimitExceeded(standing).into()),
        }
    }

    async fn mint(
        &self,
        client: &AuthenticatedClient,
        approved: ApprovedToken,
        log: &mut RequestLog,
    ) -> Result<MintedToken, Error> {
        let minted = self.mint_for(client, approved).await?;
        log.key_id = Some(minted.key_id.clone());
        log.issued = Some(IssuedLog::of(&minted));
        Ok(minted)
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

/// The decision on a refresh request.
enum Decision {
    Approved(AuthenticatedClient, Step, Box<ApprovedToken>),
    /// The token was used again after its grace, so two parties have it: the grant must be revoked.
    Reused,
}

/// What a refresh is about.
fn target_of(state: &GrantState, asked: &AskedAccess) -> Target {
    Target::Wanted {
        asked: asked.resources.clone(),
        // They never change while the grant lives.
        granted: Some(state.grant.audiences.clone()),
    }
}

/// The client, if it authenticates and may use the grant type.
fn authenticate(
    evidence: &Evidence<'_>,
    grant_type: GrantType,
) -> Result<AuthenticatedClient, Error> {
    let client = evidence.authenticate()?;
    let may = |client: &AuthenticatedClient| {
        client.api_key().is_some() || client.record().grant_types.contains(&grant_type)
    };
    match may(&client) {
        true => Ok(client),
        false => Err(ClientDenied::GrantTypeNotAllowed.into()),
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

struct IssuedTokens {
    access_token: MintedToken,
    refresh_token: Option<SecretString>,
    /// How the client stands, if it has a limit.
    standing: Option<Standing>,
}

/// RFC 6749 §5.1, RFC 8693 §2.2.1.
#[derive(Serialize)]
struct TokenAnswer<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'a str>,
    token_type: &'a str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

/// The longest that a request waits for `not_before` to pass. It is below the request's time limit.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
