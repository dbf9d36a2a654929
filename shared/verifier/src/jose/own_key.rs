use jsonwebtoken::jwk::Jwk;
use serde_json::{Map, Value};

use super::PublicKey;
use super::public_key_set::{is_secret, with_known_name};
use crate::KeyId;

/// The key that somebody has put into the header of what they sign (RFC 7515 §4.1.3).
#[derive(Debug)]
pub struct OwnKey {
    /// What verifies the signature.
    pub key: PublicKey,
    /// Who it is: the key's RFC 7638 thumbprint.
    pub thumbprint: KeyId,
}

impl OwnKey {
    /// The key; `None` when it is private or symmetric, longer than anybody needs, or cannot be used.
    pub(super) fn parse(members: Map<String, Value>) -> Option<Self> {
        let modulus = members.get("n").and_then(Value::as_str);
        let is_long = modulus.is_some_and(|modulus| modulus.len() > LONGEST_MODULUS);
        if is_secret(&members) || is_long {
            return None;
        }
        let jwk: Jwk = serde_json::from_value(with_known_name(members).into()).ok()?;
        Some(Self {
            key: PublicKey::parse(&jwk)?,
            thumbprint: KeyId::thumbprint_of(&jwk)?,
        })
    }
}

/// 4096 bits in base64url. Whoever brings a key chooses what its verification costs: this bounds it, as nobody has registered
/// the key.
const LONGEST_MODULUS: usize = 683;
