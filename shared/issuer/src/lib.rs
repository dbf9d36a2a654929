//! The authorization server: OAuth 2.1 endpoints that issue RFC 9068 access tokens.
//!
//! A request runs through [`Issuer::handle`]: an endpoint parses it, authenticates the client,
//! lets the grant type find what was granted and policy decide what the token may say, mints it,
//! and answers. Hosts (Lambda, the local server, a test) bring the HTTP event in and the response
//! out; they bring the [`Table`](store::Table), the key custody and the clock as well.

pub mod client_auth;
pub mod clients;
pub mod clock;
pub mod config;
pub mod credential;
mod endpoint;
pub mod error;
mod form;
mod grant_type;
pub mod keys;
mod mint;
pub mod names;
mod policy;
pub mod random;
mod request_log;
pub mod store;
mod token_request;

use std::sync::Arc;

pub use endpoint::Endpoint;
pub use request_log::{Level, RequestContext, write_line};
pub use token_request::GrantType;

use crate::clients::Clients;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Unavailable;
use crate::keys::{KeyWrap, SigningKeys};
use crate::store::Table;

/// The authorization server.
#[derive(Debug)]
pub struct Issuer {
    config: Config,
    clock: Clock,
    clients: Clients,
    keys: SigningKeys,
}

impl Issuer {
    /// Wires the issuer. Nothing is read yet.
    pub fn new(config: Config, table: Table, wrap: Arc<dyn KeyWrap>, clock: Clock) -> Self {
        Self {
            clients: Clients::new(table.clone(), clock.clone(), &config),
            keys: SigningKeys::new(table, wrap, config.cache_ttl),
            config,
            clock,
        }
    }

    /// Makes sure that every configured algorithm has a key, and that they all can be used.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail, or when a private key is not the published one.
    pub async fn prepare(&self) -> Result<(), Unavailable> {
        let now = self.clock.now();
        let Config {
            issuer, algorithms, ..
        } = &self.config;
        self.keys.create_first_keys(issuer, algorithms, now).await?;
        self.keys.at(now).await.map(drop)
    }
}

/// The longest body that is read, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
