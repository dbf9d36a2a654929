use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use super::User;
use crate::names::SubjectName;
use crate::store::{Key, Record};

/// A browser in which a user has signed in.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Session {
    /// The SHA-256 of its cookie, base64url: its id.
    pub id: String,
    /// What clients know it by (`sid`). It stays the same when its user signs in again in the same browser, which gets another cookie.
    pub sid: String,
    /// Who has signed in.
    #[serde(rename = "user")]
    pub subject: SubjectName,
    /// When the user last proved who they are (`auth_time`).
    pub signed_in_at: Timestamp,
    /// How they did (`amr`, RFC 8176).
    pub methods: Vec<String>,
    /// What the browser calls itself, for the user to recognise it.
    pub browser: Option<String>,
    /// Where it was signed in from.
    pub source: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Session {
    /// The key of the session with this id.
    pub fn key_of(id: &str) -> Key<Self> {
        Key::single(Self::PREFIX, id)
    }

    /// The list of the sessions of a user.
    pub fn list_of(subject: &SubjectName) -> String {
        format!("{}#{subject}", Self::PREFIX)
    }

    /// Whether it goes on: it is that of `user`, and nobody has ended it.
    pub fn is_live(&self, user: &User, now: Timestamp) -> bool {
        let ended = user.sessions_not_before;
        self.subject == user.subject
            && now < self.expires_at
            && !user.disabled
            && ended.is_none_or(|ended| self.signed_in_at > ended)
    }

    /// The prefix of every session's partition key.
    pub const PREFIX: &'static str = "SESSION";
}

impl Record for Session {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }

    fn listed_in(&self) -> Option<String> {
        Some(Self::list_of(&self.subject))
    }
}
