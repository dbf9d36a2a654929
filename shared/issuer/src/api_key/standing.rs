use std::net::IpAddr;

use tokensmith_verifier::Timestamp;

use crate::error::ApiKeyDenied;
use crate::names::Scopes;
use crate::store::records::{ApiKey, Client, Resource};

/// Whether a key, which was presented whole, is accepted. `client` is the record of its client, if there is one.
///
/// # Errors
/// [`ApiKeyDenied`] says what has ended it.
pub fn standing(key: &ApiKey, client: Option<&Client>, now: Timestamp) -> Result<(), ApiKeyDenied> {
    if key.revoked_at.is_some() {
        return Err(ApiKeyDenied::ApiKeyRevoked);
    }
    if key.expires_at <= now {
        return Err(ApiKeyDenied::ApiKeyExpired);
    }
    let client = client.filter(|client| client.is_usable());
    let client = client.ok_or(ApiKeyDenied::ApiKeyWithoutClient)?;
    // A client can be deleted, and be registered anew when nothing is known of it any more.
    let is_older = key.created_at < client.created_at;
    let is_covered = client.not_before.is_some_and(|end| key.created_at <= end);
    match is_older || is_covered {
        true => Err(ApiKeyDenied::ApiKeyClientRevoked),
        false => Ok(()),
    }
}

/// The scopes that a key opens: those that it was made with, as far as its client still holds them for the key's resource.
/// `resource` is what is registered about that. `None` when the client may not have the resource any more.
pub fn rights(key: &ApiKey, client: &Client, resource: Option<&Resource>) -> Option<Scopes> {
    let held = match resource {
        Some(_) => client.targets(),
        None => client.audiences.clone(),
    };
    key.resource.registered_in(&held)?;
    Some(key.scopes.intersection(&client.scopes_for(resource)))
}

/// Whether a key may be used from `source`, which is unknown where the host does not say it.
pub fn may_be_used_from(key: &ApiKey, source: Option<IpAddr>) -> bool {
    let within = |address: IpAddr| key.sources.iter().any(|range| range.contains(&address));
    key.sources.is_empty()
        || source
            .map(|address| address.to_canonical())
            .is_some_and(within)
}
