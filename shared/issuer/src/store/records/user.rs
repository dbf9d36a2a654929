use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokensmith_verifier::Timestamp;

use crate::names::{SubjectName, UserName};
use crate::store::{Key, Record};

/// A person who can sign in. Names and addresses are attributes: nothing identifies a person but the subject.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct User {
    /// The subject of the user's tokens (`sub`), which says nothing about the person and never changes.
    #[serde(rename = "user")]
    pub subject: SubjectName,
    /// What the user signs in with.
    pub name: UserName,
    /// What is known about the person: standard claims (OpenID Connect Core 1.0 §5.1), by their names.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Whether the user can sign in.
    #[serde(default)]
    pub disabled: bool,
    /// Sessions that began at or before this time have ended.
    pub sessions_not_before: Option<Timestamp>,
    /// When the password was set that ended the sessions before it. Who signs in with one that was set earlier has used an old one.
    #[serde(default)]
    pub password_changed_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the claims were last changed (`updated_at`).
    pub updated_at: Timestamp,
}

impl User {
    /// Whether the sessions that began with an earlier password than the one set at `password_set_at` have ended. They have not when
    /// a change of the password was interrupted.
    pub fn has_settled(&self, password_set_at: Timestamp) -> bool {
        self.password_changed_at.unwrap_or(self.created_at) >= password_set_at
    }

    /// Whether the password that was set at `password_set_at` has been replaced.
    pub fn has_replaced(&self, password_set_at: Timestamp) -> bool {
        self.password_changed_at
            .is_some_and(|changed| password_set_at < changed)
    }

    /// The key of the user with this subject.
    pub fn key_of(subject: &SubjectName) -> Key<Self> {
        Key::single(Self::PREFIX, subject.as_str())
    }

    /// The prefix of every user's partition key.
    pub const PREFIX: &'static str = "USER";
}

impl Record for User {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.subject)
    }

    fn listed_in(&self) -> Option<String> {
        Some(Self::PREFIX.to_owned())
    }
}
