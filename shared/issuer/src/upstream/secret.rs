//! What this service proves itself with at an upstream, which nobody reads who reads the table.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::Issuer;
use crate::credential::HmacKey;
use crate::error::{Error, Unavailable};
use crate::federation::ForeignIssuer;
use crate::names::UpstreamName;
use crate::store::records::{SealedSecret, Upstream};

/// Encrypts a secret. It belongs to one upstream, issuer and client there: put into another record, it is not opened.
///
/// # Errors
/// [`Unavailable::Key`] when encryption fails.
pub(crate) fn seal_secret(
    key: &HmacKey,
    (name, issuer, client_id): (&UpstreamName, &ForeignIssuer, &str),
    secret: &SecretString,
) -> Result<SealedSecret, Unavailable> {
    let mut text = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
    let aad = Aad::from(context(name, issuer, client_id));
    let nonce = sealing_key(key, name)?
        .seal_in_place_append_tag(aad, &mut *text)
        .map_err(|_| failed())?;
    let sealed = [nonce.as_ref().as_slice(), text.as_slice()].concat();
    Ok(SealedSecret {
        key_version: key.version(),
        sealed: URL_SAFE_NO_PAD.encode(sealed),
    })
}

fn open_secret(
    key: &HmacKey,
    upstream: &Upstream,
    secret: &SealedSecret,
) -> Result<SecretString, Unavailable> {
    let bytes = URL_SAFE_NO_PAD.decode(&secret.sealed);
    let bytes = bytes.map_err(|_| failed())?;
    let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(failed)?;
    let mut text = Zeroizing::new(text.to_vec());
    let aad = Aad::from(context(
        &upstream.name,
        &upstream.issuer,
        &upstream.client_id,
    ));
    let opened = sealing_key(key, &upstream.name)?
        .open_in_place(Nonce::from(nonce), aad, &mut text)
        .map_err(|_| failed())?;
    let opened = std::str::from_utf8(opened).map_err(|_| failed())?;
    Ok(opened.to_owned().into())
}

impl Issuer {
    /// The secret of this service at `upstream`, if it has one.
    pub(super) async fn secret_at(
        &self,
        upstream: &Upstream,
    ) -> Result<Option<SecretString>, Unavailable> {
        let Some(secret) = &upstream.secret else {
            return Ok(None);
        };
        let now = self.clock.now();
        match self.hmac_keys()?.version(secret.key_version, now).await {
            Ok(key) => open_secret(&key, upstream, secret).map(Some),
            Err(Error::Denied(_)) => Err(Unavailable::Key(format!(
                "the secret of upstream {} was encrypted under version {} of the HMAC key, which is gone: delete the upstream, \
                 and create it again",
                upstream.name, secret.key_version
            ))),
            Err(Error::Unavailable(err)) => Err(err),
        }
    }
}

fn sealing_key(key: &HmacKey, name: &UpstreamName) -> Result<RandomizedNonceKey, Unavailable> {
    let derived = Zeroizing::new(key.derive("upstream secret", &[name.as_str()]));
    RandomizedNonceKey::new(&AES_256_GCM, &*derived).map_err(|_| failed())
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
    use tokensmith_verifier::Timestamp;

    use super::*;
    use crate::names::Scopes;

    fn upstream(name: &str, issuer: &str, client_id: &str) -> Upstream {
        Upstream {
            name: name.parse().expect("a name"),
            shown_as: None,
            issuer: issuer.parse().expect("an issuer"),
            client_id: client_id.to_owned(),
            secret: None,
            scopes: Scopes::default(),
            creates_users: false,
            created_at: Timestamp::from_seconds(0),
        }
    }

    #[test]
    fn a_secret_is_opened_for_its_own_upstream_alone() {
        let key = HmacKey::new(1, &[7; 32]);
        let own = upstream("one", "https://one.example", "us");
        let secret = SecretString::from("hush hush".to_owned());
        let context = (&own.name, &own.issuer, own.client_id.as_str());
        let sealed = seal_secret(&key, context, &secret).expect("it is sealed");
        assert!(!format!("{sealed:?}").contains(&sealed.sealed));
        let opened = open_secret(&key, &own, &sealed).expect("it is opened");
        assert_eq!(opened.expose_secret(), "hush hush");
        for other in [
            upstream("two", "https://one.example", "us"),
            upstream("one", "https://two.example", "us"),
            upstream("one", "https://one.example", "them"),
        ] {
            assert!(open_secret(&key, &other, &sealed).is_err(), "{other:?}");
        }
        let stranger = HmacKey::new(1, &[8; 32]);
        assert!(open_secret(&stranger, &own, &sealed).is_err());
    }
}
