//! What only a forger does: credentials and tokens that the issuer would never make. A [`Forger`]
//! has even the issuer's own key, so that a token is wrong in exactly one respect.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokensmith_issuer::keys::{PublicJwk, Signer};
use tokensmith_issuer::store::records::SigningKey;
use tokensmith_verifier::Algorithm;

use crate::in_process::{InProcess, TestClient};

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
///
/// # Panics
/// When it has none.
pub fn bytes_of(credential: &str) -> Vec<u8> {
    let encoded = &credential[6..credential.len() - 6];
    URL_SAFE_NO_PAD.decode(encoded).expect("base64url")
}

/// A grant credential of these bytes, with a right checksum.
pub fn credential_of(prefix: &str, bytes: &[u8]) -> String {
    with_checksum(&format!("{prefix}{}", base64url(bytes)))
}

/// Somebody who has one of the issuer's own signing keys.
pub struct Forger {
    signer: Arc<dyn Signer>,
    /// The published half.
    pub jwk: PublicJwk,
}

impl Forger {
    /// Takes the issuer's first key of `algorithm`.
    ///
    /// # Panics
    /// When there is none.
    pub async fn with_key_of(issuer: &InProcess, algorithm: Algorithm) -> Self {
        let stored = issuer.table().get(&SigningKey::key_of(algorithm, 1)).await;
        let key = stored.expect("a read").expect("a key").record;
        let custody = &issuer.direct.custody;
        let signer = custody.sign.signer(algorithm, &key.private_key).await;
        Self {
            signer: signer.expect("the key can be opened"),
            jwk: key.jwk,
        }
    }

    /// The header that the issuer gives its tokens.
    pub fn header(&self) -> Value {
        json!({ "alg": self.jwk.alg, "typ": "at+jwt", "kid": self.jwk.kid })
    }

    /// A token with a right signature over this header and payload, as bytes.
    ///
    /// # Panics
    /// When the key cannot sign.
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
}

/// The claims of a token that is live: of `client` for itself.
pub fn live_claims(issuer: &InProcess, client: &TestClient) -> Value {
    let now = issuer.now().seconds();
    json!({
        "iss": issuer.config.issuer.as_str(),
        "sub": client.id.as_str(),
        "aud": crate::in_process::API,
        "exp": now + 900,
        "iat": now,
        "jti": tokensmith_issuer::credential::random_id(),
        "client_id": client.id.as_str(),
        "scope": "a",
    })
}

/// Base64url without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
