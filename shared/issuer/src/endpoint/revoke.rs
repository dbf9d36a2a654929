//! The revocation endpoint (RFC 7009).

use bytes::Bytes;
use http::{Request, Response};

use super::{read_credentials, read_form, uncached};
use crate::Issuer;
use crate::client::FoundClient;
use crate::credential::GrantCredential;
use crate::error::{Denied, Error};
use crate::event::RequestLog;
use crate::names::ClientId;
use crate::revocation::{RevokeOutcome, revoke_access_token, revoke_grant};
use tokensmith_verifier::Timestamp;

impl Issuer {
    /// Answers 200 for whatever is dead afterwards, known or not (RFC 7009 §2.2). A client can
    /// revoke only its own; another's token is unknown to it.
    pub(super) async fn revoke(
        &self,
        request: &Request<Bytes>,
        log: &mut RequestLog,
    ) -> Result<Response<Bytes>, Error> {
        let form = read_form(request)?;
        let presented = read_credentials(request, &form, log)?;
        let token = form.value("token").ok_or(Denied::MissingToken)?;
        let mut found = self.clients.find(presented.client_id()).await?;
        let authenticated = |found: &FoundClient| Ok(presented.authenticate(found)?);
        self.clients.decide(&mut found, authenticated).await?;
        let revoked = self.revoke_own(presented.client_id(), token, log).await?;
        log.revoked = Some(revoked == RevokeOutcome::Revoked);
        Ok(uncached(Bytes::new()))
    }

    async fn revoke_own(
        &self,
        client: &ClientId,
        token: &str,
        log: &mut RequestLog,
    ) -> Result<RevokeOutcome, Error> {
        let now = self.clock.now();
        if let Ok(unproven) = GrantCredential::parse(token) {
            return match self.prove(unproven, now).await {
                Ok(proven) => {
                    let id = proven.credential().grant_id;
                    log.grant_id = Some(id);
                    Ok(revoke_grant(&self.table, id, Some(client), now).await?)
                }
                Err(Error::Denied(_)) => Ok(RevokeOutcome::NothingFound),
                Err(unavailable) => Err(unavailable),
            };
        }
        let keys = self.keys.at(now).await?;
        match keys.verification().signed_claims(token) {
            Ok(claims)
                if claims.client_id == client.as_str()
                    && claims.iss == self.config.issuer.as_str()
                    && now < Timestamp::from_seconds(claims.exp) =>
            {
                Ok(revoke_access_token(&self.table, &claims, now).await?)
            }
            _ => Ok(RevokeOutcome::NothingFound),
        }
    }
}
