//! What only a forger does: credentials and tokens that the issuer would never make. A [`Forger`]
//! has even the issuer's own key, so that a token is wrong in exactly one respect.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokensmith_issuer::Judged;
use tokensmith_issuer::keys::{PublicJwk, Signer};
use tokensmith_issuer::store::records::SigningKey;
use tokensmith_verifier::Algorithm;

use crate::records::API;
use crate::{InProcess, TestClient};

/// Closes a credential with a right checksum, as anybody can.
pub fn with_checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut digits = [0; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    body.chars().chain(digits.map(char::from)).collect()
}

/// The bytes of a grant credential.
pub fn bytes_of(credential: &str) -> Vec<u8> {
    let encoded = &credential[6..credential.len() - 6];
    URL_SAFE_NO_PAD.decode(encoded).expect("base64url")
}

/// A grant credential of these bytes, with a right checksum.
pub fn credential_of(prefix: &str, bytes: &[u8]) -> String {
    with_checksum(&format!("{prefix}{}", base64url(bytes)))
}

/// A client of an issuer that also has one of the issuer's own signing keys.
pub struct Forger {
    /// The issuer.
    pub issuer: InProcess,
    /// The client.
    pub client: TestClient,
    /// The published half of the key.
    pub jwk: PublicJwk,
    signer: Arc<dyn Signer>,
}

impl Forger {
    /// A client of a new issuer, with its key of `algorithm`.
    pub async fn of_new_issuer(algorithm: Algorithm) -> Self {
        let issuer = InProcess::configured(|config| config.algorithms = vec![algorithm]).await;
        let client = issuer.confidential("app", |_| {}).await;
        Self::with_key_of(&issuer, &client, algorithm).await
    }

    /// Takes the issuer's first key of `algorithm`.
    pub async fn with_key_of(
        issuer: &InProcess,
        client: &TestClient,
        algorithm: Algorithm,
    ) -> Self {
        let stored = issuer.table().get(&SigningKey::key_of(algorithm, 1)).await;
        let key = stored.expect("a read").expect("a key").record;
        let custody = &issuer.direct.custody;
        let signer = custody.sign.signer(algorithm, &key.private_key).await;
        Self {
            issuer: issuer.clone(),
            client: client.clone(),
            jwk: key.jwk,
            signer: signer.expect("the key can be opened"),
        }
    }

    /// The header that the issuer gives its tokens.
    pub fn header(&self) -> Value {
        json!({ "alg": self.jwk.alg, "typ": "at+jwt", "kid": self.jwk.kid })
    }

    /// A token with a right signature over this header and payload, as bytes.
    pub async fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(payload));
        let signature = self.signer.sign(signed.as_bytes()).await;
        format!("{signed}.{}", base64url(signature.expect("a signature")))
    }

    /// A token with these claims that is right in every other respect.
    pub async fn token(&self, claims: &Value) -> String {
        let header = self.header().to_string();
        self.sign(header, claims.to_string()).await
    }

    /// The claims of a token that is live: of the client for itself.
    pub fn claims(&self) -> Value {
        let now = self.issuer.now().seconds();
        json!({
            "iss": self.issuer.config.issuer.as_str(),
            "sub": self.client.id,
            "aud": API,
            "exp": now + 900,
            "iat": now,
            "jti": tokensmith_issuer::credential::random_id(),
            "client_id": self.client.id,
            "scope": "a",
        })
    }

    /// Whether introspection calls a token active.
    pub async fn is_active(&self, token: &str) -> bool {
        self.issuer.is_active(&self.client, token).await
    }

    /// Asserts that `token` is no access token of the issuer.
    pub async fn assert_rejected(&self, token: &str, case: &str) {
        let judged = assert_inactive(&self.issuer, &self.client, token, case).await;
        assert!(
            matches!(judged, Judged::Unrecognized(_)),
            "{case}: {judged:?}"
        );
    }

    /// Asserts that `token` is good for nothing, whether the issuer has made it or not.
    pub async fn assert_invalid(&self, token: &str, case: &str) {
        let judged = assert_inactive(&self.issuer, &self.client, token, case).await;
        let is_live = matches!(judged, Judged::AccessToken { verdict: Ok(_), .. });
        assert!(!is_live, "{case}: {judged:?}");
    }
}

/// Asserts that introspection and revocation say and write nothing of `token`, and returns what the issuer
/// knows of it.
pub async fn assert_inactive(
    issuer: &InProcess,
    client: &TestClient,
    token: &str,
    case: &str,
) -> Judged {
    let before = issuer.items().await;
    let asked = issuer.introspect(client, token).await;
    let inactive = (200, r#"{"active":false}"#);
    assert_eq!((asked.status, asked.body.as_str()), inactive, "{case}");
    let revoked = issuer.revoke(client, token).await;
    assert_eq!(
        (revoked.status, revoked.body.as_str()),
        (200, "{}"),
        "{case}"
    );
    let judged = issuer.issuer.judge(token).await.expect("no 5xx");
    assert_eq!(issuer.items().await, before, "{case}");
    judged
}

/// Base64url without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
