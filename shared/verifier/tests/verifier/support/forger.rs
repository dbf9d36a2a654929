use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::PublicKeyUse;
use serde_json::{Value, json};
use tokensmith_verifier::{ACCESS_TOKEN_TYPE, Algorithm, Jwk, KeyId};

/// Whoever has a private key: an issuer, or a forger.
pub struct Forger {
    pub jwk: Jwk,
    pub kid: KeyId,
    pub algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Forger {
    pub fn generate(algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::RS256 | Algorithm::PS256 => {
                Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))
            }
            Algorithm::ES256 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
            }
            Algorithm::EdDSA => Pair::Ed25519(Ed25519KeyPair::generate().expect("a key")),
        };
        Self::of(algorithm, pair)
    }

    /// Whoever has this private key: PKCS#8, or the seed of EdDSA.
    pub fn fixed(algorithm: Algorithm, private: &[u8]) -> Self {
        let pair = match algorithm {
            Algorithm::RS256 | Algorithm::PS256 => {
                Pair::Rsa(RsaKeyPair::from_pkcs8(private).expect("a key"))
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private);
                Pair::Ec(pair.expect("a key"))
            }
            Algorithm::EdDSA => {
                Pair::Ed25519(Ed25519KeyPair::from_seed_unchecked(private).expect("a key"))
            }
        };
        Self::of(algorithm, pair)
    }

    fn of(algorithm: Algorithm, pair: Pair) -> Self {
        let public_half = public_half(&pair);
        let jwk = Jwk::from_decoding_key(&public_half, Some(algorithm.into()));
        let mut jwk = jwk.expect("a JWK");
        let kid = KeyId::thumbprint_of(&jwk).expect("a thumbprint");
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_id = Some(kid.to_string());
        Self {
            jwk,
            kid,
            algorithm,
            pair,
        }
    }

    /// The header of this key's tokens.
    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm, "typ": ACCESS_TOKEN_TYPE, "kid": self.kid })
    }

    /// A token with these claims that is valid in every other respect.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }

    /// A valid signature over this header and payload.
    pub fn sign(&self, header: &Value, payload: &Value) -> String {
        self.sign_bytes(
            header.to_string().as_bytes(),
            payload.to_string().as_bytes(),
        )
    }

    pub fn sign_bytes(&self, header: &[u8], payload: &[u8]) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(payload));
        let signature = self.signature(signed.as_bytes());
        format!("{signed}.{}", base64url(&signature))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let encoding: &dyn aws_lc_rs::signature::RsaEncoding = match self.algorithm {
                    Algorithm::PS256 => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                pair.sign(encoding, &random, message, &mut signature)
                    .expect("a signature");
                signature
            }
            Pair::Ec(pair) => pair
                .sign(&random, message)
                .expect("a signature")
                .as_ref()
                .to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The public key in the forms that a confused verifier might take for an HMAC secret.
    pub fn public_bytes(&self) -> Vec<Vec<u8>> {
        let raw = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        };
        let der = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
            Pair::Ec(pair) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
        };
        let jwk = serde_json::to_vec(&self.jwk).expect("JSON");
        vec![raw, der, jwk]
    }
}

fn public_half(pair: &Pair) -> DecodingKey {
    match pair {
        Pair::Rsa(pair) => {
            let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
            DecodingKey::from_rsa_raw_components(&public.n, &public.e)
        }
        Pair::Ec(pair) => DecodingKey::from_ec_der(pair.public_key().as_ref()),
        Pair::Ed25519(pair) => DecodingKey::from_ed_der(pair.public_key().as_ref()),
    }
}

pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
