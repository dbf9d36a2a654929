//! API keys that are presented in place of a token.
//!
//! A key is read once, and again after an hour. Meanwhile the revocation feed says whether it has ended: a key only ends, so
//! nothing else about it can change. What is known of its client is as old at most.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokensmith_issuer::api_key::{
    LastUses, is_same_key, may_be_used_from, read_presented, rights, standing,
};
use tokensmith_issuer::credential::{ApiKeyId, ApiKeySecret};
use tokensmith_issuer::error::ApiKeyDenied;
use tokensmith_issuer::names::{Audience, ClientId};
use tokensmith_issuer::revocation::TableRevocations;
use tokensmith_issuer::store::records::{ApiKey, Client, Dpop, Resource};
use tokensmith_issuer::store::{StoreError, Table};
use tokensmith_verifier::{
    AccessTokenClaims, Audiences, Parent, Rejection, RevocationSource, SignedClaims,
    SourceUnavailable, Timestamp,
};

use crate::principal::KeyHolder;

/// What checks API keys for one resource.
#[derive(Debug)]
pub(crate) struct ApiKeyChecker {
    table: Table,
    audience: Audience,
    revocations: Arc<TableRevocations>,
    last_uses: LastUses,
    known: Cache<ApiKeyId, Arc<KnownKey>>,
    clients: Cache<ClientId, Arc<KnownClient>>,
}

/// A key, as of one read.
#[derive(Debug)]
struct KnownKey {
    holder: Arc<KeyHolder>,
    /// What the feed is asked about it, as about a token.
    as_token: SignedClaims,
    read_at: Timestamp,
}

/// A client and the resource of this authorizer, as of one read.
#[derive(Debug)]
struct KnownClient {
    client: Option<Arc<Client>>,
    resource: Option<Resource>,
    read_at: Timestamp,
}

/// Why a key opens nothing.
#[derive(Debug)]
pub(crate) enum Closed {
    /// It is not accepted.
    Denied(ApiKeyDenied),
    /// It is unknown whether it is; says what failed.
    Unavailable(String),
}

impl ApiKeyChecker {
    /// Checks keys for `audience`, in `table`.
    pub(crate) fn new(
        table: Table,
        audience: Audience,
        revocations: Arc<TableRevocations>,
    ) -> Self {
        Self {
            last_uses: LastUses::new(table.clone()),
            table,
            audience,
            revocations,
            known: Cache::new(KEPT_KEYS),
            clients: Cache::new(KEPT_KEYS),
        }
    }

