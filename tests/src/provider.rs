//! An OpenID provider in this process, at which people sign in by a word. Nothing of it takes time, so that a test decides about
//! time and faults.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokensmith_issuer::credential::random_id;
use tokensmith_issuer::fetched::{Asked, Post, Source};
use tokensmith_issuer::store::StoreError;
use tokensmith_issuer::store::records::FetchedCopy;
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::{Clock, FetchError, PostRequest, Posted};
use url::{Url, form_urlencoded};

use crate::assertion::OwnKey;
use crate::parameter;

/// The provider.
pub struct TestProvider {
    key: OwnKey,
    clock: Clock,
    /// Who has signed in, by the code that says so, with the nonce that they were sent with.
    codes: Mutex<HashMap<String, (String, String)>>,
}

impl TestProvider {
    /// Its `iss`.
    pub const ISSUER: &'static str = "https://provider.example";
    /// What its only client is called.
    pub const CLIENT_ID: &'static str = "tokensmith";
    /// What its only client proves itself with.
    pub const SECRET: &'static str = "a secret of the tests, which is long enough";

    /// A provider with a new key.
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            key: OwnKey::new(SignatureAlgorithm::ES256),
            clock,
            codes: Mutex::default(),
        })
    }

    /// Signs `account` in who was sent to `asked`, and returns where the browser is sent back to.
    pub fn sign_in(&self, asked: &str, account: &str) -> Url {
        let asked = Url::parse(asked).expect("a URL");
        let value = |name| parameter(&asked, name).expect("a parameter");
        assert!(asked.as_str().starts_with(Self::ISSUER), "{asked}");
        let code = random_id();
        let known = (account.to_owned(), value("nonce"));
        self.codes().insert(code.clone(), known);
        let mut back = Url::parse(&value("redirect_uri")).expect("a URL");
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &value("state"));
        back
    }

    fn codes(&self) -> MutexGuard<'_, HashMap<String, (String, String)>> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id_token(&self, (account, nonce): (String, String)) -> String {
        let now = self.clock.now().seconds();
        self.key.jwt(&json!({
            "iss": Self::ISSUER, "aud": Self::CLIENT_ID, "sub": account, "nonce": nonce, "iat": now, "exp": now + 60,
            "email": format!("{account}@provider.example"),
        }))
    }
}

/// What it publishes.
#[async_trait]
impl Source for TestProvider {
    async fn newest(&self, asked: Asked<'_>) -> Result<Option<FetchedCopy>, StoreError> {
        let at = |path| format!("{}{path}", Self::ISSUER);
        let document: Value = match asked.url.as_str() == at("/keys") {
            true => self.key.jwks(),
            false => json!({
                "issuer": Self::ISSUER, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
                "jwks_uri": at("/keys"),
            }),
        };
        Ok(Some(FetchedCopy {
            body: document.to_string(),
            etag: None,
            fetched_at: asked.now,
            stale_after: asked.now.after(Duration::from_secs(3600)),
        }))
    }
}

/// Its token endpoint, which takes a code once (OAuth 2.1 §4.1.3), from its client alone.
#[async_trait]
impl Post for TestProvider {
    async fn post(&self, request: PostRequest<'_>) -> Result<Posted, FetchError> {
        let proof = form_urlencoded::byte_serialize(Self::SECRET.as_bytes()).collect::<String>();
        let proof = STANDARD.encode(format!("{}:{proof}", Self::CLIENT_ID));
        let is_client = request.authorization == Some(&format!("Basic {proof}"));
        let mut form = form_urlencoded::parse(request.form.as_bytes());
        let code = form.find(|(name, _)| name == "code");
        let (_, code) = code.expect("a code");
        let known = is_client.then(|| self.codes().remove(&*code)).flatten();
        let (status, body) = match known {
            Some(known) => (200, json!({ "id_token": self.id_token(known) })),
            None => (400, json!({ "error": "invalid_grant" })),
        };
        let body = body.to_string().into_bytes();
        Ok(Posted { status, body })
    }
}

impl std::fmt::Debug for TestProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestProvider")
    }
}
