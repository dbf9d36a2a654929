//! What a token may say. Pure: it takes the time, and does no I/O.

use std::time::Duration;

use crate::client_auth::AuthenticatedClient;
use crate::clock::Timestamp;
use crate::error::Denied;
use crate::names::{ClientId, Scopes};
use crate::token_request::AskedAccess;

/// The access that a grant type found, before policy has looked at it.
#[derive(Debug)]
pub struct GrantedAccess {
    /// Who the token will speak for.
    pub subject: String,
    /// What the request asked for.
    pub asked: AskedAccess,
}

/// Decides what the token says: never more than client and grant allow.
///
/// # Errors
/// A scope or resource that is not allowed.
pub fn approve(
    client: &AuthenticatedClient,
    granted: GrantedAccess,
    issuer_ttl: Duration,
    now: Timestamp,
) -> Result<ApprovedToken, Denied> {
    let record = client.record();
    let scopes = match granted.asked.scopes {
        Some(asked) if record.scopes.contains_all(&asked) => asked,
        Some(_) => return Err(Denied::ScopeNotAllowed),
        None => record.default_scopes.clone(),
    };
    let resources = granted.asked.resources;
    if !resources
        .iter()
        .all(|asked| record.audiences.contains(asked))
    {
        return Err(Denied::ResourceNotAllowed);
    }
    let audiences = match resources.is_empty() {
        true => record.audiences.iter().take(1).cloned().collect(),
        false => resources,
    };
    // A token is as old as the oldest thing it rests on, so that a revocation which that read
    // could not see still covers it.
    let issued_at = client.read_at().min(now);
    let ttl = record.access_ttl.map_or(issuer_ttl, Duration::from_secs);
    let expires_at = issued_at.after(ttl);
    Ok(ApprovedToken(ApprovedParts {
        client_id: record.id.clone(),
        subject: granted.subject,
        scopes,
        audiences: audiences.iter().map(ToString::to_string).collect(),
        issued_at,
        expires_at,
        expires_in: expires_at.since(now).as_secs(),
    }))
}

/// A decision that exactly one token may be minted from: only [`approve`] makes it, nothing
/// copies it, and minting consumes it.
#[derive(Debug)]
pub struct ApprovedToken(ApprovedParts);

impl ApprovedToken {
    pub(crate) fn into_parts(self) -> ApprovedParts {
        self.0
    }
}

#[derive(Debug)]
pub(crate) struct ApprovedParts {
    pub client_id: ClientId,
    pub subject: String,
    pub scopes: Scopes,
    pub audiences: Vec<String>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub expires_in: u64,
}
