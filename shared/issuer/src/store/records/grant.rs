use serde::{Deserialize, Serialize};

use crate::config::MAX_ACCESS_TTL;
use crate::credential::GrantId;
use crate::names::{Audience, ClientId, Scopes, SubjectName};
use crate::store::{Key, Record};
use tokensmith_verifier::Timestamp;

/// What a subject has granted to a client. Each code or refresh token of it is one generation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    /// Its id, which its tokens carry.
    pub id: GrantId,
    /// The client it was given to.
    pub client_id: ClientId,
    /// The subject that gave it. The sparse index `by_subject` finds grants by it.
    pub subject: SubjectName,
    /// How it began, which decides whether there is a generation 0.
    pub origin: Origin,
    /// The scopes that its tokens may have. A request for a token with fewer scopes does not change
    /// them.
    pub scopes: Scopes,
    /// The audiences that its tokens may have.
    pub audiences: Vec<Audience>,
    /// The SHA-256 of the nonce in its credentials.
    pub nonce_hash: String,
    /// The generation of the current credential.
    pub generation: u32,
    /// The HMAC key version of the current credential.
    pub hmac_version: u32,
    /// When the current generation was made or last used.
    pub rotated_at: Timestamp,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it expires unless it is used before.
    pub idle_expires_at: Timestamp,
    /// When it expires in any case.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Grant {
    /// The key of the grant called `id`.
    pub fn key_of(id: GrantId) -> Key<Self> {
        Key::single(Self::PREFIX, &id.to_string())
    }

    /// When DynamoDB may delete the record: every credential and access token of the grant has
    /// expired by then.
    pub fn forgotten_at(&self) -> Timestamp {
        let last_use = self.idle_expires_at.min(self.expires_at);
        self.revoked_at
            .map_or(last_use, |revoked| revoked.min(last_use))
            .after(MAX_ACCESS_TTL)
    }

    /// The list of the grants that `client` has received.
    pub fn list_of(client: &ClientId) -> String {
        format!("{}#{client}", Self::PREFIX)
    }

    /// The prefix of every grant's partition key.
    pub const PREFIX: &'static str = "GRANT";
}

impl Record for Grant {
    fn key(&self) -> Key<Self> {
        Self::key_of(self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.forgotten_at())
    }

    fn listed_in(&self) -> Option<String> {
        Some(Self::list_of(&self.client_id))
    }
}

/// How a grant began.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An operator made it; its first credential is generation 1.
    Created,
}

impl Origin {
    /// Whether the grant began with an authorization code, its generation 0.
    pub const fn has_code(self) -> bool {
        match self {
            Self::Created => false,
        }
    }
}
