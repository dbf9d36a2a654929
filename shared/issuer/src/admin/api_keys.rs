//! API keys: made, replaced, revoked, listed.

use std::time::Duration;

use ipnet::IpNet;
use tokensmith_verifier::Timestamp;

use super::audit::Made;
use super::lifetimes::ApiKeyTtl;
use super::{AdminEvent, Administrator, Changed};
use crate::api_key::rights;
use crate::credential::{ApiKeyId, ApiKeySecret};
use crate::limit::Limit;
use crate::names::{ApiKeyName, Audience, ClientId, Scopes};
use crate::revocation::{RevokeOutcome, end_api_key, made_after, revoke_api_key};
use crate::store::records::{ApiKey, Client};
use crate::store::{CheckedTime, Insert, StoreError, Stored};

impl Administrator {
    /// Makes an API key for a client.
    ///
    /// # Errors
    /// [`ApiKeyError`] when there is no such client, it may not have such a key, or the table fails.
    pub async fn create_api_key(
        &self,
        wanted: NewApiKey,
    ) -> Result<Changed<CreatedApiKey>, ApiKeyError> {
        let secret = ApiKeySecret::generate();
        let event = AdminEvent::ApiKeyCreated {
            key: secret.id().clone(),
            client: wanted.client_id.clone(),
        };
        let created = event.clone();
        let change = |time: CheckedTime| async move {
            let found = self.find_client(&wanted.client_id).await?;
            let client =
                found.ok_or_else(|| ApiKeyError::UnknownClient(wanted.client_id.clone()))?;
            let key = self.new_key(wanted, &client, &secret, time.now()).await?;
            self.insert_api_key(&key).await?;
            Ok(Made {
                outcome: CreatedApiKey { key, secret },
                event: created,
                effective_by: time.latest(),
            })
        };
        self.recorded(event, change).await
    }

    /// Makes a key that replaces another, which still works for `overlap`, or until it would have ended. The new one lives for
    /// `ttl`, or as long as the old one was made for.
    ///
    /// If it is killed between its two writes, there is a new key that nobody has, and the old one works as before.
    ///
    /// # Errors
    /// [`ApiKeyError`] when there is no such key, it has ended or was replaced before, its client may no longer have such a
    /// key, or the table fails.
    pub async fn rotate_api_key(
        &self,
        id: &ApiKeyId,
        overlap: Duration,
        ttl: Option<ApiKeyTtl>,
    ) -> Result<Changed<RotatedApiKey>, ApiKeyError> {
        let event = AdminEvent::ApiKeyRotated {
            key: id.clone(),
            client: None,
            replaced_by: None,
        };
        let change = |time: CheckedTime| async move {
            let rotated = self.replace_api_key(id, overlap, ttl, time.now()).await?;
            let event = AdminEvent::ApiKeyRotated {
                key: id.clone(),
                client: Some(rotated.old.client_id.clone()),
                replaced_by: Some(rotated.created.key.id.clone()),
            };
            Ok(self.in_feed(rotated, event, time))
        };
        self.recorded(event, change).await
    }

    async fn replace_api_key(
        &self,
        id: &ApiKeyId,
        overlap: Duration,
        ttl: Option<ApiKeyTtl>,
        now: Timestamp,
    ) -> Result<RotatedApiKey, ApiKeyError> {
        let old = self.find_api_key(id).await?;
        let client = self.replaceable(&old, now).await?;
        let wanted = NewApiKey {
            client_id: old.client_id.clone(),
            name: old.name.clone(),
            scopes: old.scopes.clone(),
            resource: Some(old.resource.clone()),
            sources: old.sources.clone(),
            limit: old.limit,
            ttl: ttl.unwrap_or_else(|| ApiKeyTtl::between(old.created_at, old.made_until)),
        };
        let secret = ApiKeySecret::generate();
        let key = ApiKey {
            replaces: Some(old.id.clone()),
            ..self.new_key(wanted, &client, &secret, now).await?
        };
        self.insert_api_key(&key).await?;
        let ends_at = now.after(overlap);
        match end_api_key(&self.table, old, &key.id, ends_at, now).await? {
            Some(old) => Ok(RotatedApiKey {
                created: CreatedApiKey { key, secret },
                old,
            }),
            None => {
                // Somebody else has replaced or revoked it meanwhile: the new key must not stay.
                revoke_api_key(&self.table, &key.id, None, now).await?;
                Err(ApiKeyError::Ended(id.clone()))
            }
        }
    }

    /// Revokes a key, and every token that it was exchanged for.
    ///
    /// # Errors
    /// [`ApiKeyError`] when there is no such key, or the table fails.
    pub async fn revoke_api_key(&self, id: &ApiKeyId) -> Result<Changed<ApiKey>, ApiKeyError> {
        let revoked = |client: Option<ClientId>| AdminEvent::ApiKeyRevoked {
            key: id.clone(),
            client,
        };
        let change = |time: CheckedTime| async move {
            match revoke_api_key(&self.table, id, None, time.now()).await? {
                RevokeOutcome::Revoked => {}
                RevokeOutcome::NothingFound => return Err(ApiKeyError::Unknown(id.clone())),
            }
            let key = self.find_api_key(id).await?.record;
            let event = revoked(Some(key.client_id.clone()));
            Ok(self.in_feed(key, event, time))
        };
        self.recorded(revoked(None), change).await
    }

