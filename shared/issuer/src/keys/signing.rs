//! The signing keys in use: loaded from the table, cached, ready to be published, and opened when
//! they are needed to sign.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokensmith_verifier::{
    ACCESS_TOKEN_TYPE, Algorithm, JwkSet, KeyId, Rejection, SignedClaims, UnusableKey,
    VerificationKeys,
};
use tokio::sync::OnceCell;

use super::cache::{ABSENCES_ARE_KEPT, Cache};
use super::{CustodyError, KeyState, Sign, Signer, Succession};
use crate::error::Unavailable;
use crate::event::ServiceEvent;
use crate::store::records::{SIGNING_KEYS, Settings, SigningKey};
use crate::store::{Stored, TableReader};
use tokensmith_verifier::Timestamp;

/// The signing keys of the issuer, reloaded when they are older than the cache allows.
#[derive(Debug)]
pub struct SigningKeys {
    table: TableReader,
    owner: Settings,
    signing: Option<Arc<dyn Sign>>,
    cache: Cache<KeySet>,
}

impl SigningKeys {
    /// The keys in `table`, which must belong to `owner`. Loads nothing until a key is needed. Without
    /// `signing`, the keys only verify.
    pub fn new(
        table: TableReader,
        owner: Settings,
        signing: Option<Arc<dyn Sign>>,
        cache_ttl: Duration,
    ) -> Self {
        Self {
            table,
            owner,
            signing,
            cache: Cache::new(cache_ttl),
        }
    }

    /// The same keys, of which nothing is loaded.
    pub fn cold(&self) -> Self {
        let (table, owner) = (self.table.clone(), self.owner.clone());
        Self::new(table, owner, self.signing.clone(), self.cache.ttl())
    }

    /// Makes sure that the table belongs to its owner. That costs no read if one has shown it before: the
    /// next load of the keys notices when the table is given to another owner.
    ///
    /// # Errors
    /// [`Unavailable`] when it belongs to another owner, or when that cannot be told.
    pub async fn require_own_table(&self, now: Timestamp) -> Result<(), Unavailable> {
        match self.cache.peek() {
            Some(_) => Ok(()),
            None => self.at(now).await.map(drop),
        }
    }

    /// Makes the next use of a key read the records again.
    pub fn expire(&self) {
        self.cache.expire();
    }

    /// The keys, read at most one cache lifetime ago. This opens no private key.
    ///
    /// # Errors
    /// [`Unavailable`] when they must be loaded and cannot be.
    pub async fn at(&self, now: Timestamp) -> Result<Arc<KeySet>, Unavailable> {
        self.within(Duration::MAX, now).await
    }

    /// The keys, read at most `age` ago, or one cache lifetime if that is shorter. This opens no private
    /// key.
    ///
    /// # Errors
    /// [`Unavailable`] when they must be loaded and cannot be.
    pub async fn within(&self, age: Duration, now: Timestamp) -> Result<Arc<KeySet>, Unavailable> {
        let load = async |last: Option<Arc<KeySet>>| {
            let loaded = KeySet::succeeding(last.as_deref(), &self.table, &self.owner, now).await;
            let loaded = loaded.inspect_err(|err| self.lost(err, last.is_some()))?;
            if let (Some(last), Some(signing)) = (&last, &self.signing) {
                loaded.open_ahead(last, &**signing).await;
            }
            Ok(loaded)
        };
        let age = match self.cache.peek() {
            Some(loaded) if loaded.value.is_empty() => age.min(ABSENCES_ARE_KEPT),
            _ => age,
        };
        self.cache.fresh_within(age, now, load).await
    }

    /// Keeps no keys of a table that was given to another owner, and says so if they were in use.
    fn lost(&self, err: &Unavailable, were_in_use: bool) {
        let Unavailable::ForeignTable(foreign) = err else {
            return;
        };
        self.cache.clear();
        if were_in_use && foreign.found.issuer != foreign.expected.issuer {
            let (from, to) = (&foreign.expected.issuer, &foreign.found.issuer);
            ServiceEvent::issuer_changed(from, to).write();
        }
    }

