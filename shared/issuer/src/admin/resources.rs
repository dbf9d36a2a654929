//! Resources: registered, changed, deleted, and held by clients.

use std::time::Duration;

use tokensmith_verifier::Algorithm;

use super::exchanges::WrittenExchange;
use super::{AccessTtl, AdminEvent, Administrator, Changed, ClientError};
use crate::client::Resources;
use crate::limit::Limit;
use crate::names::{Audience, ClientId, Scope};
use crate::store::records::{Allowance, DefinedScope, Dpop, ExchangeRule, Resource};
use crate::store::{Change, CheckedTime, Insert, StoreError, Stored, Update};

impl Administrator {
    /// Registers a resource under a URI that has no record.
    ///
    /// # Errors
    /// [`ResourceError`] when the URI has a record, the metadata is not allowed, or the table fails.
    pub async fn create_resource(
        &self,
        uri: Audience,
        metadata: &ResourceChanges,
    ) -> Result<Changed<Resource>, ResourceError> {
        let created = |uri: &Audience| AdminEvent::ResourceCreated {
            resource: uri.clone(),
        };
        let event = created(&uri);
        let change = |time: CheckedTime| async move {
            self.check_resource(metadata).await?;
            let mut resource = Resource {
                uri,
                name: None,
                scopes: Vec::new(),
                access_ttl: None,
                algorithm: None,
                owners: Vec::new(),
                exchanges: Vec::new(),
                limit: None,
                dpop: None,
                created_at: time.now(),
            };
            let rules = self.exchange_rules(&resource.uri, metadata).await?;
            metadata.apply(&mut resource, &rules)?;
            match self.table.insert(&resource).await? {
                Insert::Inserted => {}
                Insert::Exists(_) => return Err(ResourceError::Exists(resource.uri)),
            }
            let event = created(&resource.uri);
            Ok(self.cached(resource, event, time))
        };
        self.recorded(event, change).await
    }

    /// Changes a resource. Another change at the same time is not lost.
    ///
    /// # Errors
    /// [`ResourceError`] when there is no such resource, the metadata is not allowed, or the table fails.
    pub async fn update_resource(
        &self,
        uri: &Audience,
        changes: &ResourceChanges,
    ) -> Result<Changed<Resource>, ResourceError> {
        let updated = |uri: &Audience| AdminEvent::ResourceUpdated {
            resource: uri.clone(),
        };
        let change = |time: CheckedTime| async move {
            self.check_resource(changes).await?;
            let rules = self.exchange_rules(uri, changes).await?;
            let resource = self.change_resource(uri, changes, &rules).await?;
            let event = updated(&resource.uri);
            Ok(self.cached(resource, event, time))
        };
        self.recorded(updated(uri), change).await
    }

    async fn change_resource(
        &self,
        uri: &Audience,
        changes: &ResourceChanges,
        rules: &[ExchangeRule],
    ) -> Result<Resource, ResourceError> {
        let mut current = self.stored_resource(uri).await?;
        loop {
            let mut wanted = current.record.clone();
            changes.apply(&mut wanted, rules)?;
            let change = Change::between(&current, &wanted)?;
            match self.table.update(&Resource::key_of(uri), change).await? {
                Update::Applied(updated) => return Ok(updated.record),
                Update::Refused(Some(newer)) => current = newer,
                Update::Refused(None) => return Err(ResourceError::Unknown(uri.clone())),
            }
        }
    }

    /// Deletes a resource. Its URI is an audience without a record again; the scopes that clients hold for it stay
    /// in their records, and count when it is registered again.
    ///
    /// # Errors
    /// [`ResourceError`] when there is no such resource, or the table fails.
    pub async fn delete_resource(
        &self,
        uri: &Audience,
    ) -> Result<Changed<Resource>, ResourceError> {
        let deleted = |uri: &Audience| AdminEvent::ResourceDeleted {
            resource: uri.clone(),
        };
        let change = |time: CheckedTime| async move {
            let resource = self.resource(uri).await?;
            self.table.delete(&Resource::key_of(uri)).await?;
            let event = deleted(&resource.uri);
            Ok(self.cached(resource, event, time))
        };
        self.recorded(deleted(uri), change).await
    }

