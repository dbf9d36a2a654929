//! Nonces (RFC 9449 §8): they say when a proof was made, by the issuer's own clock. Nothing is stored: a nonce is a time and
//! what only this issuer can compute from it.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokensmith_verifier::Timestamp;

use crate::Issuer;
use crate::credential::HmacKey;
use crate::error::{Denied, Error, Unavailable};

impl Issuer {
    /// A nonce that is good from now on, for [`NONCE_LIFETIME`].
    pub(crate) async fn dpop_nonce(&self) -> Result<String, Unavailable> {
        let now = self.clock.now();
        let key = self.hmac_keys()?.newest(now).await?;
        Ok(print(&key, now.seconds()))
    }

    /// Whether this issuer has made `nonce`, not too long ago. No I/O, unless its key version has not been loaded.
    pub(super) async fn is_own_nonce(&self, nonce: &str, now: Timestamp) -> Result<bool, Error> {
        let Some((version, made)) = parse(nonce) else {
            return Ok(false);
        };
        let age = now.seconds().saturating_sub(made);
        // Another function of the issuer may have a clock that is a little ahead.
        if age >= NONCE_LIFETIME.as_secs() || made > now.seconds() + AHEAD_SECONDS {
            return Ok(false);
        }
        match self.hmac_keys()?.version(version, now).await {
            Ok(key) => {
                let own = print(&key, made);
                Ok(verify_slices_are_equal(own.as_bytes(), nonce.as_bytes()).is_ok())
            }
            Err(Error::Denied(Denied::Grant(_))) => Ok(false),
            Err(err) => Err(err),
        }
    }
}

fn print(key: &HmacKey, made: u64) -> String {
    let tag = key.derive("DPoP nonce", &[&made.to_string()]);
    let (version, made) = (key.version().to_be_bytes(), made.to_be_bytes());
    URL_SAFE_NO_PAD.encode([&version[..], &made[..], &tag[..16]].concat())
}

/// The version of its key, and when it was made, in seconds since 1970: as it says itself.
fn parse(nonce: &str) -> Option<(u32, u64)> {
    let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
    let (version, rest) = bytes.split_first_chunk::<4>()?;
    let (made, tag) = rest.split_first_chunk::<8>()?;
    (tag.len() == 16).then_some((u32::from_be_bytes(*version), u64::from_be_bytes(*made)))
}

/// How long proofs may be made with a nonce.
pub(super) const NONCE_LIFETIME: Duration = Duration::from_secs(300);

const AHEAD_SECONDS: u64 = 5;
