use serde::{Deserialize, Serialize};

use crate::store::{Key, Record};

/// A name that tokens may carry as `sub`, and what it stands for.
///
/// Client ids and user subjects are separate namespaces (RFC 9700 §4.15): whichever claims a name
/// first keeps it, because the claim is one insert of this record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Subject {
    /// The name.
    pub name: String,
    /// What it stands for.
    pub kind: SubjectKind,
}

impl Subject {
    /// The key of the subject called `name`.
    pub fn key_of(name: &str) -> Key<Self> {
        Key::single("SUBJECT", name)
    }
}

impl Record for Subject {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.name)
    }
}

/// The namespace of a subject.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A client, which is the subject of its own tokens.
    Client,
}
