//! Clients: registered, changed, disabled, deleted.

use std::collections::{BTreeMap, BTreeSet};

use tokensmith_verifier::{Algorithm, Timestamp};

use super::standing::several;
use super::{AdminEvent, Administrator, Changed, ClientChanges, RegistrationError, SecretError};
use crate::credential::ClientSecret;
use crate::names::{Audience, ClientId, Scope};
use crate::revocation::with_revocation;
use crate::store::records::{Client, SIGNING_KEYS, SigningKey, Subject, SubjectKind};
use crate::store::{Change, CheckedTime, Insert, StoreError, Stored, Update};

impl Administrator {
    /// Registers a client under an id that nobody has, with a secret if it uses secrets.
    ///
    /// # Errors
    /// [`ClientError`] when the id is taken, the metadata is not allowed, or the table fails.
    pub async fn create_client(
        &self,
        id: ClientId,
        metadata: &ClientChanges,
    ) -> Result<Changed<CreatedClient>, ClientError> {
        self.create_client_with(id, metadata, ClientSecret::generate())
            .await
    }

    /// The same, with a secret that the caller has kept before.
    ///
    /// # Errors
    /// As [`create_client`](Self::create_client).
    pub async fn create_client_with(
        &self,
        id: ClientId,
        metadata: &ClientChanges,
        secret: ClientSecret,
    ) -> Result<Changed<CreatedClient>, ClientError> {
        let event = AdminEvent::ClientCreated { client: id.clone() };
        let change = |time: CheckedTime| async move {
            self.check_references(metadata).await?;
            let client = metadata.new_client(id, &self.config.issuer, &secret, time.now())?;
            self.insert_client(&client).await?;
            let secret = client.uses_secrets().then_some(secret);
            let event = AdminEvent::ClientCreated {
                client: client.id.clone(),
            };
            Ok(self.cached(CreatedClient { client, secret }, event, time))
        };
        self.recorded(event, change).await
    }

    /// Whether a client could be registered with this metadata. It is not.
    ///
    /// # Errors
    /// [`RegistrationError`] when the metadata is not allowed.
    pub fn check_new_client(
        &self,
        id: &ClientId,
        metadata: &ClientChanges,
    ) -> Result<(), RegistrationError> {
        let (secret, issuer) = (ClientSecret::generate(), &self.config.issuer);
        let client = metadata.new_client(id.clone(), issuer, &secret, Timestamp::default());
        client.map(drop)
    }

    /// `client` as it would be after these changes. Nothing is changed.
    ///
    /// # Errors
    /// [`RegistrationError`] when the metadata is not allowed.
    pub fn changed_client(
        &self,
        client: &Client,
        changes: &ClientChanges,
    ) -> Result<Client, RegistrationError> {
        let mut changed = client.clone();
        changes.apply(&mut changed, &self.config.issuer)?;
        Ok(changed)
    }

    /// Those of these clients that are registered.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails, or one of them cannot be read.
    pub async fn clients_of(
        &self,
        ids: BTreeSet<ClientId>,
    ) -> Result<BTreeMap<ClientId, Client>, StoreError> {
        let found = several(&self.table, ids, Client::key_of).await?;
        let read = found.into_iter().map(|(id, client)| Ok((id, client?)));
        let read = read.collect::<Result<BTreeMap<_, Client>, StoreError>>()?;
        let registered = read
            .into_iter()
            .filter(|(_, client)| client.deleted_at.is_none());
        Ok(registered.collect())
    }

    /// Changes a client's metadata. Another change at the same time is not lost.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such client, the metadata is not allowed, or the table fails.
    pub async fn update_client(
        &self,
        id: &ClientId,
        changes: &ClientChanges,
    ) -> Result<Changed<Client>, ClientError> {
        let event = AdminEvent::ClientUpdated { client: id.clone() };
        let change = |time: CheckedTime| async move {
            self.check_references(changes).await?;
            let applied = |client: &mut Client| Ok(changes.apply(client, &self.config.issuer)?);
            let client = self.change_client(id, applied).await?;
            let event = AdminEvent::ClientUpdated { client: id.clone() };
            Ok(self.cached(client, event, time))
        };
        self.recorded(event, change).await
    }

    /// Lets a disabled client authenticate again. Its grants and tokens from before it was disabled
    /// stay revoked.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such client, or the table fails.
    pub async fn enable_client(&self, id: &ClientId) -> Result<Changed<Client>, ClientError> {
        let enabled = |client: &mut Client| {
            client.disabled = false;
            Ok(())
        };
        let event = AdminEvent::ClientEnabled { client: id.clone() };
        let change = |time: CheckedTime| async move {
            let client = self.change_client(id, enabled).await?;
            let event = AdminEvent::ClientEnabled { client: id.clone() };
            Ok(self.cached(client, event, time))
        };
        self.recorded(event, change).await
    }

    /// Refuses a client until it is enabled again, and revokes all its grants and tokens.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such client, or the table fails.
    pub async fn disable_client(&self, id: &ClientId) -> Result<Changed<Client>, ClientError> {
        let disabled = |client: &mut Client, _| client.disabled = true;
        let event = AdminEvent::ClientDisabled { client: id.clone() };
        self.end_client(id, event, disabled).await
    }

    /// Deletes a client and revokes all its grants and tokens. Its id can be registered again, but
    /// no subject can have it.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such client, or the table fails.
    pub async fn delete_client(&self, id: &ClientId) -> Result<Changed<Client>, ClientError> {
        let deleted = |client: &mut Client, now| {
            client.deleted_at = Some(now);
            client.secrets.clear();
            client.jwks = None;
            client.jwks_uri = None;
        };
        let event = AdminEvent::ClientDeleted { client: id.clone() };
        self.end_client(id, event, deleted).await
    }

