//! The token endpoint (RFC 6749 §3.2): parse → authenticate → grant → policy → mint → commit →
//! answer.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{read_credentials, read_form, uncached_json};
use crate::Issuer;
use crate::client::FoundClient;
use crate::client::{AuthenticatedClient, PresentedCredentials};
use crate::credential::{CredentialKind, GrantCredential, HmacKey};
use crate::error::{Denied, Error, Unavailable};
use crate::event::RequestLog;
use crate::grant::client_credentials;
use crate::grant::refresh_token::{self, GrantState, ProvenRefreshToken, Step};
use crate::grant::{AskedAccess, GrantType, TokenRequest};
use crate::revocation::revoke_grant;
use crate::store::Update;
use crate::store::records::Grant;
use crate::token::{self, ApprovedToken, MintedToken, mint};
use tokensmith_verifier::{Clock, Timestamp};

impl Issuer {
    pub(super) async fn token(
        &self,
        request: &Request<Bytes>,
        served: &[GrantType],
        log: &mut RequestLog,
    ) -> Result<Response<Bytes>, Error> {
        let form = read_form(request)?;
        let token_request = TokenRequest::parse(&form, served)?;
        log.grant_type = Some(token_request.grant_type());
        let presented = read_credentials(request, &form, log)?;

        let issued = match self.issue(&presented, &token_request, log).await {
            // What would be dead on arrival is worth a short wait, and a fresh look.
            Err(Error::Unavailable(Unavailable::JustRevoked(until))) => {
                wait_past(until, &self.clock).await;
                self.clients.forget(presented.client_id());
                self.issue(&presented, &token_request, log).await?
            }
            issued => issued?,
        };
        let scope = issued.access_token.scopes.to_string();
        Ok(uncached_json(&TokenAnswer {
            access_token: issued.access_token.expose_secret(),
            token_type: "Bearer",
            expires_in: issued.access_token.expires_in,
            refresh_token: issued
                .refresh_token
                .as_ref()
                .map(ExposeSecret::expose_secret),
            scope: (!scope.is_empty()).then_some(&scope),
        }))
    }

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
        }
    }

    async fn issue_to_client(
        &self,
        presented: &PresentedCredentials,
        asked: &AskedAccess,
        log: &mut RequestLog,
    ) -> Result<IssuedTokens, Error> {
        let mut found = self.clients.find(presented.client_id()).await?;
        let now = found.now;
        let approved = self.clients.decide(&mut found, |found| {
            let client = presented.authenticate(found)?;
            allow_grant_type(&client, GrantType::ClientCredentials)?;
            let granted = client_credentials::grant(&client, asked.clone());
            token::approve(&client, granted, self.config.access_ttl, now)
        });
        let approved = approved.await?;
        Ok(IssuedTokens {
            access_token: self.mint(&found, approved, log).await?,
            refresh_token: None,
        })
    }

    async fn refresh(
        &self,
        presented: &PresentedCredentials,
        unproven: &GrantCredential,
        asked: &AskedAccess,
        log: &mut RequestLog,
    ) -> Result<IssuedTokens, Error> {
        let token = self.prove(unproven.clone(), self.clock.now()).await?;
        log.grant_id = Some(token.credential().grant_id);
        let mut found = self.clients.find(presented.client_id()).await?;
        let allowed = self.clients.decide(&mut found, |found| {
            let client = presented.authenticate(found)?;
            Ok(allow_grant_type(&client, GrantType::RefreshToken)?)
        });
        allowed.await?;
        let now = self.clock.now();
        let mut state = self.read_grant(&token, now).await?;
        loop {
            let decided = self.clients.decide(&mut found, |found| {
                let client = presented.authenticate(found)?;
                let step = refresh_token::decide(&state, client.record(), &token, now)?;
                if step == Step::Revoke {
                    return Ok(None);
                }
                let granted = refresh_token::grant(&state, asked.clone());
                let approved = token::approve(&client, granted, self.config.access_ttl, now)?;
                Ok(Some((step, approved)))
            });
            let Some((step, approved)) = decided.await? else {
                revoke_grant(&self.table, state.grant.id, None, now).await?;
                return Err(Denied::RefreshTokenReused.into());
            };
            let access_token = self.mint(&found, approved, log).await?;
            // Signed before it is committed: a signature that fails has consumed nothing.
            match self.commit(&found, &state, step, &token, now).await? {
                Committed::Yes(refresh_token) => {
                    return Ok(IssuedTokens {
                        access_token,
                        refresh_token: Some(refresh_token),
                    });
                }
                // Somebody was faster. What was signed never leaves, and the race is decided anew.
                Committed::LostTo(grant) => state.grant = grant,
            }
        }
    }

    async fn mint(
        &self,
        found: &FoundClient,
        approved: ApprovedToken,
        log: &mut RequestLog,
    ) -> Result<MintedToken, Error> {
        let algorithm = found.record.as_ref().and_then(|record| record.algorithm);
        let algorithm = algorithm.unwrap_or(self.config.default_algorithm());
        let key = self.keys.active(algorithm, found.now).await?;
        log.key_id = Some(key.id.clone());
        mint(approved, &key, &self.config.issuer).await
    }

    /// The one write of a refresh, and the refresh token that is current after it.
    async fn commit(
        &self,
        found: &FoundClient,
        state: &GrantState,
        step: Step,
        token: &ProvenRefreshToken,
        now: Timestamp,
    ) -> Result<Committed, Error> {
        let grant = &state.grant;
        let client = found.record.as_ref().ok_or(Denied::UnknownClient)?;
        let key = match step {
            Step::Advance => self.hmac_keys.newest(now).await?,
            _ => self.hmac_keys.version(grant.hmac_version, now).await?,
        };
        if step == Step::Repeat {
            let successor = self.print_current(&key, grant, token);
            return Ok(Committed::Yes(successor));
        }
        let next = refresh_token::advanced(grant, step, key.version(), client, now);
        let change = refresh_token::advance(grant, &next)?;
        match self.table.update(&Grant::key_of(grant.id), change).await? {
            Update::Applied(_) => Ok(Committed::Yes(self.print_current(&key, &next, token))),
            Update::Refused(Some(newer)) => Ok(Committed::LostTo(newer.record)),
            Update::Refused(None) => Err(Denied::UnknownGrant.into()),
        }
    }

    /// The grant's current refresh token: derived, so it is the same whoever asks.
    fn print_current(
        &self,
        key: &HmacKey,
        grant: &Grant,
        token: &ProvenRefreshToken,
    ) -> SecretString {
        let (issuer, nonce) = (&self.config.issuer, &token.credential().nonce);
        key.print(
            issuer,
            CredentialKind::RefreshToken,
            grant.id,
            grant.generation,
            nonce,
        )
    }
}

/// Waits until `moment` has passed, if that is soon. A clock that a test has set does not move by
/// itself, so nothing is waited for.
async fn wait_past(moment: Timestamp, clock: &Clock) {
    let rest = moment.since(clock.now()) + Duration::from_secs(1);
    if matches!(clock, Clock::System) && rest <= LONGEST_WAIT {
        tokio::time::sleep(rest).await;
    }
}

fn allow_grant_type(client: &AuthenticatedClient, grant_type: GrantType) -> Result<(), Denied> {
    match client.record().grant_types.contains(&grant_type) {
        true => Ok(()),
        false => Err(Denied::GrantTypeNotAllowed),
    }
}

struct IssuedTokens {
    access_token: MintedToken,
    refresh_token: Option<SecretString>,
}

enum Committed {
    Yes(SecretString),
    LostTo(Grant),
}

/// RFC 6749 §5.1.
#[derive(Serialize)]
struct TokenAnswer<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

/// How long a request may wait for a clock; below its time limit.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
