//! The token endpoint (RFC 6749 §3.2): parse → authenticate → grant → policy → mint → answer.

use bytes::Bytes;
use http::{Request, Response};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::uncached_json;
use crate::Issuer;
use crate::client_auth::PresentedCredentials;
use crate::clients::FoundClient;
use crate::error::{Denied, Refusal};
use crate::form::Form;
use crate::grant_type::client_credentials;
use crate::mint::mint;
use crate::policy::{self, ApprovedToken};
use crate::request_log::RequestLog;
use crate::token_request::TokenRequest;

impl Issuer {
    pub(super) async fn token(
        &self,
        request: &Request<Bytes>,
        log: &mut RequestLog,
    ) -> Result<Response<Bytes>, Refusal> {
        let form = Form::parse(request.uri(), request.headers(), request.body())?;
        let token_request = TokenRequest::parse(&form)?;
        log.grant_type = Some(token_request.grant_type());
        let presented = PresentedCredentials::from_request(request.headers(), &form)?;
        log.client_id = Some(presented.client_id().clone());

        let (found, approved) = self.approve(&presented, &token_request).await?;
        let keys = self.keys.at(found.now).await?;
        let algorithm = found.record.as_ref().and_then(|record| record.algorithm);
        let key = keys.active(algorithm.unwrap_or(self.config.default_algorithm()))?;
        let minted = mint(approved, key, &self.config.issuer).await?;
        log.key_id = Some(minted.key_id.clone());

        let scope = minted.scopes.to_string();
        Ok(uncached_json(&TokenAnswer {
            access_token: minted.expose_secret(),
            token_type: "Bearer",
            expires_in: minted.expires_in,
            scope: (!scope.is_empty()).then_some(&scope),
        }))
    }

    /// Decides with the record at hand, and once more with a fresh one where that may change a no.
    async fn approve(
        &self,
        presented: &PresentedCredentials,
        request: &TokenRequest,
    ) -> Result<(FoundClient, ApprovedToken), Refusal> {
        let id = presented.client_id();
        let found = self.clients.find(id).await?;
        let denied = match self.approve_with(&found, presented, request) {
            Ok(approved) => return Ok((found, approved)),
            Err(denied) => denied,
        };
        match self.clients.recheck(id, &found).await? {
            None => Err(denied.into()),
            Some(fresh) => {
                let approved = self.approve_with(&fresh, presented, request)?;
                Ok((fresh, approved))
            }
        }
    }

    fn approve_with(
        &self,
        found: &FoundClient,
        presented: &PresentedCredentials,
        request: &TokenRequest,
    ) -> Result<ApprovedToken, Denied> {
        let client = presented.authenticate(found)?;
        if !client.record().grant_types.contains(&request.grant_type()) {
            return Err(Denied::GrantTypeNotAllowed);
        }
        let granted = match request {
            TokenRequest::ClientCredentials(asked) => {
                client_credentials::grant(&client, asked.clone())
            }
        };
        policy::approve(&client, granted, self.config.access_ttl, found.now)
    }
}

/// RFC 6749 §5.1.
#[derive(Serialize)]
struct TokenAnswer<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}
