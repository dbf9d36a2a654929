//! The keys that reports of leaked credentials are signed with, in GitHub's format.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{DocumentUrl, Parse};

/// The keys of who reports, as they publish them.
#[derive(Debug, Deserialize)]
pub(crate) struct ReportKeys {
    public_keys: Vec<ReportKey>,
}

#[derive(Debug, Deserialize)]
struct ReportKey {
    key_identifier: String,
    key: String,
}

impl Parse for ReportKeys {
    fn parse(_: &DocumentUrl, body: &str) -> Result<Self, String> {
        serde_json::from_str(body).map_err(|err| err.to_string())
    }
}

impl ReportKeys {
    /// Whether there is a key of that name.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.public_keys.iter().any(|key| key.key_identifier == id)
    }

    /// Whether the key of that name has signed the body.
    pub(crate) fn verify(&self, id: &str, signature: &[u8], body: &[u8]) -> bool {
        let by_name = |key: &&ReportKey| key.key_identifier == id;
        let mut named = self.public_keys.iter().filter(by_name);
        named.any(|key| key.verify(signature, body))
    }
}

impl ReportKey {
    /// ECDSA on P-256 with SHA-256.
    fn verify(&self, signature: &[u8], body: &[u8]) -> bool {
        spki_of_pem(&self.key).is_some_and(|spki| {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, spki);
            key.verify(body, signature).is_ok()
        })
    }
}

/// The DER of a public key in PEM (RFC 7468 §13).
fn spki_of_pem(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?;
    let body = body.strip_suffix("-----END PUBLIC KEY-----")?;
    STANDARD
        .decode(body.split_whitespace().collect::<String>())
        .ok()
}