    /// One resource.
    ///
    /// # Errors
    /// [`ResourceError`] when there is no such resource, or the table fails.
    pub async fn resource(&self, uri: &Audience) -> Result<Resource, ResourceError> {
        Ok(self.stored_resource(uri).await?.record)
    }

    async fn stored_resource(&self, uri: &Audience) -> Result<Stored<Resource>, ResourceError> {
        let found = self.table.get(&Resource::key_of(uri)).await?;
        found.ok_or_else(|| ResourceError::Unknown(uri.clone()))
    }

    /// An algorithm needs a key, and an owner must be registered: nobody can take the name of an owner later.
    async fn check_resource(&self, changes: &ResourceChanges) -> Result<(), ResourceError> {
        if let Some(algorithm) = self.missing_key(changes.algorithm).await? {
            return Err(ResourceError::NoKey(algorithm));
        }
        for owner in changes.owners.iter().chain(&changes.added_owners) {
            if self.find_client(owner).await?.is_none() {
                return Err(ResourceError::UnknownOwner(owner.clone()));
            }
        }
        Ok(())
    }

    /// Scopes can be held only for a registered resource that defines them.
    pub(super) async fn check_allowed(&self, allowed: &[Allowance]) -> Result<(), ClientError> {
        for held in allowed {
            let found = self.table.get(&Resource::key_of(&held.resource)).await?;
            let uri = || held.resource.clone();
            let resource = found.ok_or_else(|| ClientError::UnknownResource(uri()))?;
            let defined = resource.scopes();
            let mut scopes = held.scopes.iter();
            if let Some(scope) = scopes.find(|one| !defined.iter().any(|known| known == *one)) {
                return Err(ClientError::ScopeNotDefined(scope.clone(), uri()));
            }
        }
        Ok(())
    }

    /// The resources, read anew.
    pub(super) fn resources(&self) -> Resources {
        Resources::new(self.table.reader(), Duration::ZERO)
    }
}

/// The metadata that a resource shall have. `None`, or an empty list, leaves a value as it is.
#[derive(Clone, Debug, Default)]
pub struct ResourceChanges {
    /// What people call it.
    pub name: Option<String>,
    /// All scopes that tokens for it may have.
    pub scopes: Vec<DefinedScope>,
    /// Scopes besides those that it has, or with another description.
    pub added_scopes: Vec<DefinedScope>,
    /// Scopes that tokens for it may no longer have.
    pub removed_scopes: Vec<Scope>,
    /// All clients that may introspect and exchange tokens of others for it.
    pub owners: Vec<ClientId>,
    /// Owners besides those that it has.
    pub added_owners: Vec<ClientId>,
    /// Clients that own it no longer.
    pub removed_owners: Vec<ClientId>,
    /// The longest lifetime of tokens for it.
    pub access_ttl: Option<AccessTtl>,
    /// The algorithm of tokens for it.
    pub algorithm: Option<Algorithm>,
    /// How many requests its authorizers let through.
    pub limit: Option<Limit>,
    /// All tokens for other resources that may be exchanged for tokens for it.
    pub exchanges: Vec<WrittenExchange>,
    /// Such tokens besides those that it takes.
    pub added_exchanges: Vec<WrittenExchange>,
    /// Such tokens that it takes no longer.
    pub removed_exchanges: Vec<WrittenExchange>,
    /// Whether its verifiers check DPoP proofs.
    pub dpop: Option<Dpop>,
    /// What is set back to the default before anything else is changed.
    pub unset: Vec<ResourceSetting>,
}

/// A setting of a resource that has a default.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResourceSetting {
    /// No name.
    Name,
    /// No scopes.
    Scopes,
    /// No owners.
    Owners,
    /// The lifetime that the client's tokens have.
    AccessTtl,
    /// The algorithm that the client's tokens have.
    Algorithm,
    /// No limit.
    Limit,
    /// No tokens for other resources.
    Exchanges,
    /// Tokens that are bound to no key.
    Dpop,
}