    /// The client that has the key, if the key is accepted from this address. A key that is known costs no call; its first use
    /// is one read of the key, and one of its client and the resource unless another key of the client is known.
    ///
    /// # Errors
    /// [`Closed`] says why it is not.
    pub(crate) async fn check(
        &self,
        presented: &str,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<KeyHolder>, Closed> {
        let presented =
            ApiKeySecret::parse(presented).map_err(|_| ApiKeyDenied::MalformedApiKey)?;
        let kept = self.known.get(presented.id());
        let known = match kept.filter(|known| is_recent(known.read_at, now)) {
            Some(known) if is_same_key(&presented, &known.holder.key) => known,
            Some(_) => return Err(ApiKeyDenied::WrongApiKey.into()),
            None => self.read(&presented, now).await?,
        };
        let KeyHolder { key, client, .. } = &*known.holder;
        standing(key, Some(client), now)?;
        if !may_be_used_from(key, source) {
            return Err(ApiKeyDenied::ApiKeyWrongSource.into());
        }
        self.require_live(&known, now).await?;
        self.last_uses.note(key, now).await;
        Ok(known.holder.clone())
    }

    /// Asks the feed whether the key, or everything that its client had, was revoked since they were read.
    async fn require_live(&self, known: &KnownKey, now: Timestamp) -> Result<(), Closed> {
        let status = self.revocations.status_of(&known.as_token, now.seconds());
        match status.await?.rejection(&known.as_token.claims) {
            None => Ok(()),
            Some(Rejection::ApiKeyEnded) => Err(ApiKeyDenied::ApiKeyRevoked.into()),
            Some(_) => Err(ApiKeyDenied::ApiKeyClientRevoked.into()),
        }
    }

    async fn read(
        &self,
        presented: &ApiKeySecret,
        now: Timestamp,
    ) -> Result<Arc<KnownKey>, Closed> {
        let key = read_presented(&self.table, presented).await??;
        if !key.resource.is_same_as(&self.audience) {
            return Err(ApiKeyDenied::ApiKeyOfAnotherResource.into());
        }
        let known = self.client_of(&key, now).await?;
        standing(&key, known.client.as_deref(), now)?;
        let client = known.client.clone();
        let client = client.ok_or(ApiKeyDenied::ApiKeyWithoutClient)?;
        let dpop = known.resource.as_ref().and_then(|resource| resource.dpop);
        if dpop == Some(Dpop::Required) {
            return Err(ApiKeyDenied::ApiKeyWithoutProof.into());
        }
        let scopes = rights(&key, &client, known.resource.as_ref());
        let known = Arc::new(KnownKey {
            as_token: as_token(&key),
            holder: Arc::new(KeyHolder {
                scopes: scopes.ok_or(ApiKeyDenied::ApiKeyOfAnotherResource)?,
                key,
                client,
            }),
            read_at: now.min(known.read_at),
        });
        self.known.insert(presented.id().clone(), known.clone());
        Ok(known)
    }

    async fn client_of(
        &self,
        key: &ApiKey,
        now: Timestamp,
    ) -> Result<Arc<KnownClient>, StoreError> {
        let kept = self.clients.get(&key.client_id);
        if let Some(known) = kept.filter(|known| is_recent(known.read_at, now)) {
            return Ok(known);
        }
        let client_key = Client::key_of(&key.client_id);
        let resource_key = Resource::key_of(&self.audience);
        let mut found = self
            .table
            .get_several(&[&client_key, &resource_key])
            .await?;
        let client = found.take(&client_key)?.map(|client| client.record);
        let known = Arc::new(KnownClient {
            client: client.map(Arc::new),
            resource: found.take(&resource_key)?.map(|resource| resource.record),
            read_at: now,
        });
        self.clients.insert(key.client_id.clone(), known.clone());
        Ok(known)
    }
}

/// A token that would end whenever the key does, so that keys and tokens are looked up in one way. It was "issued" when the key
/// was made: everything of a client that was revoked after that covers it.
fn as_token(key: &ApiKey) -> SignedClaims {
    SignedClaims {
        key_id: String::new().into(),
        claims: AccessTokenClaims {
            iss: String::new(),
            sub: key.client_id.to_string(),
            aud: Audiences::One(key.resource.to_string()),
            exp: key.expires_at.seconds(),
            nbf: None,
            iat: key.created_at.seconds(),
            jti: key.id.to_string(),
            client_id: key.client_id.to_string(),
            scope: None,
            grant_id: None,
            cnf: None,
            act: None,
            parents: vec![Parent::ApiKey {
                key: key.id.to_string(),
            }],
            other: Default::default(),
        },
    }
}

fn is_recent(read_at: Timestamp, now: Timestamp) -> bool {
    now.since(read_at) < KEPT_FOR
}

impl From<ApiKeyDenied> for Closed {
    fn from(reason: ApiKeyDenied) -> Self {
        Self::Denied(reason)
    }
}

impl From<StoreError> for Closed {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.to_string())
    }
}

impl From<SourceUnavailable> for Closed {
    fn from(err: SourceUnavailable) -> Self {
        Self::Unavailable(err.to_string())
    }
}

/// How long a key and its client are used without being read again. That a key ends, or a client, stays in the feed for longer,
/// so that nothing is missed by who was frozen meanwhile.
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// Bounds the memory of a process.
const KEPT_KEYS: usize = 10_000;
