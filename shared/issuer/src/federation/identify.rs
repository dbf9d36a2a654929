//! From a foreign token to the client that it speaks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokensmith_verifier::Timestamp;
use tokensmith_verifier::jose::{InvalidKeySet, PublicKeySet};
use tokio::sync::Mutex;

use super::ForeignToken;
use crate::error::{AssertionDenied, ClientDenied, Error, Unavailable};
use crate::fetched::{DocumentUrl, KeySets, PublishedKeys, Wanted};
use crate::names::{ClientId, FederationName, IssuerUrl};
use crate::store::records::{FederationRule, FederationSource, SourceKeys};
use crate::store::{StoreError, TableReader};

/// The sources and rules, as of one read that is used for a while.
#[derive(Debug)]
pub(crate) struct Federation {
    table: TableReader,
    key_sets: Arc<KeySets>,
    issuer: IssuerUrl,
    cache_ttl: Duration,
    /// Locked by the request that reads them.
    known: Mutex<Option<Arc<Known>>>,
    expired: AtomicBool,
}

/// Whom a foreign token speaks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FederatedIdentity {
    /// The rule that says so.
    pub rule: FederationName,
    /// The client.
    pub client_id: ClientId,
    /// When the token expires.
    pub expires_at: Timestamp,
    /// When the read of the rule started.
    pub read_at: Timestamp,
}

impl Federation {
    /// Reads `table`, at most once in `cache_ttl`, and once more in a second in which a token is refused.
    pub(crate) fn new(
        table: TableReader,
        key_sets: Arc<KeySets>,
        issuer: &IssuerUrl,
        cache_ttl: Duration,
    ) -> Self {
        Self {
            table,
            key_sets,
            issuer: issuer.clone(),
            cache_ttl,
            known: Mutex::default(),
            expired: AtomicBool::new(false),
        }
    }

    /// Makes the next token read sources and rules again.
    pub(crate) fn expire(&self) {
        self.expired.store(true, Ordering::Release);
    }

    /// Finds the client that `token` speaks for. `named` is the one that the request names, if it names one: it is
    /// needed when two rules are about the token.
    ///
    /// # Errors
    /// [`AssertionDenied`] when there is none; [`Unavailable`] when sources, rules or keys cannot be read.
    pub(crate) async fn identify(
        &self,
        token: &ForeignToken,
        named: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<FederatedIdentity, Error> {
        // Our own tokens speak for whom they were issued to, and for nobody else.
        if token.issuer() == self.issuer.as_str() {
            return Err(ClientDenied::from(AssertionDenied::WrongAssertionIssuer).into());
        }
        let known = self.known(now, self.cache_ttl).await?;
        let mut identified = self.identify_by(&known, token, named, now).await?;
        if identified.is_err() && known.read_at != now {
            // A rule may be newer.
            let newer = self.known(now, Duration::ZERO).await?;
            identified = self.identify_by(&newer, token, named, now).await?;
        }
        Ok(identified.map_err(ClientDenied::from)?)
    }

    async fn identify_by(
        &self,
        known: &Known,
        token: &ForeignToken,
        named: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<Result<FederatedIdentity, AssertionDenied>, Unavailable> {
        let source = match self.source_of(known, token).await? {
            Ok(source) => source,
            Err(denied) => return Ok(Err(denied)),
        };
        Ok(token
            .check_time(now)
            .and_then(|()| known.decide(source, token, named)))
    }

    /// The source whose key has signed `token`. Several may have its issuer.
    async fn source_of<'a>(
        &self,
        known: &'a Known,
        token: &ForeignToken,
    ) -> Result<Result<&'a FederationName, AssertionDenied>, Unavailable> {
        let (mut denied, mut unavailable) = (AssertionDenied::UnknownAssertionIssuer, None);
        for source in &known.sources {
            if source.issuer != token.issuer() {
                continue;
            }
            match self.verify(&source.keys, token).await {
                Ok(Ok(())) => return Ok(Ok(&source.name)),
                Ok(Err(reason)) => denied = reason,
                Err(err) => unavailable = Some(err),
            }
        }
        match unavailable {
            Some(err) => Err(err),
            None => Ok(Err(denied)),
        }
    }

