//! From a foreign token to the client that it speaks for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokensmith_verifier::Timestamp;
use tokensmith_verifier::jose::{InvalidKeySet, PublicKeySet};
use tokio::sync::Mutex;

use super::ForeignToken;
use crate::error::{AssertionDenied, ClientDenied, Error};
use crate::names::{ClientId, FederationName, IssuerUrl};
use crate::store::records::{FEDERATION, FederationRule, FederationSource, SourceKeys};
use crate::store::{StoreError, TableReader};

/// The sources and rules, as of one read that is used for a while.
#[derive(Debug)]
pub struct Federation {
    table: TableReader,
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
    pub fn new(table: TableReader, issuer: &IssuerUrl, cache_ttl: Duration) -> Self {
        Self {
            table,
            issuer: issuer.clone(),
            cache_ttl,
            known: Mutex::default(),
            expired: AtomicBool::new(false),
        }
    }

    /// Makes the next token read sources and rules again.
    pub fn expire(&self) {
        self.expired.store(true, Ordering::Release);
    }

    /// Finds the client that `token` speaks for. `named` is the one that the request names, if it names one: it is
    /// needed when two rules are about the token.
    ///
    /// # Errors
    /// [`AssertionDenied`] when there is none; [`Unavailable`] when sources, rules or keys cannot be read.
    ///
    /// [`Unavailable`]: crate::error::Unavailable
    pub async fn identify(
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
        let mut identified = known.identify(token, named, now);
        if identified.is_err() && known.read_at != now {
            // A rule or a key may be newer.
            let newer = self.known(now, Duration::ZERO).await?;
            identified = newer.identify(token, named, now);
        }
        Ok(identified.map_err(ClientDenied::from)?)
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
    sources: HashMap<FederationName, Source>,
    rules: Vec<FederationRule>,
}

#[derive(Debug)]
struct Source {
    record: FederationSource,
    keys: Result<PublicKeySet, InvalidKeySet>,
}

impl Known {
    async fn read(table: &TableReader, now: Timestamp) -> Result<Self, StoreError> {
        let found = table.query_found(FEDERATION).await?;
        let rules = found.clone().all::<FederationRule>()?;
        let sources = found.all::<FederationSource>()?.into_iter().map(|stored| {
            let SourceKeys::Jwks(jwks) = &stored.keys;
            let keys = jwks.parse();
            let record = stored.record;
            (record.name.clone(), Source { record, keys })
        });
        Ok(Self {
            read_at: now,
            sources: sources.collect(),
            rules: rules.into_iter().map(|stored| stored.record).collect(),
        })
    }

    fn identify(
        &self,
        token: &ForeignToken,
        named: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<FederatedIdentity, AssertionDenied> {
        let sources = self.sources.values();
        let mut sources = sources.filter(|source| source.record.issuer.as_str() == token.issuer());
        let mut refused = AssertionDenied::UnknownAssertionIssuer;
        let source = loop {
            let source = sources.next().ok_or(refused)?;
            match &source.keys {
                Ok(keys) => match token.verify(keys) {
                    Ok(()) => break source,
                    Err(denied) => refused = denied,
                },
                Err(_) => refused = AssertionDenied::UnusableAssertionKeys,
            }
        };
        token.check_time(now)?;
        let of_source = self
            .rules
            .iter()
            .filter(|rule| rule.source == source.record.name);
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
