use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::base62::{RANDOM_LENGTH, is_base62, random_credential, random_text, without_checksum};
use super::{Malformed, Prefix, SecretHash};

/// An API key: `tksmk_`, its public id, `_`, 43 random base62 characters (256 bits) and a checksum.
#[derive(Clone)]
pub struct ApiKeySecret {
    id: ApiKeyId,
    text: SecretString,
}

impl ApiKeySecret {
    /// A new random key with a new id.
    pub fn generate() -> Self {
        let id = ApiKeyId(random_text(ID_LENGTH).to_string());
        let text = random_credential(&format!("{PREFIX}{}{SEPARATOR}", id.0));
        Self { id, text }
    }

    /// Checks the form of a key, not whether there is such a key.
    ///
    /// # Errors
    /// [`Malformed`] when prefix, length, characters or checksum are wrong.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let body = without_checksum(text).ok_or(Malformed)?;
        let body = body.strip_prefix(PREFIX).ok_or(Malformed)?;
        let (id, random) = body.split_once(SEPARATOR).ok_or(Malformed)?;
        match random.len() == RANDOM_LENGTH && is_base62(random) {
            true => Ok(Self {
                id: id.parse()?,
                text: text.into(),
            }),
            false => Err(Malformed),
        }
    }

    /// Whether `text` says that it is an API key.
    pub fn is_meant(text: &str) -> bool {
        Prefix::of(text) == Some(Prefix::ApiKey)
    }

    /// Its public id.
    pub fn id(&self) -> &ApiKeyId {
        &self.id
    }

    /// The hash that is stored. A random key of 256 bits cannot be guessed, so it needs no slow hash.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.text.expose_secret())
    }
}

impl ExposeSecret<str> for ApiKeySecret {
    fn expose_secret(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeySecret({}, [REDACTED])", self.id)
    }
}

/// The public id of an API key: 16 random base62 characters, which stand in the key itself. It names the key and
/// opens nothing.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ApiKeyId(String);

impl ApiKeyId {
    /// Its characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id in something that was found: a whole key, also one that was cut off or altered behind the id; the
    /// key's public part `tksmk_ID`; or the id alone.
    ///
    /// # Errors
    /// [`Malformed`] when there is no id in it.
    pub fn found_in(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        let public = text.strip_prefix(PREFIX).unwrap_or(text);
        let id = public.split(SEPARATOR).next();
        id.unwrap_or_default().parse()
    }
}

impl FromStr for ApiKeyId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.len() == ID_LENGTH && is_base62(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(Malformed),
        }
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const PREFIX: &str = Prefix::ApiKey.as_str();
const SEPARATOR: char = '_';
const ID_LENGTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::base62::CHECKSUM_LENGTH;

    const LENGTH: usize = PREFIX.len() + ID_LENGTH + 1 + RANDOM_LENGTH + CHECKSUM_LENGTH;

    #[test]
    fn a_key_is_read_as_it_was_made_and_nothing_else_is_one() {
        let key = ApiKeySecret::generate();
        let text = key.expose_secret().to_owned();
        assert_eq!(text.len(), LENGTH);
        let parsed = ApiKeySecret::parse(&text).expect("it is well-formed");
        assert_eq!(parsed.id(), key.id());
        assert!(parsed.hash().matches(&key.hash()));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(changed).expect("it is ASCII");
            assert!(ApiKeySecret::parse(&changed).is_err(), "{at}");
        }
        for malformed in [
            "",
            "tksmk_",
            &text[1..],
            &text[..text.len() - 1],
            "tksmk_é_",
        ] {
            assert!(ApiKeySecret::parse(malformed).is_err());
        }
    }

    #[test]
    fn what_was_found_names_the_key_however_much_of_it_was_found() {
        let key = ApiKeySecret::generate();
        let (id, whole) = (key.id().as_str(), key.expose_secret());
        for found in [
            whole,
            &whole[..40],
            &format!("  {whole}\n"),
            &format!("tksmk_{id}"),
            &format!("tksmk_{id}_"),
            id,
        ] {
            assert_eq!(
                ApiKeyId::found_in(found).as_ref(),
                Ok(key.id()),
                "{found:?}"
            );
        }
        for nothing in [
            "",
            "tksmk_",
            "tksmk_short",
            "tksmc_0123456789abcdef",
            &whole[..20],
        ] {
            assert_eq!(ApiKeyId::found_in(nothing), Err(Malformed), "{nothing:?}");
        }
    }

    #[test]
    fn invariant_1_a_key_is_redacted_in_debug_output() {
        let key = ApiKeySecret::generate();
        let (printed, whole) = (format!("{key:?}"), key.expose_secret());
        assert!(!printed.contains(&whole[23..]), "{printed}");
    }
}
