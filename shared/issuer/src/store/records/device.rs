use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::credential::GrantId;
use crate::names::{Audience, ClientId, Scopes};
use crate::store::{Key, Record};

/// What a device asks a person for (RFC 8628 §3.1). It is found by the device's code, and by the id in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DeviceRequest {
    /// The SHA-256 of the device code, base64url.
    pub id: String,
    /// The client that runs on the device.
    pub client_id: ClientId,
    /// The scopes that it asks for.
    pub scopes: Scopes,
    /// The audiences that it asks for.
    pub audiences: Vec<Audience>,
    /// The SHA-256 of the nonce of the grant that comes of it, which is derived from the device code.
    pub nonce_hash: String,
    /// Where the request came from, for the person to compare (RFC 8628 §5.4).
    pub source: Option<String>,
    /// What the device calls itself.
    pub user_agent: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When nobody can answer it any more, and its code is worth nothing.
    pub expires_at: Timestamp,
    /// What a person has answered. It is written once.
    pub answer: Option<DeviceAnswer>,
}

/// What a person has answered a device.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceAnswer {
    /// They have given it this grant.
    Approved(GrantId),
    /// They have refused.
    Denied,
}

impl DeviceRequest {
    /// The key of the request with this id.
    pub fn key_of(id: &str) -> Key<Self> {
        Key::ranged(format!("{}#{id}", Self::PREFIX), "device")
    }

    /// The prefix of the partition key of whatever a person is asked for.
    pub const PREFIX: &'static str = "REQUEST";
}

impl Record for DeviceRequest {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

/// Which device a user code means (RFC 8628 §3.2).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UserCodeEntry {
    /// The HMAC of the user code, base64url.
    pub hash: String,
    /// The id of the device's request.
    pub request: String,
    /// When the request expires.
    pub expires_at: Timestamp,
}

impl UserCodeEntry {
    /// The key of the entry of the user code with this HMAC.
    pub fn key_of(hash: &str) -> Key<Self> {
        Key::ranged(format!("{}#{hash}", DeviceRequest::PREFIX), "user_code")
    }
}

impl Record for UserCodeEntry {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.hash)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
