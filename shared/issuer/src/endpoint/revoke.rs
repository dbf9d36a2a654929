//! The revocation endpoint (RFC 7009).

use bytes::Bytes;
use http::Response;
use serde::Serialize;
use tokensmith_verifier::{Rejection, SignedClaims, Timestamp, paths};

use super::answer::{json_error, uncached_json};
use super::{Call, Endpoint, Mount};
use crate::Issuer;
use crate::api_key::read_presented;
use crate::client::AuthenticatedClient;
use crate::credential::{ApiKeySecret, CredentialKind, GrantCredential};
use crate::error::{BadRequest, Error, GrantDenied};
use crate::event::RequestLog;
use crate::keys::Custody;
use crate::names::ClientId;
use crate::revocation::{RevokeOutcome, revoke_access_token, revoke_api_key, revoke_grant};
use crate::store::records::ApiKey;

/// The revocation endpoint (RFC 7009).
pub static REVOKE: Endpoint = Endpoint {
    name: "revoke",
    path: paths::REVOKE,
    methods: "POST, OPTIONS",
    has_cors: true,
    warm_up: |issuer| Box::pin(issuer.open_proving_keys()),
    check: |issuer| {
        Box::pin(async {
            issuer.open_proving_keys().await?;
            issuer.check_clients().await?;
            issuer.check_read::<ApiKey>(ApiKey::PREFIX).await
        })
    },
    serve: |call| Box::pin(revoke_token(call)),
    refuse: json_error,
};

/// [`REVOKE`], which proves refresh tokens.
pub const fn revoke<C: Custody>() -> Mount<C> {
    Mount::proving(&REVOKE)
}

/// Answers 200 when the token is invalid afterwards, known or not (RFC 7009 §2.2). A client can
/// revoke only its own tokens; another client's token is treated as unknown.
async fn revoke_token(mut call: Call<'_>) -> Result<Response<Bytes>, Error> {
    let form = call.form()?;
    let presented = call.credentials(&form)?;
    let token = form.value("token").ok_or(BadRequest::MissingToken)?;
    let Call { issuer, log, .. } = call;
    issuer.require_own_table().await?;
    let mut evidence = issuer.gather(&presented, log).await?;
    let client = issuer
        .clients
        .decide(&mut evidence, |evidence| Ok(evidence.authenticate()?))
        .await?;
    evidence.claim(&issuer.table).await?;
    let outcome = issuer.revoke_own(&client, token, log).await?;
    log.revoked = Some(outcome == RevokeOutcome::Revoked);
    Ok(uncached_json(&Revoked {}))
}

/// RFC 7009 §2.2 leaves the body open. It is an empty object, because clients parse it as JSON.
#[derive(Serialize)]
struct Revoked {}

impl Issuer {
    async fn revoke_own(
        &self,
        client: &AuthenticatedClient,
        token: &str,
        log: &mut RequestLog,
    ) -> Result<RevokeOutcome, Error> {
        let (id, now) = (&client.record().id, self.clock.now());
        if ApiKeySecret::is_meant(token) {
            return self.revoke_own_key(id, token, log).await;
        }
        if let Ok(unproven) = GrantCredential::parse(token) {
            return match self
                .redeemer()?
                .prove(unproven, CredentialKind::RefreshToken, now)
                .await
            {
                Ok(proven) => {
                    let grant_id = proven.credential().grant_id;
                    log.grant_id = Some(grant_id);
                    Ok(revoke_grant(&self.table, grant_id, Some(id), now).await?)
                }
                Err(Error::Denied(denied)) => {
                    if denied == GrantDenied::WithdrawnKey.into() {
                        log.names_withdrawn_key();
                    }
                    Ok(RevokeOutcome::NothingFound)
                }
                Err(unavailable) => Err(unavailable),
            };
        }
        let keys = self.keys.at(now).await?;
        match keys.signed_claims(token) {
            Ok(SignedClaims { claims, .. })
                if claims.client_id == id.as_str()
                    && claims.iss == self.config.issuer.as_str()
                    && now < Timestamp::from_seconds(claims.exp) =>
            {
                Ok(revoke_access_token(&self.table, &claims, now).await?)
            }
            Err(Rejection::KeyWithdrawn) => {
                log.names_withdrawn_key();
                Ok(RevokeOutcome::NothingFound)
            }
            _ => Ok(RevokeOutcome::NothingFound),
        }
    }

    async fn revoke_own_key(
        &self,
        client: &ClientId,
        presented: &str,
        log: &mut RequestLog,
    ) -> Result<RevokeOutcome, Error> {
        let now = self.clock.now();
        let Ok(presented) = ApiKeySecret::parse(presented) else {
            return Ok(RevokeOutcome::NothingFound);
        };
        match read_presented(&self.table, &presented).await? {
            Ok(key) if key.client_id == *client => {
                log.api_key_id = Some(key.id.clone());
                Ok(revoke_api_key(&self.table, &key.id, Some(client), now).await?)
            }
            _ => Ok(RevokeOutcome::NothingFound),
        }
    }
}
