//! `private_key_jwt` (RFC 7523 §2.2, OpenID Connect Core 1.0 §9).

use std::sync::OnceLock;

use tokensmith_verifier::jose::PublicKeySet;
use tokensmith_verifier::{Timestamp, paths};

use crate::client::assertion::UnverifiedAssertion;
use crate::error::AssertionDenied::{self, UnknownAssertionKey, WrongAssertionAlgorithm};
use crate::names::IssuerUrl;
use crate::store::records::AssertionAudience;

/// Verifies assertions that are meant for this issuer.
#[derive(Debug)]
pub(crate) struct AssertionVerifier {
    issuer: IssuerUrl,
    token_endpoint: String,
    nobodys_keys: OnceLock<Option<PublicKeySet>>,
}

impl AssertionVerifier {
    pub(crate) fn new(issuer: &IssuerUrl) -> Self {
        Self {
            issuer: issuer.clone(),
            token_endpoint: issuer.join(paths::TOKEN),
            nobodys_keys: OnceLock::new(),
        }
    }

    /// Verifies an assertion by the keys of the client that it names. If none of them fits, or there is no such
    /// client, a signature is checked all the same, so that the time does not tell which ids exist.
    pub(super) fn verify(
        &self,
        assertion: &UnverifiedAssertion,
        keys: Option<&PublicKeySet>,
        audience: AssertionAudience,
        now: Timestamp,
    ) -> Result<(), AssertionDenied> {
        let audiences = [self.issuer.as_str(), &self.token_endpoint];
        let audiences = match audience {
            AssertionAudience::Issuer => &audiences[..1],
            AssertionAudience::TokenEndpoint => &audiences,
        };
        let verify = |keys| assertion.verify(keys, audiences, now);
        let verified = keys.map_or(Err(UnknownAssertionKey), verify);
        if let Err(UnknownAssertionKey | WrongAssertionAlgorithm) = verified {
            let nobodys_keys = || PublicKeySet::parse(NOBODYS_KEYS).ok();
            let _ = self
                .nobodys_keys
                .get_or_init(nobodys_keys)
                .as_ref()
                .map(verify);
        }
        verified
    }
}

/// A key of each type, from the examples of RFC 7515, RFC 6979 and RFC 8037.
const NOBODYS_KEYS: &[u8] = include_bytes!("nobody.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_a_key_of_each_type() {
        let keys = PublicKeySet::parse(NOBODYS_KEYS).expect("a key set");
        assert_eq!(keys.len(), 4);
    }
}
