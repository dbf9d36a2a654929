//! The authorization server: OAuth 2.1 endpoints that issue RFC 9068 access tokens.
//!
//! A request runs through [`Issuer::handle`]: an endpoint parses it, authenticates the client,
//! lets the grant type find what was granted and policy decide what the token may say, mints it,
//! and answers. Hosts (Lambda, the local server, a test) bring the HTTP event in and the response
//! out; they bring the [`Table`], the key custody and the clock as well.

pub mod admin;
pub mod client;
pub mod config;
pub mod credential;
mod endpoint;
pub mod error;
pub mod event;
pub mod grant;
pub mod keys;
pub mod names;
pub mod revocation;
pub mod store;
pub mod token;

use std::sync::Arc;

pub use endpoint::Endpoint;
pub use event::{Level, RequestContext, UnknownLevel, write_line};
pub use grant::GrantType;
pub use token::Judged;

use crate::client::Clients;
use crate::config::Config;
use crate::error::Unavailable;
use crate::keys::{HmacKeys, KeyCustody, SigningKeys};
use crate::store::Table;
use tokensmith_verifier::Clock;

/// The authorization server.
#[derive(Debug)]
pub struct Issuer {
    config: Config,
    clock: Clock,
    table: Table,
    clients: Clients,
    keys: SigningKeys,
    hmac_keys: HmacKeys,
}

impl Issuer {
    /// Wires the issuer. Nothing is read yet.
    pub fn new(config: Config, table: Table, custody: Arc<dyn KeyCustody>, clock: Clock) -> Self {
        Self {
            clients: Clients::new(table.clone(), clock.clone(), &config),
            keys: SigningKeys::new(table.clone(), custody.clone(), config.cache_ttl),
            hmac_keys: HmacKeys::new(table.clone(), custody, config.cache_ttl),
            table,
            config,
            clock,
        }
    }

    /// Reads client records and keys again when they are next needed: for a host that knows of a
    /// change.
    pub fn forget_cached(&self) {
        self.clients.forget_all();
        self.keys.expire();
        self.hmac_keys.expire();
    }

    /// Loads and opens what requests to `endpoint` need, so that the first one does not wait for it,
    /// and proves that every private key is the published one.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail. Requests load what is still missing.
    pub async fn warm_up(&self, endpoint: Endpoint) -> Result<(), Unavailable> {
        let now = self.clock.now();
        if endpoint.needs_published_keys() {
            self.keys.at(now).await?;
        }
        if endpoint.signs() {
            for algorithm in &self.config.algorithms {
                self.keys.active(*algorithm, now).await?;
            }
        }
        if endpoint.needs_hmac_keys() {
            self.hmac_keys.newest(now).await?;
        }
        Ok(())
    }
}

/// The longest body that is read, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
