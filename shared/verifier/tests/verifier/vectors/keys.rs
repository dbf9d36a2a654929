//! The keys of the vectors. They are public: whoever trusts one of them trusts everybody.

use serde_json::{Value, json};
use tokensmith_verifier::Algorithm;

use crate::support::Forger;

pub struct Keys {
    pub rs256: Forger,
    pub ps256: Forger,
    pub es256: Forger,
    pub eddsa: Forger,
    /// Published as well, and withdrawn in some of the feeds.
    pub other: Forger,
    /// Published only in the course of some of the feeds.
    pub next: Forger,
    /// Published nowhere.
    pub stranger: Forger,
}

impl Keys {
    pub fn fixed() -> Self {
        let seeded = |seed: u8| Forger::fixed(Algorithm::EdDSA, &[seed; 32]);
        Self {
            rs256: Forger::fixed(Algorithm::RS256, include_bytes!("private/rs256.der")),
            ps256: Forger::fixed(Algorithm::PS256, include_bytes!("private/ps256.der")),
            es256: Forger::fixed(Algorithm::ES256, include_bytes!("private/es256.der")),
            eddsa: seeded(1),
            other: seeded(2),
            next: seeded(3),
            stranger: seeded(4),
        }
    }

    /// `keys.json`. It has keys that no verifier uses, too: RFC 7517 §5 asks to ignore them.
    pub fn published(&self) -> Value {
        let used = [
            &self.rs256,
            &self.ps256,
            &self.es256,
            &self.eddsa,
            &self.other,
        ];
        let mut keys: Vec<Value> = used.iter().map(|key| json!(key.jwk)).collect();
        keys.extend(self.unusable());
        json!({ "keys": keys })
    }

    /// The names of keys in the set that must not be used, all of them with material of [`Keys::stranger`].
    pub const UNUSABLE: [&str; 5] = [
        "shared-secret",
        "for-encryption",
        "without-alg",
        "without-use",
        "of-tomorrow",
    ];

    fn unusable(&self) -> [Value; 5] {
        let x = json!(self.stranger.jwk)["x"].clone();
        [
            json!({ "kid": "shared-secret", "use": "sig", "alg": "HS256", "kty": "oct", "k": x }),
            json!({ "kid": "for-encryption", "use": "enc", "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": x }),
            json!({ "kid": "without-alg", "use": "sig", "kty": "OKP", "crv": "Ed25519", "x": x }),
            json!({ "kid": "without-use", "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": x }),
            json!({ "kid": "of-tomorrow", "use": "sig", "alg": "ML-DSA-44", "kty": "AKP", "pub": x }),
        ]
    }
}

/// A JWS whose bytes do not depend on how a library orders the members of an object.
pub fn signed(key: &Forger, header: &Value, payload: &Value) -> String {
    key.sign_bytes(sorted(header).as_bytes(), sorted(payload).as_bytes())
}

/// JSON whose objects have their members in alphabetical order.
pub fn sorted(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members.into_iter();
            let members = members.map(|(name, value)| format!("{}:{}", json!(name), sorted(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(sorted).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}
