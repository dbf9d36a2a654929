use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::credential::{ApiKeyId, SecretHash};
use crate::limit::Limit;
use crate::names::{ApiKeyName, Audience, ClientId, Scopes};
use crate::store::{Key, Record};

/// An API key: it identifies a client for longer than any token, for one resource.
///
/// Once it was made, it only ends: a key that replaces it has an id of its own.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ApiKey {
    /// Its public id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub client_id: ClientId,
    /// What people call it.
    pub name: ApiKeyName,
    /// The hash of the key.
    pub hash: SecretHash,
    /// The scopes that it was made with. It opens those among them that its client still has.
    pub scopes: Scopes,
    /// What it is for.
    pub resource: Audience,
    /// Where it may be used from; anywhere if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<IpNet>,
    /// How much may be done with it in each window.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends: a replacement brings this forward.
    pub expires_at: Timestamp,
    /// When it would have ended without a replacement.
    pub made_until: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The key that it replaces.
    pub replaces: Option<ApiKeyId>,
    /// The key that replaces it.
    pub replaced_by: Option<ApiKeyId>,
}

impl ApiKey {
    /// The key of the API key called `id`.
    pub fn key_of(id: &ApiKeyId) -> Key<Self> {
        Key::single(Self::PREFIX, id.as_str())
    }

    /// Whether it has ended by `now`.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.revoked_at.is_some() || self.expires_at <= now
    }

    /// The list of the keys of `client`.
    pub fn list_of(client: &ClientId) -> String {
        format!("{}#{client}", Self::PREFIX)
    }

    /// When DynamoDB may delete the record of a key that ends at `end`. It is kept for a while, so that the log can say of
    /// a key that is still used that it has ended.
    pub fn forgotten_at(end: Timestamp) -> Timestamp {
        end.after(KEPT_AFTER_ITS_END)
    }

    /// The prefix of every API key's partition key.
    pub const PREFIX: &'static str = "KEY";
}

impl Record for ApiKey {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let end = self.revoked_at.unwrap_or(self.expires_at);
        Some(Self::forgotten_at(end))
    }

    fn listed_in(&self) -> Option<String> {
        Some(Self::list_of(&self.client_id))
    }
}

/// When an API key was last used, to within a day. It is a record of its own, so that who checks keys may write it and
/// cannot change a key.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LastUse {
    /// The key.
    pub key_id: ApiKeyId,
    /// The first use that some process has seen on the day of the last use.
    pub used_at: Timestamp,
}

impl LastUse {
    /// The key of the last use of the API key called `id`.
    pub fn key_of(id: &ApiKeyId) -> Key<Self> {
        Key::single(Self::PREFIX, id.as_str())
    }

    /// The prefix of the partition key of every last use.
    pub const PREFIX: &'static str = "USED";
}

impl Record for LastUse {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.key_id)
    }
}

const KEPT_AFTER_ITS_END: Duration = Duration::from_secs(90 * 24 * 60 * 60);
