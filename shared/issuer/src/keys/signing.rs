//! The signing keys in use: loaded from the table, cached, and ready to sign and to be published.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use tokensmith_verifier::{
    ACCESS_TOKEN_TYPE, Algorithm, Jwk, JwkSet, KeyId, UnusableKey, VerificationKeys,
};

use super::cache::Cache;
use super::{
    EncryptionContext, InProcessSigner, KeyUse, KeyWrap, Signer, WrapError, generate_private_key,
};
use crate::clock::Timestamp;
use crate::error::Unavailable;
use crate::names::IssuerUrl;
use crate::store::records::{KeyState, SIGNING_KEYS, SigningKey};
use crate::store::{Insert, Stored, Table};

/// The signing keys of the issuer, reloaded when they are older than the cache allows.
#[derive(Debug)]
pub struct SigningKeys {
    table: Table,
    wrap: Arc<dyn KeyWrap>,
    cache: Cache<KeySet>,
}

impl SigningKeys {
    /// Nothing is loaded until a key is needed.
    pub fn new(table: Table, wrap: Arc<dyn KeyWrap>, cache_ttl: Duration) -> Self {
        Self {
            table,
            wrap,
            cache: Cache::new(cache_ttl),
        }
    }

    /// Creates the first key of every algorithm that has none; it may sign at once, for nothing
    /// that anybody cached can lack it.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the custody fail.
    pub async fn create_first_keys(
        &self,
        issuer: &IssuerUrl,
        algorithms: &[Algorithm],
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        for algorithm in algorithms {
            if self
                .table
                .get(&SigningKey::key_of(*algorithm, 1))
                .await?
                .is_some()
            {
                continue;
            }
            let pkcs8 = generate_private_key(*algorithm)?;
            let public_key = InProcessSigner::from_pkcs8(*algorithm, &pkcs8)?.public_key();
            let context = EncryptionContext::new(issuer, KeyUse::Signing);
            let first = SigningKey {
                sequence: 1,
                jwk: Jwk::new(public_key, *algorithm),
                state: KeyState::Active,
                created_at: now,
                activated_at: Some(now),
                private_key: self.wrap.wrap(context, &pkcs8).await?,
            };
            match self.table.insert(&first).await? {
                // Somebody else's first key is as good as ours.
                Insert::Inserted | Insert::Exists(_) => {}
            }
        }
        Ok(())
    }

    /// The keys as of at most the cache lifetime ago.
    ///
    /// # Errors
    /// [`Unavailable`] when they must be loaded and cannot.
    pub async fn at(&self, now: Timestamp) -> Result<Arc<KeySet>, Unavailable> {
        let load = async |last: Option<Arc<KeySet>>| {
            let records = self.table.query_all(SIGNING_KEYS).await?;
            KeySet::open(records, last.as_deref(), &*self.wrap).await
        };
        self.cache.fresh(now, load).await
    }
}

/// The keys at one moment.
#[derive(Debug)]
pub struct KeySet {
    active: HashMap<Algorithm, Arc<ActiveKey>>,
    verification: VerificationKeys,
    jwks: Bytes,
}

impl KeySet {
    /// The key that signs with `algorithm`.
    ///
    /// # Errors
    /// [`Unavailable::Key`] when there is none.
    pub fn active(&self, algorithm: Algorithm) -> Result<&ActiveKey, Unavailable> {
        let key = self.active.get(&algorithm);
        key.map(Arc::as_ref)
            .ok_or_else(|| Unavailable::Key(format!("no active {algorithm} key")))
    }

    /// What verifies the issuer's own tokens: every published key.
    pub fn verification(&self) -> &VerificationKeys {
        &self.verification
    }

    /// The JWK Set document (RFC 7517 §5).
    pub fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    /// Opens the active keys; those that `previous` has opened already are taken over.
    async fn open(
        mut records: Vec<Stored<SigningKey>>,
        previous: Option<&Self>,
        wrap: &dyn KeyWrap,
    ) -> Result<Self, Unavailable> {
        // The newest key of an algorithm first: it is the one that most tokens name.
        records.sort_by_key(|key| (key.jwk.alg, std::cmp::Reverse(key.sequence)));
        let mut active = HashMap::new();
        for record in &records {
            let KeyState::Active = record.state;
            let known = previous.and_then(|keys| keys.active.get(&record.jwk.alg));
            let key = match known.filter(|key| key.id == record.jwk.kid) {
                Some(key) => key.clone(),
                None => Arc::new(ActiveKey::open(record, wrap).await?),
            };
            active.entry(record.jwk.alg).or_insert(key);
        }
        let published = JwkSet {
            keys: records.iter().map(|key| key.jwk.clone()).collect(),
        };
        let jwks = serde_json::to_vec(&published)
            .map_err(|err| Unavailable::Key(format!("the key set cannot be printed: {err}")))?;
        let unusable = |err: UnusableKey| Unavailable::Key(err.to_string());
        Ok(Self {
            active,
            verification: VerificationKeys::new(&published).map_err(unusable)?,
            jwks: jwks.into(),
        })
    }
}

/// A key that signs.
#[derive(Debug)]
pub struct ActiveKey {
    /// Its name in JWKS and JOSE headers.
    pub id: KeyId,
    /// The JOSE header of every access token it signs, base64url (RFC 9068 §2.1).
    pub header: String,
    /// Its private half.
    pub signer: Arc<dyn Signer>,
}

impl ActiveKey {
    async fn open(record: &SigningKey, wrap: &dyn KeyWrap) -> Result<Self, Unavailable> {
        let (alg, kid) = (record.jwk.alg, &record.jwk.kid);
        let pkcs8 = wrap.unwrap(&record.private_key).await?;
        let signer = InProcessSigner::from_pkcs8(alg, &pkcs8)?;
        if signer.public_key() != record.jwk.key || record.jwk.key.thumbprint() != *kid {
            return Err(Unavailable::Key(format!(
                "the private key of {kid} is not the published one"
            )));
        }
        let header = format!(r#"{{"alg":"{alg}","typ":"{ACCESS_TOKEN_TYPE}","kid":"{kid}"}}"#);
        Ok(Self {
            id: kid.clone(),
            header: URL_SAFE_NO_PAD.encode(header),
            signer: Arc::new(signer),
        })
    }
}

impl From<WrapError> for Unavailable {
    fn from(err: WrapError) -> Self {
        Self::Key(err.to_string())
    }
}
