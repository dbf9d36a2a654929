//! An API key is exchanged for a token that lives shorter.

use tokensmith_verifier::Parent;

use crate::client::AuthenticatedClient;
use crate::error::{ApiKeyDenied, ClientDenied};
use crate::grant::AskedAccess;
use crate::token::{GrantLimits, GrantedAccess};

/// The client that has the key is the subject. What is issued opens no more than the key, and ends with it.
///
/// # Errors
/// [`ApiKeyDenied::ApiKeyNotExchangeable`] for a key that may be used from certain addresses only.
pub fn grant(
    client: &AuthenticatedClient,
    asked: AskedAccess,
) -> Result<GrantedAccess, ClientDenied> {
    let key = client.api_key().ok_or(ApiKeyDenied::UnknownApiKey)?;
    if !key.sources.is_empty() {
        return Err(ApiKeyDenied::ApiKeyNotExchangeable.into());
    }
    Ok(GrantedAccess {
        subject: client.record().id.to_string(),
        asked,
        limits: Some(GrantLimits {
            grant_id: None,
            scopes: key.scopes.clone(),
            audiences: vec![key.resource.clone()],
            expires_at: key.expires_at,
            not_before: None,
            // That of the key is among the client's.
            read_at: client.read_at(),
            auth_time: None,
        }),
        until: None,
        delegated: None,
        parents: vec![Parent::ApiKey {
            key: key.id.to_string(),
        }],
    })
}
