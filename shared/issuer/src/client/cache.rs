//! Finding a client's record, and those of the resources that it asks a token for: in the cache, or in the table.
//!
//! Records are cached for a bounded time. Absent records are cached too, so that an unknown client
//! and a known one cost the same reads. A denial that rests on a cached record is checked once
//! against the table, so that a rotated secret or a new scope works at once.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokensmith_verifier::{Clock, Timestamp};

use super::resources::{FoundResources, Resources};
use super::{AssertionVerifier, ClientKeys, Evidence, PresentedCredentials, Proof, Target};
use crate::api_key::{ApiKeys, FoundApiKey};
use crate::config::Config;
use crate::dpop;
use crate::error::{ClientDenied, Error, Unavailable};
use crate::federation::Federation;
use crate::fetched::{KeySets, Source};
use crate::names::{Audience, ClientId};
use crate::store::records::Client;
use crate::store::{StoreError, TableReader};

/// The registered clients.
#[derive(Debug)]
pub struct Clients {
    table: TableReader,
    clock: Clock,
    cache_ttl: Duration,
    access_ttl: Duration,
    assertions: AssertionVerifier,
    key_sets: Arc<KeySets>,
    federation: Federation,
    cache: Cache<ClientId, FoundClient>,
    resources: Resources,
    api_keys: ApiKeys,
}

impl Clients {
    /// Reads from `table`; `config` says how long a record may be kept.
    /// Documents of others come from `documents`, if there are any.
    pub fn new(
        table: TableReader,
        documents: Option<&Arc<dyn Source>>,
        clock: Clock,
        config: &Config,
    ) -> Self {
        let key_sets = Arc::new(KeySets::new(documents, &clock));
        let (issuer, cache_ttl) = (&config.issuer, config.cache_ttl);
        Self {
            federation: Federation::new(table.clone(), key_sets.clone(), issuer, cache_ttl),
            key_sets,
            resources: Resources::new(table.clone(), config.cache_ttl),
            api_keys: ApiKeys::new(table.clone()),
            table,
            clock,
            cache_ttl: config.cache_ttl,
            access_ttl: config.access_ttl,
            assertions: AssertionVerifier::new(&config.issuer),
            cache: Cache::new(CACHED_CLIENTS),
        }
    }

