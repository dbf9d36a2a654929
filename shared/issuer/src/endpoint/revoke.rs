//! The revocation endpoint (RFC 7009).

use serde::Serialize;
use tokensmith_verifier::{Rejection, SignedClaims, Timestamp, paths};

use super::answer::{json_error, uncached_json};
use super::{ALWAYS, Answer, Call, Endpoint, Mount};
use crate::Issuer;
use crate::api_key::read_presented;
use crate::client::AuthenticatedClient;
use crate::credential::{ApiKeySecret, CredentialKind, GrantCredential};
use crate::error::{BadRequest, Error, GrantDenied};
use crate::event::{Known, Noteworthy, RequestEvent};
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
    is_on: ALWAYS,
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
async fn revoke_token(mut call: Call<'_>) -> Result<Answer, Error> {
    let form = call.form()?;
    let presented = call.credentials(&form)?;
    let token = form.value("token").ok_or(BadRequest::MissingToken)?;
    let Call { issuer, known, .. } = call;
    issuer.require_own_table().await?;
    let mut evidence = issuer.gather(&presented, known).await?;
    let client = issuer
        .clients
        .decide(&mut evidence, |evidence| Ok(evidence.authenticate()?))
        .await?;
    evidence.claim(&issuer.table).await?;
    let found = issuer.revoke_own(&client, token, known).await?;
    Ok(Answer {
        response: uncached_json(&Revoked {}),
        event: RequestEvent::Revoked {
            client: client.record().id.clone(),
            rule: known.rule.take(),
            grant: known.grant.take(),
            revoked: found.outcome == RevokeOutcome::Revoked,
            jti: found.jti,
            key: known.key.take(),
            reason: found.reason,
        },
    })
}

/// RFC 7009 §2.2 leaves the body open. It is an empty object, because clients parse it as JSON.
#[derive(Serialize)]
struct Revoked {}

/// What was presented to be revoked.
struct Found {
    outcome: RevokeOutcome,
    /// The access token, if it is one of the client's.
    jti: Option<String>,
    reason: Option<Noteworthy>,
}

impl Found {
    const fn nothing(reason: Option<Noteworthy>) -> Self {
        Self {
            outcome: RevokeOutcome::NothingFound,
            jti: None,
            reason,
        }
    }
}

impl Issuer {
    async fn revoke_own(
        &self,
        client: &AuthenticatedClient,
        token: &str,
        known: &mut Known,
    ) -> Result<Found, Error> {
        let (id, now) = (&client.record().id, self.clock.now());
        if ApiKeySecret::is_meant(token) {
            return self.revoke_own_key(id, token, known).await;
        }
        if let Ok(unproven) = GrantCredential::parse(token) {
            return match self
                .redeemer()?
                .prove(unproven, CredentialKind::RefreshToken, now)
                .await
            {
                Ok(proven) => {
                    let grant_id = proven.credential().grant_id;
                    known.grant = Some(grant_id);
                    Ok(Found {
                        outcome: revoke_grant(&self.table, grant_id, Some(id), now).await?,
                        jti: None,
                        reason: None,
                    })
                }
                Err(Error::Denied(denied)) => {
                    let is_withdrawn = denied == GrantDenied::WithdrawnKey.into();
                    Ok(Found::nothing(
                        is_withdrawn.then_some(Noteworthy::WithdrawnKey),
                    ))
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
                Ok(Found {
                    outcome: revoke_access_token(&self.table, &claims, now).await?,
                    jti: Some(claims.jti),
                    reason: None,
                })
            }
            Err(Rejection::KeyWithdrawn) => Ok(Found::nothing(Some(Noteworthy::WithdrawnKey))),
            _ => Ok(Found::nothing(None)),
        }
    }

    async fn revoke_own_key(
        &self,
        client: &ClientId,
        presented: &str,
        known: &mut Known,
    ) -> Result<Found, Error> {
        let now = self.clock.now();
        let Ok(presented) = ApiKeySecret::parse(presented) else {
            return Ok(Found::nothing(None));
        };
        match read_presented(&self.table, &presented).await? {
            Ok(key) if key.client_id == *client => {
                known.key = Some(key.id.clone());
                Ok(Found {
                    outcome: revoke_api_key(&self.table, &key.id, Some(client), now).await?,
                    jti: None,
                    reason: None,
                })
            }
            _ => Ok(Found::nothing(None)),
        }
    }
}
