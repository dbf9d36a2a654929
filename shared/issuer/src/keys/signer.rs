use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use jsonwebtoken::DecodingKey;
use tokensmith_verifier::Algorithm;
use zeroize::Zeroizing;

use super::PublicJwk;
use crate::error::Unavailable;

/// Signs bytes with one private key. It knows nothing of tokens.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync {
    /// The public half, as it is published.
    fn public_key(&self) -> &PublicJwk;

    /// The JWS signature of `message` (RFC 7518 §3): ECDSA as r‖s.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable>;

    /// The longest message that it signs, in bytes.
    fn longest_message(&self) -> usize {
        usize::MAX
    }
}

/// A private key in this process, parsed once. jsonwebtoken's own signers cannot be shared between
/// threads, and parse the key for each signature.
pub struct InProcessSigner {
    key: PrivateKey,
    public_key: PublicJwk,
    random: SystemRandom,
}

enum PrivateKey {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl InProcessSigner {
    /// Opens a PKCS#8 private key of `algorithm`.
    ///
    /// # Errors
    /// [`Unavailable::Key`] when it is not a key of that algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, Unavailable> {
        let unusable =
            |err: &dyn fmt::Display| Unavailable::Key(format!("not a {algorithm} key: {err}"));
        let key = match algorithm {
            Algorithm::RS256 => {
                RsaKeyPair::from_pkcs8(pkcs8).map(|pair| PrivateKey::Rsa(pair, &RSA_PKCS1_SHA256))
            }
            Algorithm::PS256 => {
                RsaKeyPair::from_pkcs8(pkcs8).map(|pair| PrivateKey::Rsa(pair, &RSA_PSS_SHA256))
            }
            Algorithm::ES256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                .map(PrivateKey::Ec),
            Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8(pkcs8).map(PrivateKey::Ed25519),
        };
        let key = key.map_err(|err| unusable(&err))?;
        let public_key = PublicJwk::new(&key.public_half(), algorithm);
        Ok(Self {
            public_key: public_key.map_err(|err| unusable(&err))?,
            key,
            random: SystemRandom::new(),
        })
    }
}

impl PrivateKey {
    fn public_half(&self) -> DecodingKey {
        match self {
            Self::Rsa(pair, _) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                DecodingKey::from_rsa_raw_components(&public.n, &public.e)
            }
            Self::Ec(pair) => DecodingKey::from_ec_der(pair.public_key().as_ref()),
            Self::Ed25519(pair) => DecodingKey::from_ed_der(pair.public_key().as_ref()),
        }
    }
}

#[async_trait]
impl Signer for InProcessSigner {
    fn public_key(&self) -> &PublicJwk {
        &self.public_key
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let refused = |_| Unavailable::Key("the signature failed".to_owned());
        match &self.key {
            PrivateKey::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &self.random, message, &mut signature)
                    .map_err(refused)?;
                Ok(signature)
            }
            PrivateKey::Ec(pair) => {
                let signature = pair.sign(&self.random, message).map_err(refused)?;
                Ok(signature.as_ref().to_vec())
            }
            PrivateKey::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for InProcessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcessSigner([REDACTED])")
    }
}

/// A new private key of `algorithm`, PKCS#8.
///
/// # Errors
/// [`Unavailable::Key`] when it cannot be generated.
pub fn generate_private_key(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, Unavailable> {
    let refused = |_| Unavailable::Key(format!("no {algorithm} key could be generated"));
    let pkcs8 = match algorithm {
        Algorithm::RS256 | Algorithm::PS256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(refused)?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)
                .map_err(refused)?
                .as_ref()
                .to_vec()
        }
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(refused)?;
            pair.to_pkcs8v1().map_err(refused)?.as_ref().to_vec()
        }
        Algorithm::EdDSA => {
            let pair = Ed25519KeyPair::generate().map_err(refused)?;
            pair.to_pkcs8v1().map_err(refused)?.as_ref().to_vec()
        }
    };
    Ok(Zeroizing::new(pkcs8))
}
