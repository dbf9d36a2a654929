//! What the requests of a run find, and what they ask for.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokensmith_issuer::credential::{GrantId, HmacKey, Nonce};
use tokensmith_issuer::endpoint;
use tokensmith_issuer::store::Insert;
use tokensmith_issuer::store::records::{Grant, RefreshGrace};
use tokensmith_tests::records::refresh_token;
use tokensmith_tests::{Answer, InProcess, TestClient};

/// What one request asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ask {
    /// The client refreshes with the token of a generation.
    Refresh(u32),
    /// Another client, which authenticates as itself, has a copy of it.
    Stranger(u32),
    /// The client revokes by it.
    Revoke(u32),
}

/// A request that has not been sent.
pub type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// An issuer and its clients.
pub struct Stage {
    issuer: InProcess,
    client: TestClient,
    stranger: TestClient,
    key: Arc<HmacKey>,
    grant: Grant,
}

impl Stage {
    /// The client's predecessors are honoured as `grace` says, and its grants begin with
    /// `generation`.
    pub async fn new(grace: RefreshGrace, generation: u32) -> Self {
        // Nothing is read again because time has passed: a schedule must be repeatable.
        let hour = Duration::from_secs(60 * 60);
        let issuer = InProcess::configured(|config| {
            config.cache_ttl = hour;
            config.access_ttl = hour * 10;
        })
        .await;
        let client = issuer
            .confidential("app", |client| client.refresh_grace = Some(grace))
            .await;
        let first = issuer
            .grant(&client, |grant| grant.generation = generation)
            .await;
        let keys = issuer.hmac_keys();
        Self {
            stranger: issuer.confidential("stranger", |_| {}).await,
            key: keys.newest(issuer.now()).await.expect("a key"),
            grant: issuer.stored(&first).await,
            client,
            issuer,
        }
    }

    /// A new grant. Keys and clients are in the cache, and the clients were not checked in this second: a
    /// refusal reads its client again.
    pub async fn scene(&self, asks: &[Ask]) -> Scene {
        self.issuer.issuer.forget_cached();
        let keys = self.issuer.issuer.warm_up(&endpoint::TOKEN).await;
        keys.expect("the keys can be read");
        let has_stranger = asks.iter().any(|ask| matches!(ask, Ask::Stranger(_)));
        let stranger = has_stranger.then_some(&self.stranger);
        for client in [&self.client].into_iter().chain(stranger) {
            let warming = self.issuer.client_credentials(client).await;
            assert_eq!(warming.status, 200, "{}", warming.body);
        }
        let nonce = Nonce::random();
        let grant = Grant {
            id: GrantId::random(&self.grant.subject),
            nonce_hash: nonce.hash(),
            ..self.grant.clone()
        };
        let inserted = self.issuer.table().insert(&grant).await;
        assert!(matches!(inserted, Ok(Insert::Inserted)));
        Scene {
            issuer: self.issuer.clone(),
            client: self.client.clone(),
            stranger: self.stranger.clone(),
            key: self.key.clone(),
            nonce,
            grant,
        }
    }
}

/// What the requests of one run find.
pub struct Scene {
    pub issuer: InProcess,
    client: TestClient,
    stranger: TestClient,
    key: Arc<HmacKey>,
    nonce: Nonce,
    /// The grant as it begins.
    pub grant: Grant,
}

/// How the grant stands at some moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Snapshot {
    pub generation: u32,
    pub revoked: bool,
}

impl Scene {
    /// The grant's refresh token of a generation.
    pub fn token(&self, generation: u32) -> String {
        let issuer = &self.issuer.config.issuer;
        refresh_token(&self.key, issuer, self.grant.id, generation, &self.nonce)
    }

    pub fn send(&self, ask: Ask) -> Pending {
        let (issuer, client) = (self.issuer.clone(), self.client.clone());
        let stranger = self.stranger.clone();
        match ask {
            Ask::Refresh(generation) => {
                let token = self.token(generation);
                Box::pin(async move { issuer.refresh(&client, &token).await })
            }
            Ask::Stranger(generation) => {
                let token = self.token(generation);
                Box::pin(async move { issuer.refresh(&stranger, &token).await })
            }
            Ask::Revoke(generation) => {
                let token = self.token(generation);
                Box::pin(async move { issuer.revoke(&client, &token).await })
            }
        }
    }

    /// How the grant stands before the first request.
    pub fn at_first(&self) -> Snapshot {
        Snapshot {
            generation: self.grant.generation,
            revoked: false,
        }
    }

    /// How the grant stands now.
    pub async fn snapshot(&self) -> Snapshot {
        let grant = self.issuer.record(&Grant::key_of(self.grant.id)).await;
        Snapshot {
            generation: grant.generation,
            revoked: grant.revoked_at.is_some(),
        }
    }
}
