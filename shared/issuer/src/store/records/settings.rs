use serde::{Deserialize, Serialize};

use crate::names::IssuerUrl;
use crate::store::{Key, Record};

/// Settings that are stored with the data: the issuer that it belongs to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Settings {
    /// The issuer URL.
    pub issuer: IssuerUrl,
}

impl Settings {
    /// The only key of this record.
    pub fn only_key() -> Key<Self> {
        Key::ranged("SETTINGS", "-")
    }
}

impl Record for Settings {
    fn key(&self) -> Key<Self> {
        Self::only_key()
    }
}
