use std::sync::Arc;

use crate::fetched::Source;
use crate::keys::KeyAccess;

/// What a process may do besides reading and writing the table: nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Abilities {
    /// What it may do with private keys.
    pub keys: KeyAccess,
    /// Where it finds documents that others publish, if it needs any.
    pub documents: Option<Arc<dyn Source>>,
}

impl From<KeyAccess> for Abilities {
    fn from(keys: KeyAccess) -> Self {
        Self {
            keys,
            documents: None,
        }
    }
}
