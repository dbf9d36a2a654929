//! Client authentication (RFC 6749 §2.3): evidence becomes an authenticated client.
//!
//! Evidence is gathered first, which may wait for reads. The decision on it is pure and may be
//! taken twice. Neither uses up an assertion or a proof: each is kept as a [`Claim`], which is
//! inserted when the request is carried out.

mod claim;
mod private_key;
mod secret;

use std::sync::{Arc, OnceLock};

use tokensmith_verifier::dpop::{DpopProof, DpopRejection};
use tokensmith_verifier::{KeyId, Timestamp};

use super::{ClientKeys, FoundResources, PresentedCredentials, Proof, Target};
use crate::api_key::{self, FoundApiKey};
use crate::credential::ApiKeyId;
use crate::error::{ApiKeyDenied, AssertionDenied, ClientDenied, Error};
use crate::federation::FederatedIdentity;
use crate::names::{Audience, ClientId, FederationName};
use crate::store::Table;
use crate::store::records::{ApiKey, AssertionAudience, AuthenticationMethod, Client};

pub use claim::Claim;
pub(crate) use private_key::AssertionVerifier;

/// What a request presents to authenticate its client, and what one read has found of that client.
#[derive(Debug)]
pub struct Evidence<'a> {
    pub(super) presented: &'a PresentedCredentials,
    /// The client that it names.
    pub(super) client_id: ClientId,
    /// For a token of another issuer: whom it speaks for.
    pub(super) identity: Option<Arc<FederatedIdentity>>,
    /// The API key that it presents, which was found and has the right secret part.
    pub(super) api_key: Option<FoundApiKey>,
    /// The client's record; `None` when there is no such client.
    pub(super) record: Option<Arc<Client>>,
    /// The keys of the record, if it has any.
    pub(super) keys: Option<ClientKeys>,
    pub(super) assertions: &'a AssertionVerifier,
    /// When the read of the record started.
    pub(super) read_at: Timestamp,
    /// The time of this request.
    pub(super) now: Timestamp,
    /// Whether the record came from the cache and may be read again.
    pub(super) may_renew: bool,
    /// The single uses that the presented credentials are limited to.
    pub(super) claims: Vec<Claim>,
    /// Whether the credentials prove the client, once it was found out: a signature is checked once for each
    /// read of the record.
    pub(super) proven: OnceLock<Result<(), ClientDenied>>,
    /// What the request is about.
    pub(super) target: Target,
    /// What is registered about its audiences.
    pub(super) resources: FoundResources,
}