    /// The client's record; `None` for a deleted client.
    pub(super) async fn find_client(
        &self,
        id: &ClientId,
    ) -> Result<Option<Stored<Client>>, StoreError> {
        let client = self.table.get(&Client::key_of(id)).await?;
        Ok(client.filter(|client| client.deleted_at.is_none()))
    }

    /// Whether a key signs with the algorithm that a client shall have, and the resources are registered that it
    /// shall hold scopes for.
    ///
    /// # Errors
    /// [`ClientError`] names what is not there.
    pub async fn check_references(&self, changes: &ClientChanges) -> Result<(), ClientError> {
        if let Some(algorithm) = self.missing_key(changes.algorithm).await? {
            return Err(ClientError::NoKey(algorithm));
        }
        self.check_allowed(&changes.allowed).await
    }

    /// The algorithm, if no key signs with it.
    pub(super) async fn missing_key(
        &self,
        algorithm: Option<Algorithm>,
    ) -> Result<Option<Algorithm>, StoreError> {
        let Some(algorithm) = algorithm else {
            return Ok(None);
        };
        let keys = self.table.query_all::<SigningKey>(SIGNING_KEYS).await?;
        let signs = keys.iter().any(|key| key.jwk.alg == algorithm);
        Ok((!signs).then_some(algorithm))
    }

    async fn insert_client(&self, client: &Client) -> Result<(), ClientError> {
        let id = &client.id;
        let claim = Subject::new(id.as_str(), SubjectKind::Client);
        match self.table.insert(&claim).await? {
            Insert::Exists(taken)
                if taken.kind != SubjectKind::Client || taken.name != claim.name =>
            {
                return Err(ClientError::NameOfSubject(id.clone()));
            }
            Insert::Inserted | Insert::Exists(_) => {}
        }
        match self.table.insert(client).await? {
            Insert::Inserted => Ok(()),
            Insert::Exists(old) if old.deleted_at.is_some() => {
                // The grants and tokens of the deleted client with this id stay revoked.
                let mut successor = client.clone();
                successor.not_before = old.not_before;
                let change = Change::between(&old, &successor)?;
                match self.table.update(&Client::key_of(id), change).await? {
                    Update::Applied(_) => Ok(()),
                    Update::Refused(_) => Err(ClientError::Exists(id.clone())),
                }
            }
            Insert::Exists(_) => Err(ClientError::Exists(id.clone())),
        }
    }

    /// Changes a client's record. If somebody else changed it first, starts again from the newer
    /// record.
    pub(super) async fn change_client(
        &self,
        id: &ClientId,
        mutate: impl Fn(&mut Client) -> Result<(), ClientError>,
    ) -> Result<Client, ClientError> {
        let (_, changed) = self.change_client_from(id, mutate).await?;
        Ok(changed)
    }

    /// The same; returns the record before and after the change.
    pub(super) async fn change_client_from(
        &self,
        id: &ClientId,
        mutate: impl Fn(&mut Client) -> Result<(), ClientError>,
    ) -> Result<(Client, Client), ClientError> {
        let mut current = self.find_client(id).await?.ok_or_else(|| unknown(id))?;
        loop {
            let mut wanted = current.record.clone();
            mutate(&mut wanted)?;
            let change = Change::between(&current, &wanted)?;
            match self.table.update(&Client::key_of(id), change).await? {
                Update::Applied(updated) => return Ok((current.record, updated.record)),
                Update::Refused(Some(newer)) if newer.deleted_at.is_none() => current = newer,
                Update::Refused(_) => return Err(unknown(id)),
            }
        }
    }

    /// Changes a client's record, and in the same write revokes all its grants and tokens.
    async fn end_client(
        &self,
        id: &ClientId,
        event: AdminEvent,
        mutate: impl Fn(&mut Client, Timestamp),
    ) -> Result<Changed<Client>, ClientError> {
        let intended = event.clone();
        let change = |time: CheckedTime| async move {
            loop {
                let current = self.find_client(id).await?.ok_or_else(|| unknown(id))?;
                let mut wanted = current.record.clone();
                mutate(&mut wanted, time.now());
                let change = Change::between(&current, &wanted)?;
                let change = with_revocation(change, &current, &time)?;
                match self.table.update(&Client::key_of(id), change).await? {
                    Update::Applied(ended) => return Ok(self.in_feed(ended.record, event, time)),
                    Update::Refused(_) => {}
                }
            }
        };
        self.recorded(intended, change).await
    }
}

fn unknown(id: &ClientId) -> ClientError {
    ClientError::Unknown(id.clone())
}

/// A client that was registered.
#[derive(Debug)]
pub struct CreatedClient {
    /// Its record.
    pub client: Client,
    /// Its secret, of which only a hash is stored; a public client has none.
    pub secret: Option<ClientSecret>,
}

/// Why a client is not registered or changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no such client.
    #[error("no client {0}")]
    Unknown(ClientId),
    /// Another client has this id.
    #[error("client {0} exists already")]
    Exists(ClientId),
    /// RFC 9700 §4.15: a client must not be mistaken for a subject.
    #[error("{0} is the name of a subject")]
    NameOfSubject(ClientId),
    /// No key signs with the algorithm that the client is to have.
    #[error("there is no {0} key: `tokensmith serve --alg {0}` makes one")]
    NoKey(Algorithm),
    /// The client shall hold scopes for a resource that is not registered.
    #[error("no resource {0} is registered: `tokensmith resource create` registers it")]
    UnknownResource(Audience),
    /// The client shall hold a scope for a resource that does not define it.
    #[error("the resource {1} defines no scope {0}")]
    ScopeNotDefined(Scope, Audience),
    /// The metadata is not allowed.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// It cannot have a new secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The table failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}
