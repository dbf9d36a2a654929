//! Grants that an operator makes on behalf of a subject.

use std::time::Duration;

use secrecy::SecretString;
use tokensmith_verifier::Timestamp;

use super::audit::Made;
use super::{AdminEvent, Administrator, Changed};
use crate::client::FoundResources;
use crate::credential::{CredentialKind, GrantId, HmacKey, Nonce};
use crate::error::Unavailable;
use crate::names::{Audience, ClientId, Scope, Scopes, SubjectName, add_audience};
use crate::revocation::made_after;
use crate::store::records::GrantType;
use crate::store::records::{Client, Grant, Origin, Subject, SubjectKind};
use crate::store::{CheckedTime, Insert, StoreError};

impl Administrator {
    /// Grants a client access on behalf of a subject, and makes the first refresh token.
    ///
    /// # Errors
    /// [`GrantError`] when client or subject may not have this grant, or when table or custody
    /// fail.
    pub async fn create_grant(
        &self,
        wanted: NewGrant,
    ) -> Result<Changed<CreatedGrant>, GrantError> {
        let grant_id = GrantId::random(&wanted.subject);
        let event = AdminEvent::GrantCreated {
            grant: grant_id,
            client: wanted.client_id.clone(),
            subject: wanted.subject.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            Ok(Made {
                outcome: self.insert_grant(grant_id, wanted, time.now()).await?,
                event: made,
                effective_by: time.latest(),
            })
        };
        self.recorded(event, change).await
    }

    async fn insert_grant(
        &self,
        id: GrantId,
        wanted: NewGrant,
        now: Timestamp,
    ) -> Result<CreatedGrant, GrantError> {
        let found = self.find_client(&wanted.client_id).await?;
        let client = found.ok_or_else(|| GrantError::UnknownClient(wanted.client_id.clone()))?;
        let (nonce, targets) = (Nonce::random(), client.targets());
        let ttl = self.config.access_ttl;
        let resources = self.resources().find(targets, ttl, now).await?;
        let audiences = wanted.check(&client, &resources)?;
        let hmac_key = self.hmac_keys().newest(now).await?;
        let subject = self.claim_subject(&wanted.subject).await?;
        let mut grant = wanted.record(audiences, &client, &subject, &hmac_key, &nonce, now);
        grant.id = id;
        match self.table.insert(&grant).await? {
            Insert::Inserted => {}
            Insert::Exists(_) => return Err(GrantError::IdTaken),
        }
        let (issuer, kind) = (&self.config.issuer, CredentialKind::RefreshToken);
        Ok(CreatedGrant {
            grant_id: id,
            refresh_token: hmac_key.print(issuer, kind, id, grant.generation, &nonce),
        })
    }

    /// Makes sure that the name belongs to a subject and not to a client.
    async fn claim_subject(&self, name: &SubjectName) -> Result<Subject, GrantError> {
        let claim = Subject::new(name.as_str(), SubjectKind::User);
        match self.table.insert(&claim).await? {
            Insert::Inserted => Ok(claim),
            Insert::Exists(taken)
                if taken.kind == SubjectKind::User && taken.name == claim.name =>
            {
                Ok(taken.record)
            }
            Insert::Exists(_) => Err(GrantError::NameOfClient(name.clone())),
        }
    }
}

/// What is to be granted.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// The client that receives it.
    pub client_id: ClientId,
    /// The subject of its tokens (`sub`).
    pub subject: SubjectName,
    /// The scopes that its tokens may have.
    pub scopes: Scopes,
    /// The audiences that its tokens may have; if none is given, all of the client's.
    pub audiences: Vec<Audience>,
}

impl NewGrant {
    /// Its audiences, if `client` may have it. Each scope must be one that tokens for one of them can have.
    fn check(
        &self,
        client: &Client,
        resources: &FoundResources,
    ) -> Result<Vec<Audience>, GrantError> {
        if !client.grant_types.contains(&GrantType::RefreshToken) {
            return Err(GrantError::GrantTypeNotAllowed(client.id.clone()));
        }
        let mut allowed = client.targets();
        allowed.retain(|one| {
            resources.of(one).is_some() || one.registered_in(&client.audiences).is_some()
        });
        let mut audiences = Vec::new();
        for audience in &self.audiences {
            let registered = audience.registered_in(&allowed);
            let registered = registered.ok_or(GrantError::AudienceNotAllowed)?;
            add_audience(&mut audiences, registered);
        }
        if audiences.is_empty() {
            audiences = allowed;
        }
        let scopes = audiences
            .iter()
            .map(|one| client.scopes_for(resources.of(one)));
        let scopes: Vec<Scope> = scopes
            .flat_map(|one| one.iter().cloned().collect::<Vec<_>>())
            .collect();
        match self.scopes.iter().all(|scope| scopes.contains(scope)) {
            true => Ok(audiences),
            false => Err(GrantError::ScopeNotAllowed),
        }
    }

    fn record(
        self,
        audiences: Vec<Audience>,
        client: &Client,
        subject: &Subject,
        hmac_key: &HmacKey,
        nonce: &Nonce,
        now: Timestamp,
    ) -> Grant {
        let covered = client.not_before.max(subject.not_before);
        let created_at = made_after(covered, now);
        let expires_at = created_at.after(Duration::from_secs(client.grant_ttl));
        let idle_end = created_at.after(Duration::from_secs(client.refresh_ttl));
        Grant {
            id: GrantId::random(&self.subject),
            client_id: self.client_id,
            subject: self.subject,
            origin: Origin::Created,
            scopes: self.scopes,
            audiences,
            nonce_hash: nonce.hash(),
            generation: 1,
            hmac_version: hmac_key.version(),
            rotated_at: created_at,
            created_at,
            idle_expires_at: idle_end.min(expires_at),
            expires_at,
            revoked_at: None,
            code: None,
            sign_in: None,
            bound_to: None,
        }
    }
}

/// A grant that was made.
#[derive(Debug)]
pub struct CreatedGrant {
    /// Its id.
    pub grant_id: GrantId,
    /// Its first refresh token, which is not stored.
    pub refresh_token: SecretString,
}

/// Why no grant is made.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// There is no such client.
    #[error("no client {0}")]
    UnknownClient(ClientId),
    /// Nobody has granted anything under this name.
    #[error("no subject {0}: nothing was ever granted in that name")]
    UnknownSubject(SubjectName),
    /// The client may not use refresh tokens.
    #[error("client {0} has no --grant refresh_token")]
    GrantTypeNotAllowed(ClientId),
    /// A scope is not one that the client has for an audience of the grant.
    #[error("every --scope must be a scope that the client has for one of the audiences")]
    ScopeNotAllowed,
    /// An audience is not one of the client's.
    #[error("every --audience must be an audience of the client")]
    AudienceNotAllowed,
    /// RFC 9700 §4.15: a subject must not be mistaken for a client.
    #[error("{0} is the name of a client")]
    NameOfClient(SubjectName),
    /// Another grant has the same random id.
    #[error("the grant id is taken: try again")]
    IdTaken,
    /// Table or custody failed.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for GrantError {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}
