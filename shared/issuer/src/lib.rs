//! The authorization server: OAuth 2.1 endpoints that issue RFC 9068 access tokens.
//!
//! [`Issuer::handle`] answers a request: its endpoint parses it and authenticates the client, the
//! grant type finds what was granted, policy decides what the token may contain, and the endpoint
//! mints the token and answers. Hosts (Lambda, the local server, a test) turn their HTTP events
//! into requests, and provide the [`Table`], the key custody and the clock.

mod abilities;
pub mod admin;
pub mod api_key;
pub mod authorization;
pub mod client;
pub mod config;
pub mod credential;
pub mod device;
mod dpop;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod federation;
pub mod fetched;
pub mod grant;
pub mod keys;
pub mod limit;
pub mod names;
pub mod person;
mod redirect_uri;
pub mod revocation;
pub mod sealed;
pub mod store;
pub mod token;
pub mod upstream;

use std::sync::Arc;

use tokensmith_verifier::Clock;

pub use abilities::{Abilities, HashPasswords, Hashing};
pub use config::{Level, UnknownLevel};
pub use endpoint::{Endpoint, Mount};
pub use event::{RequestContext, loggable_path};
pub use revocation::Link;
pub use store::records::GrantType;
pub use token::{Judged, TokenChain};

use crate::api_key::LastUses;
use crate::client::Clients;
use crate::config::Config;
use crate::device::Polls;
use crate::error::Unavailable;
use crate::fetched::{Documents, Post, ReportKeys, Source};
use crate::grant::redeem::Redeemer;
use crate::keys::{HmacKeys, KeyAccess, SigningKeys};
use crate::limit::Limits;
use crate::revocation::ServedFeed;
use crate::store::records::{
    ApiKey, Client, FEDERATION, FederationSource, Grant, RevokedToken, Subject,
};
use crate::store::{AnyKey, Key, Record, Table};
use crate::upstream::Upstreams;

/// The authorization server.
#[derive(Debug)]
pub struct Issuer {
    config: Config,
    clock: Clock,
    table: Table,
    clients: Clients,
    keys: SigningKeys,
    hmac_keys: Option<HmacKeys>,
    feed: ServedFeed,
    limits: Limits,
    documents: Option<Arc<dyn Source>>,
    web: Option<Arc<dyn Post>>,
    upstreams: Upstreams,
    passwords: Option<Arc<dyn HashPasswords>>,
    last_uses: LastUses,
    polls: Polls,
    report_keys: Option<Documents<ReportKeys>>,
}

impl Issuer {
    /// Makes the issuer, with these abilities. It reads nothing yet.
    pub fn new(
        config: Config,
        table: Table,
        abilities: impl Into<Abilities>,
        clock: Clock,
    ) -> Self {
        let Abilities {
            keys,
            documents,
            web,
            passwords,
        } = abilities.into();
        let KeyAccess { open, sign } = keys;
        let proving = |open| HmacKeys::new(table.reader(), open, config.cache_ttl);
        Self {
            clients: Clients::new(table.reader(), documents.as_ref(), clock.clone(), &config),
            keys: SigningKeys::new(table.reader(), config.owner(), sign, config.cache_ttl),
            hmac_keys: open.clone().map(proving),
            feed: ServedFeed::new(table.reader()),
            limits: Limits::new(table.counters(), clock.clone()),
            report_keys: report_keys(documents.as_ref(), &clock),
            upstreams: Upstreams::new(
                table.reader(),
                open,
                documents.as_ref(),
                web.as_ref(),
                &clock,
                config.cache_ttl,
            ),
            documents,
            web,
            passwords,
            last_uses: LastUses::new(table.clone()),
            polls: Polls::default(),
            table,
            config,
            clock,
        }
    }

    /// Makes the next requests read client records and keys again, for a host that knows that they
    /// have changed.
    pub fn forget_cached(&self) {
        self.clients.forget_all();
        self.upstreams.expire();
        self.keys.expire();
        if let Some(keys) = &self.hmac_keys {
            keys.expire();
        }
    }

    /// What an operator has decided.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What hashes passwords.
    ///
    /// # Errors
    /// [`Unavailable`] in a process that signs nobody in.
    pub fn passwords(&self) -> Result<&dyn HashPasswords, Unavailable> {
        let passwords = self.passwords.as_deref();
        passwords.ok_or_else(|| Unavailable::Key("this process hashes no password".to_owned()))
    }