    async fn find_api_key(&self, id: &ApiKeyId) -> Result<Stored<ApiKey>, ApiKeyError> {
        let found = self.table.get(&ApiKey::key_of(id)).await?;
        found.ok_or_else(|| ApiKeyError::Unknown(id.clone()))
    }

    /// The client of a key that can be replaced.
    async fn replaceable(&self, old: &ApiKey, now: Timestamp) -> Result<Client, ApiKeyError> {
        if let Some(successor) = &old.replaced_by {
            // One that has ended, such as one that nobody has seen, is no reason to go on without.
            let found = self.table.get(&ApiKey::key_of(successor)).await?;
            if found.is_some_and(|key| !key.has_ended(now)) {
                return Err(ApiKeyError::Replaced(old.id.clone(), successor.clone()));
            }
        }
        let client = self.find_client(&old.client_id).await?;
        let client = client.ok_or_else(|| ApiKeyError::UnknownClient(old.client_id.clone()))?;
        match crate::api_key::standing(old, Some(&client), now) {
            Ok(()) => Ok(client.record),
            Err(_) => Err(ApiKeyError::Ended(old.id.clone())),
        }
    }

    async fn new_key(
        &self,
        wanted: NewApiKey,
        client: &Client,
        secret: &ApiKeySecret,
        now: Timestamp,
    ) -> Result<ApiKey, ApiKeyError> {
        if client.is_public() {
            return Err(ApiKeyError::PublicClient(client.id.clone()));
        }
        let targets = client.targets();
        let resource = match &wanted.resource {
            Some(uri) => uri.registered_in(&targets),
            None => targets.first(),
        };
        let resource = resource.cloned().ok_or(ApiKeyError::ResourceNotAllowed)?;
        let created_at = made_after(client.not_before, now);
        let expires_at = created_at.after(wanted.ttl.duration());
        let key = ApiKey {
            id: secret.id().clone(),
            client_id: wanted.client_id,
            name: wanted.name,
            hash: secret.hash(),
            scopes: wanted.scopes,
            resource: resource.clone(),
            sources: wanted.sources,
            limit: wanted.limit,
            created_at,
            expires_at,
            made_until: expires_at,
            revoked_at: None,
            replaces: None,
            replaced_by: None,
        };
        let (resources, ttl) = (self.resources(), self.config.access_ttl);
        let found = resources.find(vec![resource], ttl, now).await?;
        let rights = rights(&key, client, found.of(&key.resource));
        let rights = rights.ok_or(ApiKeyError::ResourceNotAllowed)?;
        match rights.contains_all(&key.scopes) {
            true => Ok(key),
            false => Err(ApiKeyError::ScopeNotAllowed),
        }
    }

    async fn insert_api_key(&self, key: &ApiKey) -> Result<(), ApiKeyError> {
        match self.table.insert(key).await? {
            Insert::Inserted => Ok(()),
            Insert::Exists(_) => Err(ApiKeyError::IdTaken),
        }
    }
}

/// The API key that is to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Whose it shall be.
    pub client_id: ClientId,
    /// What people call it.
    pub name: ApiKeyName,
    /// The scopes that it shall open.
    pub scopes: Scopes,
    /// What it shall be for; `None` is the default audience of the client.
    pub resource: Option<Audience>,
    /// Where it may be used from; anywhere if there is none.
    pub sources: Vec<IpNet>,
    /// How much may be done with it in each window.
    pub limit: Option<Limit>,
    /// How long it shall live.
    pub ttl: ApiKeyTtl,
}

/// An API key that was made.
#[derive(Debug)]
pub struct CreatedApiKey {
    /// Its record.
    pub key: ApiKey,
    /// The key itself, of which only a hash is stored.
    pub secret: ApiKeySecret,
}

/// An API key that was replaced.
#[derive(Debug)]
pub struct RotatedApiKey {
    /// The key that replaces it.
    pub created: CreatedApiKey,
    /// The replaced key, with its new end.
    pub old: ApiKey,
}

/// Why an API key is not made, replaced or revoked.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// There is no such client.
    #[error("no client {0}")]
    UnknownClient(ClientId),
    /// There is no such key.
    #[error("no API key {0}")]
    Unknown(ApiKeyId),
    /// A public client can keep nothing secret (RFC 6749 §2.1).
    #[error(
        "client {0} is public, so that it cannot keep a key secret: create a confidential client for it"
    )]
    PublicClient(ClientId),
    /// The resource is not one that tokens of the client can be for.
    #[error(
        "--resource must be an audience of the client, or a resource that it has an --allow for"
    )]
    ResourceNotAllowed,
    /// A scope is not one that the client has for the resource.
    #[error("every --scope must be a scope that the client has for the resource of the key")]
    ScopeNotAllowed,
    /// It was replaced before.
    #[error("the API key {0} was replaced by {1}: rotate that one")]
    Replaced(ApiKeyId, ApiKeyId),
    /// It has expired or was revoked, or its client was.
    #[error("the API key {0} has ended: create a new one")]
    Ended(ApiKeyId),
    /// Another key has the same random id.
    #[error("the id of the API key is taken: try again")]
    IdTaken,
    /// The table failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}