    /// The key that signs with `algorithm`, opened once and kept.
    ///
    /// # Errors
    /// [`Unavailable`] when there is none, or when it cannot be opened.
    pub async fn active(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Arc<ActiveKey>, Unavailable> {
        let keys = self.at(now).await?;
        let key = keys.in_state(algorithm, KeyState::Active);
        let key = key.ok_or(Unavailable::NoActiveKey(algorithm))?;
        let signing = self.signing.as_deref();
        let signing = signing.ok_or_else(|| Unavailable::Key("this process never signs".into()))?;
        key.open(signing).await
    }
}

/// The keys at one time.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<PublishedKey>,
    verification: VerificationKeys,
    /// The keys that were withdrawn, as long as there are records of them.
    withdrawn: VerificationKeys,
    withdrawn_ids: HashSet<KeyId>,
    jwks: Bytes,
}

impl KeySet {
    /// The keys of `owner` that are published at `now`, for a process that only publishes or verifies.
    /// Nothing is cached.
    ///
    /// # Errors
    /// [`Unavailable`] when they cannot be read, or the table belongs to another owner.
    pub async fn read(
        table: &TableReader,
        owner: &Settings,
        now: Timestamp,
    ) -> Result<Self, Unavailable> {
        Self::succeeding(None, table, owner, now).await
    }

    async fn succeeding(
        previous: Option<&Self>,
        table: &TableReader,
        owner: &Settings,
        now: Timestamp,
    ) -> Result<Self, Unavailable> {
        let mut found = table.query_found(SIGNING_KEYS).await?;
        if let Some(settings) = found.take(&Settings::only_key())?
            && let Err(foreign) = settings.require(owner)
        {
            ServiceEvent::foreign_table(&foreign).write();
            return Err(Unavailable::ForeignTable(foreign.into()));
        }
        Self::new(found.all()?, previous, now)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The claims of a token that a published key has signed.
    ///
    /// # Errors
    /// [`Rejection::KeyWithdrawn`] when a key signed it that was withdrawn since, and otherwise the
    /// [`Rejection`] that names the first thing wrong with it.
    pub fn signed_claims(&self, token: &str) -> Result<SignedClaims, Rejection> {
        match self.verification.signed_claims(token) {
            Err(Rejection::UnknownKey) if self.has_withdrawn_signer_of(token) => {
                Err(Rejection::KeyWithdrawn)
            }
            judged => judged,
        }
    }

    /// Whether a key has signed the token that was withdrawn since. Its signature is verified, so that
    /// nobody can make this up.
    pub fn has_withdrawn_signer_of(&self, token: &str) -> bool {
        self.withdrawn.signed_claims(token).is_ok()
    }

    /// Whether the key of this name was withdrawn.
    pub fn is_withdrawn(&self, key: &KeyId) -> bool {
        self.withdrawn_ids.contains(key)
    }

    /// The payload of an ID token that one of these keys has signed, whatever else is wrong with it.
    ///
    /// # Errors
    /// [`Rejection`] when none has.
    pub fn signed_id_token<T: DeserializeOwned>(&self, token: &str) -> Result<T, Rejection> {
        let (_, claims) = self.verification.signed_payload(token, ID_TOKEN_TYPE)?;
        Ok(claims)
    }

    /// The JWK Set document (RFC 7517 §5).
    pub fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    /// The keys that are published at `now`. Private keys that `previous` has opened are taken
    /// over.
    fn new(
        records: Vec<Stored<SigningKey>>,
        previous: Option<&Self>,
        now: Timestamp,
    ) -> Result<Self, Unavailable> {
        let all = || records.iter().map(|key| &key.record);
        let state = |key: &SigningKey| Succession::of(all(), key.jwk.alg).state_of(key, now);
        let published = records.iter().map(|key| PublishedKey {
            state: state(key),
            opened: match previous.and_then(|keys| keys.find(&key.jwk.kid)) {
                Some(known) => known.opened.clone(),
                None => OnceCell::new(),
            },
            record: key.record.clone(),
        });
        let mut keys: Vec<_> = published
            .filter(|key| key.state != KeyState::Retired)
            .collect();
        keys.sort_by_key(|key| (key.state, key.record.jwk.alg, key.record.sequence));
        let published = jwk_set(keys.iter().map(|key| &key.record));
        let withdrawn = jwk_set(all().filter(|key| key.withdrawn_at.is_some()));
        let jwks = serde_json::to_vec(&published)
            .map_err(|err| Unavailable::Key(format!("the key set cannot be printed: {err}")))?;
        let unusable = |err: UnusableKey| Unavailable::Key(err.to_string());
        Ok(Self {
            keys,
            verification: VerificationKeys::new(&published).map_err(unusable)?,
            withdrawn: VerificationKeys::new(&withdrawn).map_err(unusable)?,
            withdrawn_ids: all()
                .filter(|key| key.withdrawn_at.is_some())
                .map(|key| key.jwk.kid.clone())
                .collect(),
            jwks: jwks.into(),
        })
    }

    /// Opens pending keys of the algorithms that this process signs with as soon as it finds them,
    /// so that no request has to wait when they begin to sign. If that fails, they are opened then.
    async fn open_ahead(&self, last: &Self, signing: &dyn Sign) {
        for key in &self.keys {
            let jwk = &key.record.jwk;
            let signs = last.in_state(jwk.alg, KeyState::Active);
            let is_used = signs.is_some_and(|key| key.opened.initialized());
            if is_used && key.state == KeyState::Pending && last.find(&jwk.kid).is_none() {
                let _ = key.open(signing).await;
            }
        }
    }

    fn find(&self, id: &KeyId) -> Option<&PublishedKey> {
        self.keys.iter().find(|key| key.record.jwk.kid == *id)
    }

    fn in_state(&self, algorithm: Algorithm, state: KeyState) -> Option<&PublishedKey> {
        self.keys
            .iter()
            .find(|key| key.record.jwk.alg == algorithm && key.state == state)
    }
}

fn jwk_set<'a>(keys: impl Iterator<Item = &'a SigningKey>) -> JwkSet {
    JwkSet {
        keys: keys.map(|key| key.jwk.clone().into()).collect(),
    }
}