    /// Gathers the evidence on the client that `presented` names: its record, cached or read; and for a token of
    /// another issuer, whom it speaks for.
    ///
    /// # Errors
    /// [`Unavailable`] when something must be read and cannot be; [`ClientDenied`] when a token of another issuer
    /// speaks for nobody.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn gather<'a>(
        &'a self,
        presented: &'a PresentedCredentials,
    ) -> Result<Evidence<'a>, Error> {
        let now = self.clock.now();
        let identity = match presented.proof() {
            Proof::Foreign(token) => {
                let named = presented.client_id();
                let identity = self.federation.identify(token, named, now).await?;
                Some(Arc::new(identity))
            }
            _ => None,
        };
        let api_key = self.api_key_of(presented, self.access_ttl, now).await?;
        let identified = identity.as_ref().map(|identity| &identity.client_id);
        let by_key = api_key.as_ref().map(|key| &key.record.client_id);
        let client_id = identified.or(by_key).or_else(|| presented.client_id());
        let client_id = client_id.cloned();
        let client_id = client_id.ok_or(ClientDenied::NoClientAuthentication)?;
        let cached = self.cache.get(&client_id);
        let fresh = |found: &FoundClient| now.since(found.read_at) < self.lifetime_of(found);
        let (found, may_renew) = match cached.filter(fresh) {
            Some(found) => {
                let may_renew = found.renewed_at != Some(now);
                (found, may_renew)
            }
            None => (self.read(&client_id, now, None).await?, false),
        };
        let rule_read_at = identity.as_ref().map_or(now, |identity| identity.read_at);
        let key_read_at = api_key.as_ref().map_or(now, |key| key.read_at);
        let of_client = match presented.proof() {
            Proof::Assertion(assertion) => Some(assertion.single_use()),
            Proof::Secret(..) | Proof::Foreign(_) | Proof::ApiKey(_) | Proof::Nothing => None,
        };
        let key_proof = presented.key_proof();
        let of_key = key_proof.map(|proof| dpop::single_use(proof, now));
        let keys = self.keys_of(&found, presented).await?;
        Ok(Evidence {
            presented,
            client_id,
            identity,
            api_key,
            record: found.record,
            keys,
            assertions: &self.assertions,
            read_at: found.read_at.min(rule_read_at).min(key_read_at),
            now,
            may_renew,
            claims: of_client.into_iter().chain(of_key).collect(),
            proven: OnceLock::new(),
            target: Target::Nothing,
            resources: FoundResources::default(),
        })
    }

    /// Adds to the evidence what is registered about the audiences that the client's request is about. Only what
    /// the client may name is read, once it has authenticated: a stranger causes no such read.
    ///
    /// # Errors
    /// [`Unavailable`] when a record must be read and cannot be.
    pub async fn aim(
        &self,
        evidence: &mut Evidence<'_>,
        target: Target,
    ) -> Result<(), Unavailable> {
        let now = evidence.now;
        evidence.target = target;
        self.find_resources(evidence).await?;
        if matches!(evidence.target, Target::Nothing | Target::Issued(_)) {
            return Ok(());
        }
        // A resource may want tokens that live shorter than the client's others, and these need fresh reads.
        let ttl = evidence.resources.ttl_of(self.ttl_of(evidence.record()));
        if now.since(evidence.read_at) >= self.cache_ttl.min(ttl / 10) && evidence.read_at < now {
            self.renew_client(evidence, now, None).await?;
            self.find_resources(evidence).await?;
        }
        Ok(())
    }

    async fn find_resources(&self, evidence: &mut Evidence<'_>) -> Result<(), StoreError> {
        let (audiences, ttl) = (evidence.audiences(), self.ttl_of(evidence.record()));
        evidence.resources = self.resources.find(audiences, ttl, evidence.now).await?;
        Ok(())
    }

    /// Decides on the evidence at hand. If the decision is a denial and a record came from the
    /// cache, decides once more on fresh records, at most once per record and second.
    ///
    /// # Errors
    /// The error of the decision, or [`Unavailable`] when the record must be read and cannot be.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn decide<T>(
        &self,
        evidence: &mut Evidence<'_>,
        decide: impl Fn(&Evidence<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match decide(evidence) {
            Err(Error::Denied(_)) if evidence.may_renew || evidence.resources.may_renew() => {
                self.renew(evidence).await?;
                decide(evidence)
            }
            decided => decided,
        }
    }

    /// What is registered about these audiences, for who asks a person on a client's behalf.
    ///
    /// # Errors
    /// [`StoreError`] when something must be read and cannot be.
    pub(crate) async fn resources(
        &self,
        audiences: Vec<Audience>,
        now: Timestamp,
    ) -> Result<FoundResources, StoreError> {
        self.resources.find(audiences, self.access_ttl, now).await
    }

    /// Empties the cache.
    pub fn forget_all(&self) {
        self.cache.clear();
        self.federation.expire();
        self.api_keys.forget_all();
        self.resources.forget_all();
    }

    /// Removes from the cache what a token of this client may rest on.
    pub fn forget(&self, id: &ClientId) {
        self.cache.remove(id);
        self.resources.forget_all();
    }

    async fn renew(&self, evidence: &mut Evidence<'_>) -> Result<(), Unavailable> {
        let now = self.clock.now();
        if evidence.may_renew {
            self.renew_client(evidence, now, Some(now)).await?;
        }
        evidence.now = now;
        // The client may have got another audience.
        let audiences = evidence.audiences();
        if !audiences.is_empty() {
            evidence.resources = self.resources.renew(audiences, now).await?;
        }
        Ok(())
    }

    async fn renew_client(
        &self,
        evidence: &mut Evidence<'_>,
        now: Timestamp,
        renewed_at: Option<Timestamp>,
    ) -> Result<(), Unavailable> {
        let found = self.read(&evidence.client_id, now, renewed_at).await?;
        evidence.keys = self.keys_of(&found, evidence.presented).await?;
        evidence.record = found.record;
        let ttl = evidence.resources.ttl_of(self.ttl_of(evidence.record()));
        evidence.api_key = match self.api_key_of(evidence.presented, ttl, now).await {
            Ok(found) => found,
            Err(Error::Denied(_)) => None,
            Err(Error::Unavailable(err)) => return Err(err),
        };
        let rule_read_at = evidence.identity.as_ref().map(|identity| identity.read_at);
        let key_read_at = evidence.api_key.as_ref().map(|key| key.read_at);
        let others = [rule_read_at, key_read_at].into_iter().flatten();
        evidence.read_at = others.fold(found.read_at, Timestamp::min);
        evidence.may_renew = false;
        evidence.proven = OnceLock::new();
        Ok(())
    }

    /// The API key that is presented, if one is, for a token with this lifetime.
    async fn api_key_of(
        &self,
        presented: &PresentedCredentials,
        access_ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<FoundApiKey>, Error> {
        let Proof::ApiKey(key) = presented.proof() else {
            return Ok(None);
        };
        let oldest = self.cache_ttl.min(access_ttl / 10);
        let found = self.api_keys.find(key, oldest, now).await?;
        let found = found.map_err(ClientDenied::from)?;
        match presented.client_id() {
            Some(named) if *named != found.record.client_id => {
                Err(ClientDenied::ClientIdMismatch.into())
            }
            _ => Ok(Some(found)),
        }
    }

    /// The keys that an assertion of this client is verified with.
    async fn keys_of(
        &self,
        found: &FoundClient,
        presented: &PresentedCredentials,
    ) -> Result<Option<ClientKeys>, Unavailable> {
        match (presented.proof(), &found.record) {
            (Proof::Assertion(assertion), Some(client)) if found.keys.is_none() => {
                ClientKeys::published_by(client, assertion, &self.key_sets).await
            }
            _ => Ok(found.keys.clone()),
        }
    }

    async fn read(
        &self,
        id: &ClientId,
        now: Timestamp,
        renewed_at: Option<Timestamp>,
    ) -> Result<FoundClient, StoreError> {
        let stored = self.table.get(&Client::key_of(id)).await?;
        let registered = stored.filter(|client| client.deleted_at.is_none());
        let record = registered.map(|stored| stored.record);
        let found = FoundClient {
            keys: record.as_ref().and_then(ClientKeys::in_record),
            record: record.map(Arc::new),
            read_at: now,
            renewed_at,
        };
        if !self.cache_ttl.is_zero() {
            self.cache.insert(id.clone(), found.clone());
        }
        Ok(found)
    }

    /// The `iat` of a token is the time of the read that it rests on, so short-lived tokens need
    /// fresh reads.
    fn lifetime_of(&self, cached: &FoundClient) -> Duration {
        self.cache_ttl
            .min(self.ttl_of(cached.record.as_deref()) / 10)
    }

    fn ttl_of(&self, client: Option<&Client>) -> Duration {
        let own_ttl = client.and_then(|client| client.access_ttl);
        own_ttl.map_or(self.access_ttl, Duration::from_secs)
    }
}

/// A client's record, or its absence, as of one read.
#[derive(Clone, Debug)]
struct FoundClient {
    record: Option<Arc<Client>>,
    /// The keys that it has, parsed once for each read.
    keys: Option<ClientKeys>,
    /// When the read started.
    read_at: Timestamp,
    /// When it was read again because of a denial.
    renewed_at: Option<Timestamp>,
}

/// Bounds the memory that a flood of made-up client ids can take.
const CACHED_CLIENTS: usize = 10_000;
