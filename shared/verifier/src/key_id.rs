use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use serde::{Deserialize, Serialize};

/// A key's name in JWKS and JOSE headers (`kid`).
///
/// An issuer names its keys by their RFC 7638 thumbprint. A verifier accepts any name.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The RFC 7638 thumbprint of `key`: SHA-256 over its required members in lexical order,
    /// base64url without padding. `None` for a type of key that [`jsonwebtoken`] does not know.
    ///
    /// [`Jwk::thumbprint`] gives the same, but uses the process-wide provider: it installs one, and
    /// panics when both of that crate's back ends are compiled in and none is installed.
    pub fn thumbprint_of(key: &Jwk) -> Option<Self> {
        // It is unknown which members of an unknown type are required.
        if let AlgorithmParameters::Other(_) = key.algorithm {
            return None;
        }
        let members = serde_json::to_value(&key.algorithm).ok()?;
        let sorted: BTreeMap<String, String> = serde_json::from_value(members).ok()?;
        let canonical = serde_json::to_vec(&sorted).ok()?;
        Some(Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, &canonical))))
    }

    /// The name as it is written in JOSE headers.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for KeyId {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn thumbprint(key: Value) -> Option<String> {
        let key: Jwk = serde_json::from_value(key).expect("a JWK");
        KeyId::thumbprint_of(&key).map(String::from)
    }

    /// RFC 7638 §3.1, the worked example, with the members that do not count.
    #[test]
    fn rfc7638_3_1_thumbprint_of_an_rsa_key() {
        let key = json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB",
            "alg": "RS256",
            "kid": "2011-04-29",
        });
        let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(thumbprint(key).as_deref(), Some(expected));
    }

    /// RFC 8037 appendix A.3.
    #[test]
    fn rfc8037_a_3_thumbprint_of_an_ed25519_key() {
        let key = json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint(key).as_deref(), Some(expected));
    }

    /// RFC 7638 §3.2: `crv`, `kty`, `x`, `y`. By hand, because no RFC has an example.
    #[test]
    fn rfc7638_3_2_thumbprint_of_a_key_on_a_curve() {
        let members = r#"{"crv":"P-256","kty":"EC","x":"AA","y":"BB"}"#;
        let expected = URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()));
        let key = json!({ "y": "BB", "x": "AA", "use": "sig", "kty": "EC", "crv": "P-256" });
        assert_eq!(thumbprint(key), Some(expected));
    }

    #[test]
    fn a_key_of_unknown_type_has_no_thumbprint() {
        assert_eq!(thumbprint(json!({ "kty": "AKP", "pub": "AA" })), None);
    }
}
