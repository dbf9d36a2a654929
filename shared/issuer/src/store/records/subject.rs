use serde::{Deserialize, Serialize};

use crate::credential::SubjectHash;
use crate::store::{Key, Record};
use tokensmith_verifier::Timestamp;

/// A name that tokens may have as `sub`, and whether it is a client's.
///
/// A client id and a user's subject must never be the same (RFC 9700 §4.15). Whichever claims a
/// name first keeps it, because the claim is one insert of this record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Subject {
    /// The name.
    pub name: String,
    /// What it stands for.
    pub kind: SubjectKind,
    /// Grants made and tokens issued at or before this time are invalid.
    pub not_before: Option<Timestamp>,
}

impl Subject {
    /// Claims `name` for `kind`.
    pub fn new(name: impl Into<String>, kind: SubjectKind) -> Self {
        Self {
            name: name.into(),
            kind,
            not_before: None,
        }
    }

    /// The key of the subject called `name`.
    pub fn key_of(name: &str) -> Key<Self> {
        Self::key_of_hash(SubjectHash::of(name))
    }

    /// The key of the subject whose name has this hash, which a grant's id contains.
    pub fn key_of_hash(hash: SubjectHash) -> Key<Self> {
        Key::single(Self::PREFIX, &hash.to_string())
    }

    /// The prefix of every subject's partition key.
    pub const PREFIX: &'static str = "SUBJECT";
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
    /// Anybody else.
    User,
}