impl Evidence<'_> {
    /// Decides whether the client is the one that it claims to be. Pure, so it may be called again.
    ///
    /// An unknown client costs the same work as a wrong secret, and gets the same answer, so that
    /// nobody can find out which client ids exist.
    ///
    /// # Errors
    /// Why the client is not authenticated.
    pub fn authenticate(&self) -> Result<AuthenticatedClient, ClientDenied> {
        let proven = self.prove();
        let record = self.record.clone().ok_or(ClientDenied::UnknownClient)?;
        let is_usual = |method: AuthenticationMethod| match record.authentication {
            Some(only) => only == method,
            None => method.is_of_a_secret() || method == AuthenticationMethod::Federation,
        };
        // Whoever has an API key proves nothing but that, and a profile may want more.
        let by_key = |record: &Client| record.profile.is_none();
        let method = self.presented.method();
        if !method.map_or_else(|| by_key(&record), is_usual) {
            return Err(ClientDenied::WrongAuthenticationMethod);
        }
        proven?;
        // Checked after the proof, so that this reason in the log means that the client itself has
        // asked.
        if record.disabled {
            return Err(ClientDenied::ClientDisabled);
        }
        Ok(AuthenticatedClient {
            record,
            identity: self.identity.clone(),
            api_key: self.api_key.as_ref().map(|key| key.record.clone()),
            key_proof: self.presented.key_proof().cloned(),
            read_at: self.read_at,
            now: self.now,
        })
    }

    /// The client that was found, whether or not it has authenticated.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// The rule by which a token of another issuer speaks for it.
    pub fn rule(&self) -> Option<&FederationName> {
        self.identity.as_ref().map(|identity| &identity.rule)
    }

    /// The public id of the API key that it presents.
    pub fn api_key_id(&self) -> Option<&ApiKeyId> {
        self.api_key.as_ref().map(|key| &key.record.id)
    }

    /// Whether what was presented proves that it is this client. The same work is done whether or not there is
    /// such a client.
    fn prove(&self) -> Result<(), ClientDenied> {
        self.proven.get_or_init(|| self.check_proof()).clone()
    }

    fn check_proof(&self) -> Result<(), ClientDenied> {
        let client = self.record.as_deref();
        match self.presented.proof() {
            // A foreign token was verified when it was found out whom it speaks for.
            Proof::Nothing | Proof::Foreign(_) => Ok(()),
            Proof::ApiKey(_) => {
                let key = self.api_key.as_ref().ok_or(ApiKeyDenied::UnknownApiKey)?;
                Ok(api_key::standing(&key.record, client, self.now)?)
            }
            Proof::Secret(_, secret) => match secret::matches(secret, client, self.now) {
                true => Ok(()),
                false => Err(ClientDenied::WrongClientSecret),
            },
            Proof::Assertion(assertion) => {
                let keys = self.keys.as_ref().map(ClientKeys::set).transpose()?;
                let audience = client.map_or(AssertionAudience::Issuer, |client| {
                    client.assertion_audience
                });
                let verified = self.assertions.verify(assertion, keys, audience, self.now);
                verified?;
                let profile = client.and_then(|client| client.profile);
                match profile.is_none_or(|profile| assertion.keeps(profile)) {
                    true => Ok(()),
                    false => Err(AssertionDenied::WrongAssertionAlgorithm.into()),
                }
            }
        }
    }

    /// Records the single uses of the credentials. It comes after signing and before the grant
    /// advances, so that a request that is refused, or whose token cannot be signed, uses up
    /// nothing. Repeating it has no effect.
    ///
    /// # Errors
    /// [`ClientDenied::CredentialsUsed`] when another request has used them; [`Unavailable`] when
    /// the table fails.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn claim(&mut self, table: &Table) -> Result<(), Error> {
        for claim in self.claims.drain(..) {
            claim.insert(table).await?;
        }
        Ok(())
    }

    /// The time of this request.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What is registered about the audiences that the request is about.
    pub fn resources(&self) -> &FoundResources {
        &self.resources
    }

    pub(super) fn record(&self) -> Option<&Client> {
        self.record.as_deref()
    }

    /// The audiences that the request is about. A request that may not have them is denied without their records.
    pub(super) fn audiences(&self) -> Vec<Audience> {
        let client = self.record.as_deref();
        let audiences = client.map(|client| self.target.audiences(client));
        audiences.and_then(Result::ok).unwrap_or_default()
    }
}

/// A client that has authenticated, as of one read of its record.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    record: Arc<Client>,
    identity: Option<Arc<FederatedIdentity>>,
    api_key: Option<Arc<ApiKey>>,
    key_proof: Option<Arc<DpopProof>>,
    read_at: Timestamp,
    now: Timestamp,
}

impl AuthenticatedClient {
    /// A client in whose name an operator acts, who could as well give it a new secret. `record` was read at
    /// `now`.
    ///
    /// # Errors
    /// [`ClientDenied::ClientDisabled`] when it may not authenticate.
    pub(crate) fn of_operator(record: Client, now: Timestamp) -> Result<Self, ClientDenied> {
        match record.disabled || record.deleted_at.is_some() {
            true => Err(ClientDenied::ClientDisabled),
            false => Ok(Self {
                record: Arc::new(record),
                identity: None,
                api_key: None,
                key_proof: None,
                read_at: now,
                now,
            }),
        }
    }

    /// Its registration.
    pub fn record(&self) -> &Client {
        &self.record
    }

    /// The token of another issuer that it has authenticated with.
    pub fn identity(&self) -> Option<&FederatedIdentity> {
        self.identity.as_deref()
    }

    /// The API key that it has authenticated with.
    pub fn api_key(&self) -> Option<&ApiKey> {
        self.api_key.as_deref()
    }

    /// The key that the request has proved to have by DPoP (RFC 9449), as the client's profile wants it: with every request,
    /// and by an algorithm that it allows.
    ///
    /// # Errors
    /// [`DpopRejection`] when the profile is not kept.
    pub fn key(&self) -> Result<Option<&KeyId>, DpopRejection> {
        let proof = self.key_proof.as_deref();
        match (self.record.profile, proof) {
            (Some(_), None) => Err(DpopRejection::MissingProof),
            (Some(profile), Some(proof)) if !profile.allows(proof.algorithm()) => {
                Err(DpopRejection::WrongAlgorithm)
            }
            _ => Ok(proof.map(DpopProof::key)),
        }
    }

    /// When the read of its registration started.
    pub fn read_at(&self) -> Timestamp {
        self.read_at
    }

    /// The time at which it was authenticated.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}
