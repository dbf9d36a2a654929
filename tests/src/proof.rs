//! DPoP proofs as clients make them (RFC 9449 §4.2).

use serde_json::{Map, Value, json};
use tokensmith_issuer::credential::random_id;
use tokensmith_verifier::KeyId;
use tokensmith_verifier::dpop::token_hash;

use crate::HttpRequest;
use crate::assertion::{OwnKey, now};

/// A proof that is not signed yet: a good one, until something of it is changed.
#[derive(Clone, Debug)]
pub struct TestProof {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
}

impl TestProof {
    /// A new proof by `key` for a request to this URL.
    pub fn new(key: &OwnKey, method: &str, url: &str) -> Self {
        Self::at(now(), key, method, url)
    }

    /// The same, made at this second.
    pub fn at(now: u64, key: &OwnKey, method: &str, url: &str) -> Self {
        Self {
            header: json!({ "typ": "dpop+jwt", "alg": key.algorithm, "jwk": key.bare_jwk() }),
            claims: json!({ "jti": random_id(), "htm": method, "htu": url, "iat": now }),
        }
    }

    /// The same for a request with an access token.
    #[must_use]
    pub fn for_token(self, token: &str) -> Self {
        self.claiming("ath", json!(token_hash(token)))
    }

    /// The same with this claim; `null` takes it away.
    #[must_use]
    pub fn claiming(mut self, name: &str, value: Value) -> Self {
        set(&mut self.claims, name, value);
        self
    }

    /// The same with this member of the header; `null` takes it away.
    #[must_use]
    pub fn saying(mut self, name: &str, value: Value) -> Self {
        set(&mut self.header, name, value);
        self
    }

    /// The proof.
    pub fn signed(&self, key: &OwnKey) -> String {
        key.sign(&self.header, &self.claims)
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    let members: &mut Map<String, Value> = object.as_object_mut().expect("an object");
    match value {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
}

impl OwnKey {
    /// Its public part and nothing else.
    pub fn bare_jwk(&self) -> Value {
        let mut jwk = self.jwk();
        for name in ["kid", "alg", "use"] {
            set(&mut jwk, name, Value::Null);
        }
        jwk
    }

    /// Its RFC 7638 thumbprint.
    pub fn thumbprint(&self) -> String {
        let jwk = serde_json::from_value(self.bare_jwk()).expect("a JWK");
        KeyId::thumbprint_of(&jwk).expect("a thumbprint").into()
    }

    /// A good proof for a request to this URL.
    pub fn proof(&self, method: &str, url: &str) -> String {
        TestProof::new(self, method, url).signed(self)
    }
}

impl HttpRequest {
    /// The request with a good proof by `key`, to an issuer at `url`.
    pub fn proving(self, key: &OwnKey, url: &str) -> Self {
        let target = format!("{url}{}", self.target());
        let proof = key.proof(self.method(), &target);
        self.header("dpop", proof)
    }
}
