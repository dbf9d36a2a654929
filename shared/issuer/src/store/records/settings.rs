use std::fmt;

use serde::{Deserialize, Serialize};

use super::SIGNING_KEYS;
use crate::names::IssuerUrl;
use crate::store::{Key, Record};

/// Settings that are stored with the data: whose they are.
///
/// They stand among the signing keys, so that whoever reads the keys reads them too, in the same query
/// and under the same role.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Settings {
    /// The issuer URL.
    pub issuer: IssuerUrl,
    /// The ARN of the KMS key that wraps its keys. Data whose keys are wrapped by a file have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapping_key: Option<String>,
}

impl Settings {
    /// The only key of this record.
    pub fn only_key() -> Key<Self> {
        Key::ranged(SIGNING_KEYS, SORT_KEY)
    }

    /// Whether `sort_key`, in the partition of the signing keys, is that of this record.
    pub(super) fn is_sort_key(sort_key: &str) -> bool {
        sort_key == SORT_KEY
    }

    /// Makes sure that data with these settings are those of `expected`. A process that opens no key
    /// expects no wrapping key, and any one is right.
    ///
    /// # Errors
    /// [`ForeignTable`] when they belong to another issuer or wrapping key.
    pub fn require(&self, expected: &Self) -> Result<(), ForeignTable> {
        let key = &expected.wrapping_key;
        match self.issuer == expected.issuer && (key.is_none() || self.wrapping_key == *key) {
            true => Ok(()),
            false => Err(ForeignTable {
                found: self.clone(),
                expected: expected.clone(),
            }),
        }
    }
}

impl Record for Settings {
    fn key(&self) -> Key<Self> {
        Self::only_key()
    }

    fn is_at(sort_key: &str) -> bool {
        Self::is_sort_key(sort_key)
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the issuer {}", self.issuer.as_str())?;
        match &self.wrapping_key {
            Some(key) => write!(f, " with the wrapping key {key}"),
            None => Ok(()),
        }
    }
}

/// The table belongs to another issuer or wrapping key. Whoever used it all the same would take that
/// issuer down, or sign for one with the keys of the other.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
#[error("the table belongs to {found}, and not to {expected}: {HOW_TO_MEND_IT}")]
pub struct ForeignTable {
    /// To whom it belongs.
    pub found: Settings,
    /// To whom it should belong.
    pub expected: Settings,
}

/// What an operator can do about a foreign table.
pub const HOW_TO_MEND_IT: &str = "name the table of this issuer; or, to give this table to it and end \
                                  all earlier tokens, run `tokensmith restore`";

const SORT_KEY: &str = "SETTINGS";