    async fn verify(
        &self,
        keys: &Keys,
        token: &ForeignToken,
    ) -> Result<Result<(), AssertionDenied>, Unavailable> {
        let (url, of_issuer) = match keys {
            Keys::Here(Ok(keys)) => return Ok(token.verify(keys)),
            Keys::Here(Err(_)) => return Ok(Err(AssertionDenied::UnusableAssertionKeys)),
            Keys::At(url) => (url, false),
            Keys::OfIssuer(url) => (url, true),
        };
        let key_set = async |wanted| match of_issuer {
            true => self.key_sets.of_issuer(url, wanted).await,
            false => self.key_sets.at(url, wanted).await,
        };
        let verify = |published: &PublishedKeys| match &published.0 {
            Ok(keys) => token.verify(keys),
            Err(_) => Err(AssertionDenied::UnusableAssertionKeys),
        };
        let known = key_set(Wanted::Usual).await?;
        match verify(&known.content) {
            // It may have been published, or mended, since.
            Err(AssertionDenied::UnknownAssertionKey | AssertionDenied::UnusableAssertionKeys) => {
                let newer = key_set(Wanted::NewerThan(known.fetched_at)).await?;
                Ok(verify(&newer.content))
            }
            verified => Ok(verified),
        }
    }

    /// What is known, if it is younger than `oldest`; or else what is read now.
    async fn known(&self, now: Timestamp, oldest: Duration) -> Result<Arc<Known>, StoreError> {
        let mut known = self.known.lock().await;
        if self.expired.swap(false, Ordering::AcqRel) {
            *known = None;
        }
        if let Some(known) = &*known
            && (now.since(known.read_at) < oldest || known.read_at == now)
        {
            return Ok(known.clone());
        }
        let read = Arc::new(Known::read(&self.table, now).await?);
        *known = Some(read.clone());
        Ok(read)
    }
}

/// One read of all sources and rules.
#[derive(Debug)]
struct Known {
    read_at: Timestamp,
    sources: Vec<Source>,
    rules: Vec<FederationRule>,
}

#[derive(Debug)]
struct Source {
    name: FederationName,
    issuer: String,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    Here(Result<PublicKeySet, InvalidKeySet>),
    At(DocumentUrl),
    OfIssuer(DocumentUrl),
}

impl Known {
    async fn read(table: &TableReader, now: Timestamp) -> Result<Self, StoreError> {
        let (sources, rules) = super::read(table).await?;
        Ok(Self {
            read_at: now,
            sources: sources.into_iter().map(Source::of).collect(),
            rules,
        })
    }

    /// The client that a token of `source` speaks for.
    fn decide(
        &self,
        source: &FederationName,
        token: &ForeignToken,
        named: Option<&ClientId>,
    ) -> Result<FederatedIdentity, AssertionDenied> {
        let of_source = self.rules.iter().filter(|rule| rule.source == *source);
        let mut for_audience = of_source
            .filter(|rule| token.is_for(&rule.audience))
            .peekable();
        if for_audience.peek().is_none() {
            return Err(AssertionDenied::WrongAssertionAudience);
        }
        let mut matching = for_audience.filter(|rule| {
            token.has(rule.subject.as_ref(), &rule.conditions)
                && named.is_none_or(|client| *client == rule.client_id)
        });
        let rule = matching.next().ok_or(AssertionDenied::NoFederationRule)?;
        if matching.any(|other| other.client_id != rule.client_id) {
            return Err(AssertionDenied::SeveralFederationRules);
        }
        Ok(FederatedIdentity {
            rule: rule.name.clone(),
            client_id: rule.client_id.clone(),
            expires_at: token.expires_at(),
            read_at: self.read_at,
        })
    }
}

impl Source {
    fn of(record: FederationSource) -> Self {
        Self {
            keys: match &record.keys {
                SourceKeys::Jwks(jwks) => Keys::Here(jwks.parse()),
                SourceKeys::JwksUri(url) => Keys::At(url.clone()),
                SourceKeys::Discovery(url) => Keys::OfIssuer(url.clone()),
            },
            name: record.name,
            issuer: record.issuer.as_str().to_owned(),
        }
    }
}
