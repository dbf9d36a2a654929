//! The introspection endpoint (RFC 7662).

use bytes::Bytes;
use http::{Request, Response};
use serde::Serialize;
use tokensmith_verifier::{AccessTokenClaims, Audiences};

use super::{read_credentials, read_form, uncached_json};
use crate::Issuer;
use crate::credential::GrantId;
use crate::error::{Denied, Error};
use crate::event::RequestLog;
use crate::names::Audience;
use crate::store::records::{Client, Grant};
use crate::token::Judged;

impl Issuer {
    /// Tells a confidential client of its own tokens, and of access tokens for an audience it
    /// has. Everything else, and everything dead, is only `{"active":false}` (RFC 7662 §2.2).
    pub(super) async fn introspect(
        &self,
        request: &Request<Bytes>,
        log: &mut RequestLog,
    ) -> Result<Response<Bytes>, Error> {
        let form = read_form(request)?;
        let presented = read_credentials(request, &form, log)?;
        let token = form.value("token").ok_or(Denied::MissingToken)?;
        let mut found = self.clients.find(presented.client_id()).await?;
        let caller = self.clients.decide(&mut found, |found| {
            let caller = presented.authenticate(found)?;
            match caller.record().is_public() {
                true => Err(Denied::PublicCaller.into()),
                false => Ok(caller),
            }
        });
        let caller = caller.await?;
        let answer = match self.judge(token).await? {
            Judged::AccessToken {
                claims,
                verdict: Ok(()),
            } if self.may_know(caller.record(), &claims) => Some(Live::access_token(claims)),
            Judged::RefreshToken {
                grant,
                verdict: Ok(()),
            } if grant.client_id == caller.record().id => {
                Some(Live::refresh_token(*grant, self.config.issuer.as_str()))
            }
            _ => None,
        };
        log.active = Some(answer.is_some());
        Ok(match answer {
            Some(live) => uncached_json(&live),
            None => uncached_json(&Dead { active: false }),
        })
    }

    /// Its own token, or one for an audience that it has. The issuer's own URL is the audience of
    /// every client that names none, and nobody's in particular.
    fn may_know(&self, caller: &Client, claims: &AccessTokenClaims) -> bool {
        let audiences = caller.audiences.iter().map(Audience::as_str);
        let mut own = audiences.filter(|audience| *audience != self.config.issuer.as_str());
        claims.client_id == caller.id.as_str() || own.any(|audience| claims.aud.contains(audience))
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
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<String>,
}

impl Live {
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
            token_type: Some("Bearer"),
            grant_id: claims.grant_id,
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
            grant_id: Some(GrantId::into(grant.id)),
        }
    }
}

#[derive(Serialize)]
struct Dead {
    active: bool,
}
