//! RFC 7523 §2.1: a token of another issuer is the grant. It yields no refresh token.

use crate::client::AuthenticatedClient;
use crate::error::{AssertionDenied, ClientDenied};
use crate::grant::AskedAccess;
use crate::token::GrantedAccess;

/// The client that the token speaks for is the subject. What is issued expires with the token at the latest.
///
/// # Errors
/// [`AssertionDenied::AssertionExpired`] when nothing is left of it.
pub fn grant(
    client: &AuthenticatedClient,
    asked: AskedAccess,
) -> Result<GrantedAccess, ClientDenied> {
    let expires_at = client.identity().map(|identity| identity.expires_at);
    let expires_at = expires_at.filter(|expires_at| client.now() < *expires_at);
    Ok(GrantedAccess {
        subject: client.record().id.to_string(),
        asked,
        limits: None,
        until: Some(expires_at.ok_or(AssertionDenied::AssertionExpired)?),
        delegated: None,
        parents: Vec::new(),
    })
}
