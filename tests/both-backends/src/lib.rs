//! Where both back ends of jsonwebtoken are turned on, the crate itself can choose none: whoever asks for the
//! provider of the process before one is installed panics. The verifier never asks.

#![cfg(test)]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::{CryptoProvider, rust_crypto};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use tokensmith_verifier::{Jwk, KeyId, VerificationKeys};

const AUDIENCE: &str = "https://api.example";

/// A published key, and a token that it signed.
fn key_and_token() -> (Value, String) {
    let pair = Ed25519KeyPair::generate().expect("a key");
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA", "kid": "key-1",
    });
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "key-1" });
    let claims = json!({
        "iss": "https://issuer.example", "sub": "alice", "aud": AUDIENCE,
        "exp": 9_999_999_999_u64, "iat": 1_800_000_000, "jti": "1", "client_id": "app",
    });
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
    (jwk, format!("{signed}.{signature}"))
}

#[test]
fn the_verifier_needs_no_provider_of_the_process_and_leaves_it_to_the_embedder() {
    let provider = CryptoProvider::try_get_default();
    assert!(provider.is_none(), "both back ends are turned on");

    let (jwk, token) = key_and_token();
    let document = json!({ "keys": [jwk] }).to_string();
    let keys = VerificationKeys::usable_in(document.as_bytes()).expect("a key");
    let verified = || keys.signed_claims(&token).expect("a good token").claims.sub;
    assert_eq!(verified(), "alice");
    let jwk: Jwk = serde_json::from_value(jwk).expect("a JWK");
    assert!(KeyId::thumbprint_of(&jwk).is_some());
    let provider = CryptoProvider::try_get_default();
    assert!(provider.is_none(), "the verifier has installed one");

    let installed = rust_crypto::DEFAULT_PROVIDER.install_default();
    assert!(installed.is_ok(), "the verifier has installed one");
    assert_eq!(verified(), "alice");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    let key = DecodingKey::from_jwk(&jwk).expect("a key");
    let decoded = decode::<Value>(&token, &key, &validation).expect("a good token");
    assert_eq!(decoded.claims["sub"], "alice");
}
