//! What this service proves itself with at an upstream, which nobody reads who reads the table.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::error::Unavailable;
use crate::federation::ForeignIssuer;
use crate::keys::{Open, Wrapped};
use crate::names::UpstreamName;
use crate::store::records::{SealedSecret, Upstream};

/// Encrypts a secret with `key`, which is for nothing else and is `wrapped`. It belongs to one upstream, issuer and client there: put
/// into another record, it is not opened.
///
/// # Errors
/// [`Unavailable::Key`] when encryption fails.
pub(crate) fn seal_secret(
    key: &[u8],
    wrapped: Wrapped,
    (name, issuer, client_id): (&UpstreamName, &ForeignIssuer, &str),
    secret: &SecretString,
) -> Result<SealedSecret, Unavailable> {
    let mut text = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
    let aad = Aad::from(context(name, issuer, client_id));
    let nonce = sealing_key(key)?
        .seal_in_place_append_tag(aad, &mut *text)
        .map_err(|_| failed())?;
    let sealed = [nonce.as_ref().as_slice(), text.as_slice()].concat();
    Ok(SealedSecret {
        key: wrapped,
        sealed: URL_SAFE_NO_PAD.encode(sealed),
    })
}

fn open_secret(
    key: &[u8],
    secret: &SealedSecret,
    context: &[u8],
) -> Result<SecretString, Unavailable> {
    let bytes = URL_SAFE_NO_PAD.decode(&secret.sealed);
    let bytes = bytes.map_err(|_| failed())?;
    let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(failed)?;
    let mut text = Zeroizing::new(text.to_vec());
    let opened = sealing_key(key)?
        .open_in_place(Nonce::from(nonce), Aad::from(context), &mut text)
        .map_err(|_| failed())?;
    let opened = std::str::from_utf8(opened).map_err(|_| failed())?;
    Ok(opened.to_owned().into())
}

/// What opens secrets, and keeps each that it has opened.
#[derive(Debug)]
pub(super) struct UpstreamSecrets {
    pub(super) opener: Option<Arc<dyn Open>>,
    /// Locked by the request that opens one.
    opened: Mutex<BTreeMap<UpstreamName, Opened>>,
}

/// A secret with all that it was opened for.
#[derive(Debug)]
struct Opened {
    context: Vec<u8>,
    sealed: String,
    secret: SecretString,
}

impl UpstreamSecrets {
    pub(super) fn new(opener: Option<Arc<dyn Open>>) -> Self {
        Self {
            opener,
            opened: Mutex::default(),
        }
    }

    /// The secret of this service at `upstream`, if it has one.
    pub(super) async fn secret_at(
        &self,
        upstream: &Upstream,
    ) -> Result<Option<SecretString>, Unavailable> {
        let Some(secret) = &upstream.secret else {
            return Ok(None);
        };
        let context = context(&upstream.name, &upstream.issuer, &upstream.client_id);
        let mut opened = self.opened.lock().await;
        if let Some(known) = opened.get(&upstream.name)
            && (&known.context, &known.sealed) == (&context, &secret.sealed)
        {
            return Ok(Some(known.secret.clone()));
        }
        let none = || Unavailable::Key("this process opens no secret of an upstream".to_owned());
        let opener = self.opener.as_ref().ok_or_else(none)?;
        let key = opener.unwrap(&secret.key).await?;
        let found = Opened {
            secret: open_secret(&key, secret, &context)?,
            sealed: secret.sealed.clone(),
            context,
        };
        let text = found.secret.clone();
        opened.insert(upstream.name.clone(), found);
        Ok(Some(text))
    }
}

fn sealing_key(key: &[u8]) -> Result<RandomizedNonceKey, Unavailable> {
    RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| failed())
}

fn context(name: &UpstreamName, issuer: &ForeignIssuer, client_id: &str) -> Vec<u8> {
    let mut context = Vec::new();
    for part in [name.as_str(), issuer.as_str(), client_id] {
        context.extend((part.len() as u64).to_be_bytes());
        context.extend(part.as_bytes());
    }
    context
}

fn failed() -> Unavailable {
    Unavailable::Key("the secret of an upstream cannot be encrypted or decrypted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{EncryptionContext, KeyUse};

    #[test]
    fn a_secret_is_opened_for_its_own_upstream_alone() {
        let issuer: ForeignIssuer = "https://one.example".parse().expect("an issuer");
        let name: UpstreamName = "one".parse().expect("a name");
        let ours = "https://issuer.example".parse().expect("an issuer");
        let wrapped = Wrapped {
            context: EncryptionContext::new(&ours, KeyUse::Upstream),
            ciphertext: String::new(),
        };
        let key = [7; 32];
        let secret = SecretString::from("hush hush".to_owned());
        let sealed = seal_secret(&key, wrapped, (&name, &issuer, "us"), &secret);
        let sealed = sealed.expect("it is sealed");
        assert!(!format!("{sealed:?}").contains(&sealed.sealed));
        let own = context(&name, &issuer, "us");
        let opened = open_secret(&key, &sealed, &own).expect("it is opened");
        assert_eq!(opened.expose_secret(), "hush hush");
        for (name, issuer, client_id) in [
            ("two", "https://one.example", "us"),
            ("one", "https://two.example", "us"),
            ("one", "https://one.example", "them"),
        ] {
            let (name, issuer) = (name.parse(), issuer.parse());
            let other = context(
                &name.expect("a name"),
                &issuer.expect("an issuer"),
                client_id,
            );
            assert!(open_secret(&key, &sealed, &other).is_err());
        }
        assert!(open_secret(&[8; 32], &sealed, &own).is_err());
    }
}
