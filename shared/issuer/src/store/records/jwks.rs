use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokensmith_verifier::jose::{InvalidKeySet, PublicKeySet};

/// Public keys that are kept by value: the JSON of a JWK Set.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct StoredJwks(String);

impl StoredJwks {
    /// Keeps a key set of which every key can be used: one that is left out would be missed only when it is needed.
    ///
    /// # Errors
    /// Why the set, or one of its keys, cannot be used.
    pub fn new(document: &Value) -> Result<Self, String> {
        let keys = document["keys"].as_array().map_or(&[][..], Vec::as_slice);
        let json = document.to_string();
        let usable = PublicKeySet::parse(json.as_bytes()).map_err(|err| err.to_string())?;
        if usable.len() < keys.len() {
            let message = "a key of the set cannot be used: it is not for signatures (use), or not for RS256, PS256, \
                           ES256, ES384 or EdDSA, or its members are no key";
            return Err(message.to_owned());
        }
        match json.len() > MAX_JWKS_BYTES {
            true => Err(format!(
                "the key set takes more than {MAX_JWKS_BYTES} bytes"
            )),
            false => Ok(Self(json)),
        }
    }

    /// The keys.
    ///
    /// # Errors
    /// [`InvalidKeySet`] when a later release has stored keys that this one cannot use.
    pub fn parse(&self) -> Result<PublicKeySet, InvalidKeySet> {
        PublicKeySet::parse(self.0.as_bytes())
    }

    /// The document.
    pub fn to_json(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// The longest key set: each read of its record reads it.
const MAX_JWKS_BYTES: usize = 16 * 1024;