#[derive(Debug)]
struct PublishedKey {
    record: SigningKey,
    state: KeyState,
    opened: OnceCell<Arc<ActiveKey>>,
}

impl PublishedKey {
    async fn open(&self, signing: &dyn Sign) -> Result<Arc<ActiveKey>, Unavailable> {
        let open = async || ActiveKey::open(&self.record, signing).await.map(Arc::new);
        self.opened.get_or_try_init(open).await.cloned()
    }
}

/// A key that is active or about to be.
#[derive(Debug)]
pub struct ActiveKey {
    /// Its name in JWKS and JOSE headers.
    pub id: KeyId,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// The JOSE header of every access token it signs, base64url (RFC 9068 §2.1).
    pub header: String,
    /// Its private half.
    pub signer: Arc<dyn Signer>,
}

impl ActiveKey {
    async fn open(record: &SigningKey, signing: &dyn Sign) -> Result<Self, Unavailable> {
        let (alg, kid) = (record.jwk.alg, &record.jwk.kid);
        let signer = signing.signer(alg, &record.private_key).await?;
        // Both are named by their thumbprint, which the signer computed from its own key.
        if *signer.public_key() != record.jwk {
            return Err(Unavailable::NotThePublishedKey(kid.clone()));
        }
        Ok(Self {
            id: kid.clone(),
            algorithm: alg,
            header: jose_header(alg, ACCESS_TOKEN_TYPE, kid),
            signer,
        })
    }

    /// The JOSE header of something other than an access token, base64url.
    pub fn header_of(&self, typ: &str) -> String {
        jose_header(self.algorithm, typ, &self.id)
    }
}

/// Builds the header's JSON without a serializer, because nothing in it needs escaping.
fn jose_header(alg: Algorithm, typ: &str, kid: &KeyId) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","typ":"{typ}","kid":"{kid}"}}"#))
}

impl From<CustodyError> for Unavailable {
    fn from(err: CustodyError) -> Self {
        Self::Key(err.to_string())
    }
}

/// The `typ` of an ID token (RFC 7519 §5.1).
pub const ID_TOKEN_TYPE: &str = "JWT";
