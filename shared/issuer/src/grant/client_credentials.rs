//! RFC 6749 §4.4: the client acts for itself.

use crate::client::AuthenticatedClient;
use crate::grant::AskedAccess;
use crate::token::GrantedAccess;

/// The client is the subject of the token, and only its registration limits the access.
pub fn grant(client: &AuthenticatedClient, asked: AskedAccess) -> GrantedAccess {
    GrantedAccess {
        subject: client.record().id.to_string(),
        asked,
        limits: None,
        until: None,
        delegated: None,
        parents: Vec::new(),
    }
}
