//! Whether one token is revoked, read from the table.

use tokensmith_verifier::{AccessTokenClaims, RevocationStatus};

use crate::credential::{ApiKeyId, GrantId};
use crate::names::ClientId;
use crate::store::records::{ApiKey, Client, Grant, RevokedToken, Subject};
use crate::store::{AnyKey, StoreError, TableReader};
use tokensmith_verifier::Timestamp;

/// Reads, strongly consistent and at once, every record that can have revoked a token. Whether its key
/// was withdrawn is not among them: who verifies a token has read the keys.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub(crate) async fn read_status(
    table: &TableReader,
    claims: &AccessTokenClaims,
    now: Timestamp,
) -> Result<RevocationStatus, StoreError> {
    let gone = RevocationStatus {
        client_not_before: Some(u64::MAX),
        ..RevocationStatus::default()
    };
    let (Ok(client_id), Ok(grant_id)) = (
        claims.client_id.parse::<ClientId>(),
        claims
            .grant_id
            .as_deref()
            .map(str::parse::<GrantId>)
            .transpose(),
    ) else {
        return Ok(gone);
    };
    let client_key = Client::key_of(&client_id);
    let subject_key = Subject::key_of(&claims.sub);
    let token_key = RevokedToken::key_of(&claims.jti);
    let grant_key = grant_id.map(Grant::key_of);
    let parents = claims.parents.iter().map(|parent| parent.key.parse());
    let Ok(api_keys) = parents.collect::<Result<Vec<ApiKeyId>, _>>() else {
        return Ok(gone);
    };
    let api_keys: Vec<_> = api_keys.iter().map(ApiKey::key_of).collect();
    let mut keys: Vec<&dyn AnyKey> = vec![&client_key, &subject_key, &token_key];
    if let Some(key) = &grant_key {
        keys.push(key);
    }
    keys.extend(api_keys.iter().map(|key| key as &dyn AnyKey));
    let mut found = table.get_several(&keys).await?;
    let client = found.take(&client_key)?;
    let subject = found.take(&subject_key)?;
    let client = client.filter(|client| client.is_usable());
    let grant_revoked = match &grant_key {
        None => false,
        Some(key) => found
            .take(key)?
            .is_none_or(|grant| grant.revoked_at.is_some()),
    };
    let mut api_key_ended = false;
    for key in &api_keys {
        let stored = found.take(key)?;
        api_key_ended |= stored.is_none_or(|key| key.has_ended(now));
    }
    Ok(RevocationStatus {
        token_revoked: found.take(&token_key)?.is_some(),
        grant_revoked,
        client_not_before: match client {
            None => gone.client_not_before,
            Some(client) => client.record.not_before.map(Timestamp::seconds),
        },
        subject_not_before: subject
            .and_then(|subject| subject.record.not_before)
            .map(Timestamp::seconds),
        api_key_ended,
        key_withdrawn: false,
    })
}
