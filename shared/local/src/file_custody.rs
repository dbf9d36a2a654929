//! Custody `local`: keys are wrapped with a key in a file that only its owner may read.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokensmith_issuer::credential::{random_bytes, random_id};
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::keys::{
    Custody, CustodyError, EncryptionContext, InProcessSigner, Make, Open, PrivateKey, PublicJwk,
    Sign, Signer, Wrapped, generate_private_key,
};
use tokensmith_verifier::Algorithm;
use zeroize::Zeroizing;

use crate::private::private_file;

/// AES-256-GCM under a key from a file, bound to the encryption context. Cheap to clone.
#[derive(Clone)]
pub struct FileCustody {
    key: Arc<RandomizedNonceKey>,
}

impl FileCustody {
    /// Reads the key at `path`, or creates one there.
    ///
    /// The file appears complete or not at all: of two processes that start at the same time, one
    /// creates the key and both use it.
    ///
    /// # Errors
    /// The error of the file system; `InvalidData` when the file is not a key.
    pub fn open_or_create(path: &Path) -> io::Result<Self> {
        match Self::open(path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let draft = path.with_extension(random_id());
        let written = private_file()
            .write(true)
            .create_new(true)
            .open(&draft)
            .and_then(|mut file| {
                file.write_all(&*Zeroizing::new(random_bytes::<32>()))?;
                file.sync_all()
            })
            .and_then(|()| fs::hard_link(&draft, path));
        fs::remove_file(&draft)?;
        match written {
            Err(err) if err.kind() != io::ErrorKind::AlreadyExists => Err(err),
            _ => Self::open(path),
        }
    }

    /// Reads the key at `path`.
    ///
    /// # Errors
    /// The error of the file system; `InvalidData` when the file is not a key.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(AES_256_GCM.key_len() + 1));
        let file = private_file().read(true).open(path)?;
        // A longer file is no key, and one byte more shows that.
        let most = AES_256_GCM.key_len() as u64 + 1;
        file.take(most).read_to_end(&mut bytes)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a wrapping key"))?;
        Ok(Self { key: Arc::new(key) })
    }

    fn wrap(&self, context: EncryptionContext, plaintext: &[u8]) -> Result<Wrapped, CustodyError> {
        let mut sealed = plaintext.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(bound_to(&context)?, &mut sealed)
            .map_err(|_| CustodyError("the key could not be wrapped".to_owned()))?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok(Wrapped {
            context,
            ciphertext: URL_SAFE_NO_PAD.encode(sealed),
        })
    }
}

#[async_trait]
impl Make for FileCustody {
    async fn new_key_pair(
        &self,
        algorithm: Algorithm,
        context: EncryptionContext,
    ) -> Result<(PublicJwk, PrivateKey), CustodyError> {
        let pkcs8 = generate_private_key(algorithm).map_err(unusable)?;
        let signer = InProcessSigner::from_pkcs8(algorithm, &pkcs8).map_err(unusable)?;
        let wrapped = self.wrap(context, &pkcs8)?;
        Ok((signer.public_key().clone(), PrivateKey::Wrapped(wrapped)))
    }

    async fn new_secret(&self, context: EncryptionContext) -> Result<Wrapped, CustodyError> {
        self.wrap(context, &*Zeroizing::new(random_bytes::<32>()))
    }

    /// Does nothing: a wrapped key is deleted with its record.
    async fn discard(&self, _: &PrivateKey) -> Result<(), CustodyError> {
        Ok(())
    }
}

#[async_trait]
impl Open for FileCustody {
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, CustodyError> {
        let touched = || CustodyError("the wrapped key is not from this wrapping key".to_owned());
        let sealed = URL_SAFE_NO_PAD.decode(&wrapped.ciphertext);
        let mut sealed = Zeroizing::new(sealed.map_err(|_| touched())?);
        let at = sealed.len().checked_sub(NONCE_LEN).ok_or_else(touched)?;
        let nonce = sealed.split_off(at);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| touched())?;
        let plaintext = self
            .key
            .open_in_place(nonce, bound_to(&wrapped.context)?, &mut sealed)
            .map_err(|_| touched())?;
        Ok(Zeroizing::new(plaintext.to_vec()))
    }
}

#[async_trait]
impl Sign for FileCustody {
    async fn signer(
        &self,
        algorithm: Algorithm,
        private_key: &PrivateKey,
    ) -> Result<Arc<dyn Signer>, CustodyError> {
        let PrivateKey::Wrapped(wrapped) = private_key else {
            return Err(CustodyError("this key is in KMS".to_owned()));
        };
        let pkcs8 = self.unwrap(wrapped).await?;
        let signer = InProcessSigner::from_pkcs8(algorithm, &pkcs8).map_err(unusable)?;
        Ok(Arc::new(signer))
    }
}

impl Custody for FileCustody {
    fn open(&self) -> Arc<dyn Open> {
        Arc::new(self.clone())
    }

    fn sign(&self) -> Arc<dyn Sign> {
        Arc::new(self.clone())
    }
}

impl fmt::Debug for FileCustody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileCustody([REDACTED])")
    }
}

fn unusable(err: Unavailable) -> CustodyError {
    CustodyError(err.to_string())
}

fn bound_to(context: &EncryptionContext) -> Result<Aad<Vec<u8>>, CustodyError> {
    serde_json::to_vec(context)
        .map(Aad::from)
        .map_err(|err| CustodyError(err.to_string()))
}
