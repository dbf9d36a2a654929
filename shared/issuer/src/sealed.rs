//! What travels through a browser and comes back unchanged: signed by an HMAC key, for one purpose, one browser and a limited time.
//! Nothing of it is secret.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokensmith_verifier::Timestamp;

use crate::Issuer;
use crate::credential::HmacKey;
use crate::error::{Error, Unavailable};

/// What was sealed, as it comes back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unsealed<T> {
    /// What it holds.
    pub value: T,
    /// Whether its time is over.
    pub is_expired: bool,
}

impl Issuer {
    /// Seals `value` for `ttl`. Only with the same `purpose` and `binding` it is opened again; the binding is a secret of the browser.
    ///
    /// # Errors
    /// [`Unavailable`] when the HMAC key fails.
    pub async fn seal(
        &self,
        purpose: &str,
        binding: &str,
        value: &impl Serialize,
        ttl: Duration,
    ) -> Result<String, Unavailable> {
        let now = self.clock().now();
        let key = self.hmac_keys()?.newest(now).await?;
        Ok(seal(&key, purpose, binding, value, now.after(ttl)))
    }

    /// Opens what was sealed; `None` when it was not, or not for this purpose and browser.
    ///
    /// # Errors
    /// [`Unavailable`] when the HMAC key fails.
    pub async fn unseal<T: DeserializeOwned>(
        &self,
        purpose: &str,
        binding: &str,
        sealed: &str,
    ) -> Result<Option<Unsealed<T>>, Unavailable> {
        let now = self.clock().now();
        let Some(version) = version_of(sealed) else {
            return Ok(None);
        };
        let key = match self.hmac_keys()?.version(version, now).await {
            Ok(key) => key,
            Err(Error::Denied(_)) => return Ok(None),
            Err(Error::Unavailable(err)) => return Err(err),
        };
        Ok(unseal(&key, purpose, binding, sealed, now))
    }
}

fn seal(
    key: &HmacKey,
    purpose: &str,
    binding: &str,
    value: &impl Serialize,
    expires_at: Timestamp,
) -> String {
    let mut body = Vec::with_capacity(256);
    body.extend(key.version().to_be_bytes());
    body.extend(expires_at.seconds().to_be_bytes());
    // These are our own structs of strings and numbers, so serializing them cannot fail.
    body.extend(serde_json::to_vec(value).unwrap_or_default());
    let body = URL_SAFE_NO_PAD.encode(body);
    let tag = key.derive(purpose, &[binding, &body]);
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn unseal<T: DeserializeOwned>(
    key: &HmacKey,
    purpose: &str,
    binding: &str,
    sealed: &str,
    now: Timestamp,
) -> Option<Unsealed<T>> {
    let (body, tag) = sealed.split_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    let expected = key.derive(purpose, &[binding, body]);
    verify_slices_are_equal(&expected, &tag).ok()?;
    let body = URL_SAFE_NO_PAD.decode(body).ok()?;
    let (head, json) = body.split_first_chunk::<HEAD>()?;
    let (_, expires_at) = head.split_last_chunk::<8>()?;
    Some(Unsealed {
        value: serde_json::from_slice(json).ok()?,
        is_expired: now >= Timestamp::from_seconds(u64::from_be_bytes(*expires_at)),
    })
}

fn version_of(sealed: &str) -> Option<u32> {
    let (body, _) = sealed.split_once('.')?;
    let body = URL_SAFE_NO_PAD.decode(body).ok()?;
    body.first_chunk::<4>()
        .map(|version| u32::from_be_bytes(*version))
}

/// The version of the key, and when it expires.
const HEAD: usize = 4 + 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(purpose: &str, binding: &str, sealed: &str, now: u64) -> Option<Unsealed<String>> {
        let key = HmacKey::new(1, &[7; 32]);
        unseal(&key, purpose, binding, sealed, Timestamp::from_seconds(now))
    }

    #[test]
    fn rfc9700_4_7_1_a_form_is_bound_to_purpose_browser_and_time() {
        let key = HmacKey::new(1, &[7; 32]);
        let end = Timestamp::from_seconds(100);
        let sealed = seal(&key, "login", "browser", &"value", end);
        let good = opened("login", "browser", &sealed, 99).expect("it is the same");
        assert_eq!((good.value.as_str(), good.is_expired), ("value", false));
        assert!(
            opened("login", "browser", &sealed, 100)
                .expect("late")
                .is_expired
        );
        assert_eq!(opened("consent", "browser", &sealed, 99), None);
        assert_eq!(opened("login", "another", &sealed, 99), None);
        assert_eq!(opened("loginb", "rowser", &sealed, 99), None);
        for index in 0..sealed.len() {
            let mut other = sealed.clone().into_bytes();
            other[index] ^= 1;
            let other = String::from_utf8_lossy(&other);
            let read = opened("login", "browser", &other, 99);
            // The last character of a tag has bits that say nothing.
            assert!(read.is_none() || index == sealed.len() - 1, "{index}");
        }
        let other = HmacKey::new(1, &[8; 32]);
        let now = Timestamp::from_seconds(99);
        let read: Option<Unsealed<String>> = unseal(&other, "login", "browser", &sealed, now);
        assert_eq!(read, None);
    }
}