impl ResourceChanges {
    fn apply(&self, resource: &mut Resource, rules: &[ExchangeRule]) -> Result<(), ResourceError> {
        for setting in &self.unset {
            match setting {
                ResourceSetting::Name => resource.name = None,
                ResourceSetting::Scopes => resource.scopes.clear(),
                ResourceSetting::Owners => resource.owners.clear(),
                ResourceSetting::AccessTtl => resource.access_ttl = None,
                ResourceSetting::Algorithm => resource.algorithm = None,
                ResourceSetting::Limit => resource.limit = None,
                ResourceSetting::Exchanges => resource.exchanges.clear(),
                ResourceSetting::Dpop => resource.dpop = None,
            }
        }
        resource.name = self.name.clone().or_else(|| resource.name.take());
        if !self.scopes.is_empty() {
            resource.scopes.clear();
        }
        for scope in self.scopes.iter().chain(&self.added_scopes) {
            resource.scopes.retain(|known| known.name != scope.name);
            resource.scopes.push(scope.clone());
        }
        for removed in &self.removed_scopes {
            let before = resource.scopes.len();
            resource.scopes.retain(|known| known.name != *removed);
            if resource.scopes.len() == before {
                return Err(ResourceError::ScopeNotThere(removed.clone()));
            }
        }
        if !self.owners.is_empty() {
            resource.owners.clear();
        }
        for owner in self.owners.iter().chain(&self.added_owners) {
            if !resource.owners.contains(owner) {
                resource.owners.push(owner.clone());
            }
        }
        for removed in &self.removed_owners {
            if !resource.owners.contains(removed) {
                return Err(ResourceError::OwnerNotThere(removed.clone()));
            }
            resource.owners.retain(|owner| owner != removed);
        }
        resource.access_ttl = self
            .access_ttl
            .map(AccessTtl::seconds)
            .or(resource.access_ttl);
        resource.algorithm = self.algorithm.or(resource.algorithm);
        resource.limit = self.limit.or(resource.limit);
        self.apply_exchanges(resource, rules)?;
        resource.dpop = self.dpop.or(resource.dpop);
        check(resource)
    }
}

fn check(resource: &Resource) -> Result<(), ResourceError> {
    let name = resource.name.iter().map(String::as_str);
    let descriptions = resource.scopes.iter().map(|one| one.description.as_str());
    let is_text = |text: &str| {
        let length = text.chars().count();
        (1..=MAX_TEXT).contains(&length) && !text.chars().any(char::is_control)
    };
    if !name.chain(descriptions).all(is_text) {
        return Err(ResourceError::NotAText);
    }
    let is_too_much = resource.scopes.len() > MAX_SCOPES
        || resource.owners.len() > MAX_OWNERS
        || resource.exchanges.len() > MAX_EXCHANGES;
    match is_too_much {
        true => Err(ResourceError::TooMany),
        false => Ok(()),
    }
}

/// Why a resource is not registered or changed.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// There is no such resource.
    #[error("no resource {0} is registered")]
    Unknown(Audience),
    /// Another resource has this URI.
    #[error("resource {0} exists already")]
    Exists(Audience),
    /// No key signs with the algorithm that its tokens are to have.
    #[error("there is no {0} key: `tokensmith serve --alg {0}` makes one")]
    NoKey(Algorithm),
    /// An owner is no registered client.
    #[error("no client {0} that could own the resource")]
    UnknownOwner(ClientId),
    /// A scope that shall be removed is none of the resource's.
    #[error("the resource defines no scope {0}")]
    ScopeNotThere(Scope),
    /// A client that shall own the resource no longer does not own it.
    #[error("{0} does not own the resource")]
    OwnerNotThere(ClientId),
    /// No other resource has the scope of which an exchange is to be taken.
    #[error("no other registered resource has the scope that {0} names")]
    UnknownExchange(WrittenExchange),
    /// A token would be exchanged for a scope that the resource does not define.
    #[error("the resource defines no scope {0}, for which a token could be exchanged")]
    ExchangeNotDefined(Scope),
    /// What shall be taken no longer is not taken.
    #[error("the resource does not take {0}")]
    ExchangeNotThere(WrittenExchange),
    /// A name or description that cannot be shown.
    #[error("a name and a description are 1 to {MAX_TEXT} characters on one line")]
    NotAText,
    /// Each request for the resource reads its record.
    #[error(
        "a resource has at most {MAX_SCOPES} scopes and {MAX_OWNERS} owners, and takes {MAX_EXCHANGES} scopes of others"
    )]
    TooMany,
    /// The table failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// The longest name and description, in characters: a page shows them to people.
const MAX_TEXT: usize = 200;
const MAX_SCOPES: usize = 100;
const MAX_OWNERS: usize = 100;
const MAX_EXCHANGES: usize = 100;
