use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use super::base62::{random_credential, read_credential};
use super::{Malformed, Nonce, Prefix};

/// A device code (RFC 8628 §3.2): `tksmd_`, 43 random base62 characters (256 bits) and a checksum.
///
/// It is the handle of a request. Once a person has approved that, it is generation 0 of their grant.
#[derive(Clone)]
pub struct DeviceCode(SecretString);

impl DeviceCode {
    /// A new random code.
    pub fn generate() -> Self {
        Self(random_credential(PREFIX))
    }

    /// Checks the form of a code, not whether there is such a request.
    ///
    /// # Errors
    /// [`Malformed`] when prefix, length, characters or checksum are wrong.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        read_credential(PREFIX, text).map(Self)
    }

    /// The id of its request: its SHA-256, base64url. A random code of 256 bits cannot be guessed, so it needs no slow
    /// hash.
    pub fn request_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.digest(b""))
    }

    /// The nonce of the grant that comes of it. Whoever reads the table learns no more of it than its hash, and from a refresh
    /// token, which carries it, nobody learns the code.
    pub fn nonce(&self) -> Nonce {
        let mut seed = [0; 32];
        seed.copy_from_slice(self.digest(b"nonce\0").as_ref());
        Nonce::derived(seed)
    }

    /// The SHA-256 of the code. No code begins with a purpose, so what is made for one is nothing for another.
    fn digest(&self, purpose: &[u8]) -> digest::Digest {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(purpose);
        context.update(self.0.expose_secret().as_bytes());
        context.finish()
    }
}

impl ExposeSecret<str> for DeviceCode {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceCode([REDACTED])")
    }
}

const PREFIX: &str = Prefix::DeviceCode.as_str();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::base62::{CHECKSUM_LENGTH, RANDOM_LENGTH};

    const LENGTH: usize = PREFIX.len() + RANDOM_LENGTH + CHECKSUM_LENGTH;

    #[test]
    fn rfc8628_3_2_a_device_code_is_read_as_it_was_made_and_nothing_else_is_one() {
        let code = DeviceCode::generate();
        let text = code.expose_secret().to_owned();
        assert_eq!(text.len(), LENGTH);
        let parsed = DeviceCode::parse(&text).expect("it is well-formed");
        assert_eq!(parsed.request_id(), code.request_id());
        assert_eq!(parsed.nonce().hash(), code.nonce().hash());
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(changed).expect("it is ASCII");
            assert!(DeviceCode::parse(&changed).is_err(), "{at}");
        }
        for malformed in ["", "tksmd_", &text[1..], &text[..text.len() - 1], "tksmd_é"] {
            assert!(DeviceCode::parse(malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn two_codes_have_neither_request_nor_nonce_in_common() {
        let (one, other) = (DeviceCode::generate(), DeviceCode::generate());
        assert_ne!(one.request_id(), other.request_id());
        assert_ne!(one.nonce().hash(), other.nonce().hash());
        assert_ne!(one.request_id(), one.nonce().hash());
    }

    #[test]
    fn invariant_1_a_device_code_is_redacted_in_debug_output() {
        let code = DeviceCode::generate();
        assert!(!format!("{code:?}").contains(&code.expose_secret()[6..]));
    }
}
