//! Requests that their client has pushed before it sends the person (RFC 9126).

use std::time::Duration;

use super::Parameters;
use crate::Issuer;
use crate::credential::random_bytes;
use crate::error::{AuthorizationDenied, Unavailable};
use crate::names::ClientId;
use crate::store::records::PushedRequest;
use crate::store::{Change, Insert, StoreError, Update};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

impl Issuer {
    /// Keeps a request, and returns its `request_uri`. One insert.
    ///
    /// # Errors
    /// [`Unavailable`] when the table fails.
    pub(crate) async fn push(
        &self,
        client: &ClientId,
        parameters: Parameters,
    ) -> Result<String, Unavailable> {
        let request_uri = format!("{URN}{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
        let request = PushedRequest {
            id: PushedRequest::id_of(&request_uri),
            client_id: client.clone(),
            parameters,
            expires_at: self.clock().now().after(PUSHED_LIFETIME),
            used_by: None,
        };
        match self.table().insert(&request).await? {
            Insert::Inserted => Ok(request_uri),
            Insert::Exists(_) => Err(Unavailable::Key("a random request_uri is taken".into())),
        }
    }

    /// The request that was pushed under `request_uri` by the client that `parameters` name. One read.
    ///
    /// # Errors
    /// [`AuthorizationDenied`] within when there is none, or it has expired; [`Unavailable`] when the table fails.
    pub async fn pushed(
        &self,
        request_uri: &str,
        client: Option<&str>,
    ) -> Result<Result<PushedRequest, AuthorizationDenied>, Unavailable> {
        let unknown = Err(AuthorizationDenied::RequestUriNotSupported);
        if !request_uri.starts_with(URN) {
            return Ok(unknown);
        }
        let key = PushedRequest::key_of(&PushedRequest::id_of(request_uri));
        let Some(found) = self.table().get(&key).await? else {
            return Ok(unknown);
        };
        let is_expired = found.expires_at <= self.clock().now();
        let is_own = client == Some(found.client_id.as_str());
        Ok(match is_own && !is_expired {
            true => Ok(found.record),
            false => unknown,
        })
    }

    /// Uses a request up, for the approval of this name; the same approval may do so again. One write.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn use_up(&self, id: &str, approval: &str) -> Result<bool, StoreError> {
        let change = Change::of_existing().if_absent("used_by");
        let change = change.set("used_by", approval)?;
        let key = PushedRequest::key_of(id);
        Ok(match self.table().update(&key, change).await? {
            Update::Applied(_) => true,
            Update::Refused(Some(used)) => used.used_by.as_deref() == Some(approval),
            Update::Refused(None) => false,
        })
    }
}

/// RFC 9126 §2.2.
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// How long a pushed request can be opened.
pub(crate) const PUSHED_LIFETIME: Duration = Duration::from_secs(60);
