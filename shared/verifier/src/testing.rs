//! An issuer inside a test (feature `testing`): it signs tokens, publishes its key and its revocations, and has a clock
//! that the test sets. Nothing goes over a network.
//!
//! ```
//! # use std::sync::Arc;
//! # use tokensmith_verifier::testing::TestIssuer;
//! # use tokensmith_verifier::{Rejection, Revocation};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let issuer = TestIssuer::new("https://issuer.example");
//! let verifier = issuer.verifier("https://api.example").build().expect("a verifier");
//! let token = issuer.token("https://api.example", "orders:read", |_| {});
//! assert_eq!(verifier.verify(&token).await.expect("a good token").subject(), "alice");
//!
//! issuer.revoke(Revocation::of_token(&issuer.last_token_id(), u64::MAX));
//! issuer.pass(10);
//! assert_eq!(verifier.verify(&token).await, Err(Rejection::TokenRevoked.into()));
//! # }
//! ```

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::{
    ACCESS_TOKEN_TYPE, CacheHeaders, Clock, FEED_TYPE, FeedDocument, FeedSettings, Fetch,
    FetchError, FetchRequest, Fetched, Revocation, Verifier, VerifierBuilder, paths,
};

/// An issuer that exists in one test only.
pub struct TestIssuer {
    url: String,
    key: Ed25519KeyPair,
    now: Arc<AtomicU64>,
    made: AtomicU64,
    revoked: Mutex<Vec<(u64, Revocation)>>,
    is_down: Mutex<bool>,
}

impl TestIssuer {
    /// An issuer at `url`, with a key of its own. Its clock stands at 2027.
    ///
    /// # Panics
    /// When the system has no randomness.
    pub fn new(url: &str) -> Arc<Self> {
        Arc::new(Self {
            url: url.to_owned(),
            key: Ed25519KeyPair::generate().expect("randomness"),
            now: Arc::new(AtomicU64::new(1_800_000_000)),
            made: AtomicU64::new(0),
            revoked: Mutex::default(),
            is_down: Mutex::default(),
        })
    }

    /// Starts the configuration of a verifier that has this issuer's keys, feed and clock.
    pub fn verifier(self: &Arc<Self>, audience: &str) -> VerifierBuilder {
        Verifier::builder(self.url.clone())
            .audience(audience)
            .fetch(self.clone())
            .revocation_feed(FeedSettings::default())
            .clock(Clock::Manual(self.now.clone()))
    }

    /// A token for `audience` with these scopes, of the subject `alice` and the client `app`, which expires in ten minutes;
    /// after `change` to its claims.
    pub fn token(
        &self,
        audience: &str,
        scope: &str,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> String {
        let (now, id) = (self.now(), self.made.fetch_add(1, Ordering::SeqCst) + 1);
        let claims = json!({
            "iss": self.url, "sub": "alice", "aud": audience, "client_id": "app", "scope": scope,
            "iat": now, "exp": now + 600, "jti": format!("token-{id}"), "grant_id": format!("grant-{id}"),
        });
        let Value::Object(mut claims) = claims else {
            return String::new();
        };
        change(&mut claims);
        self.sign(ACCESS_TOKEN_TYPE, &claims.into())
    }

    /// The `jti` of the last token, unless its claims were changed.
    pub fn last_token_id(&self) -> String {
        format!("token-{}", self.made.load(Ordering::SeqCst))
    }

    /// Publishes a revocation. Verifiers see it once their interval is over: [`Self::pass`].
    pub fn revoke(&self, revocation: Revocation) {
        lock(&self.revoked).push((self.now(), revocation));
    }

    /// Whether nothing is answered any more.
    pub fn set_down(&self, is_down: bool) {
        *lock(&self.is_down) = is_down;
    }

    /// The time, in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    /// Lets so many seconds pass.
    pub fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    fn jwks(&self) -> Value {
        let key = URL_SAFE_NO_PAD.encode(self.key.public_key());
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "x": key, "use": "sig", "alg": "EdDSA", "kid": KEY_ID,
        });
        json!({ "keys": [jwk] })
    }

    /// Everything that was recorded before this second, from the cursor on.
    fn feed(&self, since: u64) -> String {
        let now = self.now();
        let recorded = lock(&self.revoked);
        let wanted = recorded.iter().filter(|(at, _)| (since..now).contains(at));
        let document = FeedDocument {
            iss: self.url.clone(),
            iat: now,
            exp: now + 60,
            from: since,
            until: now,
            more: false,
            entries: wanted.map(|(_, revocation)| *revocation).collect(),
        };
        self.sign(FEED_TYPE, &json!(document))
    }

    fn sign(&self, typ: &str, payload: &Value) -> String {
        let header = json!({ "alg": "EdDSA", "typ": typ, "kid": KEY_ID });
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", encode(&header), encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

#[async_trait]
impl Fetch for TestIssuer {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        if *lock(&self.is_down) {
            return Err(FetchError::Transport("the issuer is down".to_owned()));
        }
        let path = request.url.strip_prefix(&self.url).unwrap_or_default();
        let body = match path.split_once("?since=") {
            Some((paths::REVOCATIONS, since)) => self.feed(since.parse().unwrap_or_default()),
            None if path == paths::JWKS => self.jwks().to_string(),
            _ => return Err(FetchError::Status(404)),
        };
        let headers = CacheHeaders::default();
        Ok(Fetched::Document(body.into_bytes(), headers))
    }
}

impl fmt::Debug for TestIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestIssuer({})", self.url)
    }
}

/// A test that has panicked elsewhere has failed already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const KEY_ID: &str = "the key of the test";
