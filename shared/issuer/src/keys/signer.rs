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
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokensmith_verifier::{Algorithm, PublicKey};
use zeroize::Zeroizing;

use crate::error::Unavailable;

/// Signs bytes with one private key. It knows nothing of tokens.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync {
    /// The public half.
    fn public_key(&self) -> PublicKey;

    /// The JWS signature of `message` (RFC 7518 §3): ECDSA as r‖s.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable>;

    /// The longest message that it signs, in bytes.
    fn longest_message(&self) -> usize {
        usize::MAX
    }
}

/// A private key in this process.
pub struct InProcessSigner {
    key: PrivateKey,
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
    /// [`Unavailable::Key`] when it is no key of that algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, Unavailable> {
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
        Ok(Self {
            key: key.map_err(|err| Unavailable::Key(format!("not a {algorithm} key: {err}")))?,
            random: SystemRandom::new(),
        })
    }
}

#[async_trait]
impl Signer for InProcessSigner {
    fn public_key(&self) -> PublicKey {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.key {
            PrivateKey::Rsa(pair, _) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                PublicKey::Rsa {
                    n: text(&public.n),
                    e: text(&public.e),
                }
            }
            PrivateKey::Ec(pair) => {
                // An uncompressed point (SEC 1 §2.3.3): 4, x, y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                PublicKey::Ec {
                    crv: "P-256".to_owned(),
                    x: text(x),
                    y: text(y),
                }
            }
            PrivateKey::Ed25519(pair) => PublicKey::Okp {
                crv: "Ed25519".to_owned(),
                x: text(pair.public_key().as_ref()),
            },
        }
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
            AsDer::<Pkcs8V1Der>::as_der(&pair)
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
