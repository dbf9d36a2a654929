//! Signing in through other OpenID providers (OpenID Connect Core 1.0 §3.1): this service is their client.
//!
//! An attempt belongs to one browser and one upstream: state, nonce and PKCE verifier are derived from what only that browser has
//! and what only this issuer can compute, so that nothing is stored, and nothing in an address is secret.

mod answer;
mod attempt;
mod id_token;
mod links;
mod metadata;
mod secret;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokensmith_verifier::{Clock, Timestamp};
use tokio::sync::Mutex;

pub use answer::UpstreamAnswer;
pub use attempt::Attempt;
pub(crate) use attempt::redirect_uri;
pub use id_token::UpstreamIdentity;
pub use links::linked_accounts;
pub(crate) use secret::seal_secret;

use crate::Issuer;
use crate::error::{Error, Unavailable, UpstreamDenied};
use crate::fetched::{Documents, Post, PublishedKeys, Source};
use crate::keys::Open;
use crate::names::UpstreamName;
use crate::store::TableReader;
use crate::store::records::{UPSTREAM, Upstream};
use metadata::UpstreamMetadata;
use secret::UpstreamSecrets;

/// The upstreams, as of one read that is used for a while, and what they publish.
#[derive(Debug)]
pub(crate) struct Upstreams {
    table: TableReader,
    cache_ttl: Duration,
    published: Option<Published>,
    /// Locked by the request that reads them.
    known: Mutex<Option<(Timestamp, Arc<Vec<Upstream>>)>>,
    expired: AtomicBool,
    secrets: UpstreamSecrets,
}

/// What a process needs that lets people sign in through them.
#[derive(Debug)]
struct Published {
    metadata: Documents<UpstreamMetadata>,
    key_sets: Documents<PublishedKeys>,
    web: Arc<dyn Post>,
}

impl Upstreams {
    /// Reads nothing yet. Without a source of documents and a way to ask others, nobody signs in through them; `opener` opens what this
    /// service proves itself with there.
    pub(crate) fn new(
        table: TableReader,
        opener: Option<Arc<dyn Open>>,
        documents: Option<&Arc<dyn Source>>,
        web: Option<&Arc<dyn Post>>,
        clock: &Clock,
        cache_ttl: Duration,
    ) -> Self {
        let published = documents.zip(web).map(|(source, web)| Published {
            metadata: Documents::new(source.clone(), clock.clone()),
            key_sets: Documents::new(source.clone(), clock.clone()),
            web: web.clone(),
        });
        Self {
            table,
            cache_ttl,
            published,
            known: Mutex::default(),
            expired: AtomicBool::new(false),
            secrets: UpstreamSecrets::new(opener),
        }
    }

    /// Makes the next page read them again.
    pub(crate) fn expire(&self) {
        self.expired.store(true, Ordering::Release);
    }

    /// The same, of which nothing is known.
    pub(crate) fn cold(
        &self,
        documents: Option<&Arc<dyn Source>>,
        web: Option<&Arc<dyn Post>>,
        clock: &Clock,
    ) -> Self {
        let (table, opener) = (self.table.clone(), self.secrets.opener.clone());
        Self::new(table, opener, documents, web, clock, self.cache_ttl)
    }

    fn published(&self) -> Result<&Published, Unavailable> {
        let published = self.published.as_ref();
        published.ok_or_else(|| Unavailable::NoDocument("any OpenID provider".to_owned()))
    }
}

impl Issuer {
    /// The upstreams that people are shown. They are read once in the time for which records are kept.
    ///
    /// # Errors
    /// [`Unavailable`] when they cannot be read.
    pub async fn upstreams(&self) -> Result<Arc<Vec<Upstream>>, Unavailable> {
        let (upstreams, now) = (&self.upstreams, self.clock.now());
        if upstreams.published.is_none() {
            return Ok(Arc::default());
        }
        let mut known = upstreams.known.lock().await;
        if let Some((read_at, known)) = &*known
            && now.since(*read_at) < upstreams.cache_ttl
            && !upstreams.expired.swap(false, Ordering::AcqRel)
        {
            return Ok(known.clone());
        }
        let read = upstreams.table.query_all::<Upstream>(UPSTREAM).await?;
        let read: Vec<_> = read.into_iter().map(|stored| stored.record).collect();
        let read = Arc::new(read);
        *known = Some((now, read.clone()));
        Ok(read)
    }

    /// The upstream of this name, as it is now: one that was deleted lets nobody in any more.
    ///
    /// # Errors
    /// [`UpstreamDenied::UnknownUpstream`], or [`Unavailable`] when it cannot be read.
    pub async fn upstream(&self, name: &UpstreamName) -> Result<Upstream, Error> {
        let found = self.upstreams.table.get(&Upstream::key_of(name)).await?;
        let found = found.ok_or(UpstreamDenied::UnknownUpstream)?;
        Ok(found.record)
    }
}