    /// The same issuer, which has read nothing and opened no key.
    fn cold(&self) -> Self {
        Self {
            clients: Clients::new(
                self.table.reader(),
                self.documents.as_ref(),
                self.clock.clone(),
                &self.config,
            ),
            keys: self.keys.cold(),
            hmac_keys: self.hmac_keys.as_ref().map(HmacKeys::cold),
            feed: ServedFeed::new(self.table.reader()),
            limits: Limits::new(self.table.counters(), self.clock.clone()),
            report_keys: report_keys(self.documents.as_ref(), &self.clock),
            upstreams: self
                .upstreams
                .cold(self.documents.as_ref(), self.web.as_ref(), &self.clock),
            documents: self.documents.clone(),
            web: self.web.clone(),
            passwords: self.passwords.clone(),
            last_uses: LastUses::new(self.table.clone()),
            polls: Polls::default(),
            table: self.table.clone(),
            config: self.config.clone(),
            clock: self.clock.clone(),
        }
    }

    /// Makes sure that no record of another issuer decides on a request.
    ///
    /// # Errors
    /// [`Unavailable`] when it is the table of another issuer, or fails.
    pub async fn require_own_table(&self) -> Result<(), Unavailable> {
        self.keys.require_own_table(self.clock.now()).await
    }

    /// What redeems refresh tokens.
    fn redeemer(&self) -> Result<Redeemer<'_>, Unavailable> {
        Ok(Redeemer {
            table: &self.table,
            hmac_keys: self.hmac_keys()?,
            issuer: &self.config.issuer,
        })
    }

    /// The keys that prove codes, refresh tokens and what is [sealed].
    ///
    /// # Errors
    /// [`Unavailable`] in a process that opens none.
    pub fn hmac_keys(&self) -> Result<&HmacKeys, Unavailable> {
        let keys = self.hmac_keys.as_ref();
        keys.ok_or_else(|| Unavailable::Key("this process opens no HMAC key".to_owned()))
    }
}

fn report_keys(source: Option<&Arc<dyn Source>>, clock: &Clock) -> Option<Documents<ReportKeys>> {
    source.map(|source| Documents::new(source.clone(), clock.clone()))
}

/// What endpoints load before the first request.
impl Issuer {
    async fn load_published_keys(&self) -> Result<(), Unavailable> {
        self.keys.at(self.clock.now()).await?;
        Ok(())
    }

    async fn open_signing_keys(&self) -> Result<(), Unavailable> {
        let now = self.clock.now();
        for algorithm in &self.config.algorithms {
            self.keys.active(*algorithm, now).await?;
        }
        Ok(())
    }

    /// Loads the keys that prove codes, refresh tokens and what is sealed.
    ///
    /// # Errors
    /// [`Unavailable`] when they cannot be loaded.
    pub async fn open_proving_keys(&self) -> Result<(), Unavailable> {
        self.load_published_keys().await?;
        self.hmac_keys()?.newest(self.clock.now()).await?;
        Ok(())
    }

    async fn open_all_keys(&self) -> Result<(), Unavailable> {
        self.open_signing_keys().await?;
        self.open_proving_keys().await
    }

    /// Signs with every key: a role may find a key in KMS, and yet not sign with it.
    async fn check_signing_keys(&self) -> Result<(), Unavailable> {
        let now = self.clock.now();
        for algorithm in &self.config.algorithms {
            let key = self.keys.active(*algorithm, now).await?;
            key.signer.sign(SIGNED_BY_A_CHECK).await?;
        }
        Ok(())
    }

    async fn check_all_keys(&self) -> Result<(), Unavailable> {
        self.check_signing_keys().await?;
        self.open_proving_keys().await?;
        Ok(self.limits.check().await?)
    }

    /// Reads a record of type `R`, which need not be there: a role that lacks the right to read it is found.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot be read.
    pub async fn check_read<R: Record>(&self, prefix: &str) -> Result<(), Unavailable> {
        let nobody = Key::<R>::single(prefix, "-");
        self.table.get(&nobody).await?;
        Ok(())
    }

    /// Reads what can have ended a token, as one read of a token's records does.
    async fn check_tokens(&self) -> Result<(), Unavailable> {
        let (client, grant, subject, token, key) = (
            Key::<Client>::single(Client::PREFIX, "-"),
            Key::<Grant>::single(Grant::PREFIX, "-"),
            Key::<Subject>::single(Subject::PREFIX, "-"),
            Key::<RevokedToken>::single(RevokedToken::PREFIX, "-"),
            Key::<ApiKey>::single(ApiKey::PREFIX, "-"),
        );
        let keys: [&dyn AnyKey; 5] = [&client, &grant, &subject, &token, &key];
        let read = self.table.get_several(&keys).await;
        read.map(drop).map_err(Unavailable::from)
    }

    /// Reads what client authentication reads.
    async fn check_clients(&self) -> Result<(), Unavailable> {
        self.check_read::<Client>(Client::PREFIX).await?;
        let sources = self.table.query::<FederationSource>(FEDERATION, None, 1);
        sources.await.map(drop).map_err(Unavailable::from)
    }
}

/// It has no dot, so that its signature is part of no JWS (RFC 7515 §5.1).
const SIGNED_BY_A_CHECK: &[u8] = b"tokensmith check";

/// The longest body that is read, in bytes. Bounds the memory and work that an unauthenticated
/// request can cause.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
