//! Keys that are a client's own, and what it signs with them.

use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use tokensmith_issuer::credential::random_id;
use tokensmith_verifier::jose::SignatureAlgorithm;

use crate::forge::base64url;
use crate::{HttpRequest, InProcess, TestClient};

/// A key pair that signs JWTs, with the name that its public part has.
#[derive(Clone)]
pub struct OwnKey {
    /// Its `kid`.
    pub id: String,
    /// Its `alg`.
    pub algorithm: SignatureAlgorithm,
    pair: Arc<Pair>,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl OwnKey {
    /// A new key for this algorithm.
    pub fn new(algorithm: SignatureAlgorithm) -> Self {
        let ecdsa = |curve| Pair::Ecdsa(EcdsaKeyPair::generate(curve).expect("a key"));
        let pair = match algorithm {
            SignatureAlgorithm::RS256 | SignatureAlgorithm::PS256 => {
                Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))
            }
            SignatureAlgorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            SignatureAlgorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            SignatureAlgorithm::EdDSA => Pair::Ed25519(Ed25519KeyPair::generate().expect("a key")),
        };
        Self {
            id: random_id(),
            algorithm,
            pair: Arc::new(pair),
        }
    }

    /// Its public part (RFC 7517).
    pub fn jwk(&self) -> Value {
        let mut jwk = match &*self.pair {
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                let n = key.modulus().big_endian_without_leading_zero();
                let e = key.exponent().big_endian_without_leading_zero();
                json!({ "kty": "RSA", "n": base64url(n), "e": base64url(e) })
            }
            Pair::Ecdsa(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match self.algorithm {
                    SignatureAlgorithm::ES384 => "P-384",
                    _ => "P-256",
                };
                json!({ "kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key()) })
            }
        };
        jwk["kid"] = json!(self.id);
        jwk["alg"] = json!(self.algorithm);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A JWK Set of it alone.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// The header that its JWTs have.
    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm, "kid": self.id, "typ": "JWT" })
    }

    /// A JWS in compact form (RFC 7515 §7.1), signed as the key signs, whatever its header says.
    pub fn sign(&self, header: &Value, payload: &Value) -> String {
        let part = |json: &Value| base64url(json.to_string());
        let message = format!("{}.{}", part(header), part(payload));
        let signature = self.signature(message.as_bytes());
        format!("{message}.{}", base64url(signature))
    }

    /// A JWT with its own header.
    pub fn jwt(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }

    /// A new good assertion by `client` for an issuer in this process.
    pub fn assertion(&self, client: &TestClient, issuer: &InProcess) -> String {
        let (now, audience) = (issuer.now().seconds(), issuer.config.issuer.as_str());
        self.jwt(&assertion_claims_at(now, client, audience))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.pair {
            Pair::Rsa(pair) => {
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = match self.algorithm {
                    SignatureAlgorithm::PS256 => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(padding, &random, message, &mut signature);
                signed.expect("a signature");
                signature
            }
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).expect("a signature");
                signature.as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// The claims of a good assertion (RFC 7523 §3) by `client` for `audience`, as libraries make them.
pub fn assertion_claims(client: &TestClient, audience: &str) -> Value {
    assertion_claims_at(now(), client, audience)
}

/// The same, made at this second.
pub fn assertion_claims_at(now: u64, client: &TestClient, audience: &str) -> Value {
    json!({
        "iss": client.id, "sub": client.id, "aud": audience,
        "iat": now, "nbf": now, "exp": now + 300, "jti": random_id(),
    })
}

/// The time of the machine, in seconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed();
    since.expect("a clock after 1970").as_secs()
}

impl HttpRequest {
    /// A POST of a form with a client assertion.
    pub fn asserted(target: &str, form: crate::Form<'_>, assertion: &str) -> Self {
        let proof = [
            ("client_assertion_type", CLIENT_ASSERTION),
            ("client_assertion", assertion),
        ];
        Self::form(target, &[form, &proof].concat())
    }
}

/// RFC 7523 §2.2.
pub const CLIENT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
