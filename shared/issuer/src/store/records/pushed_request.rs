use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::authorization::Parameters;
use crate::credential::sha256_text;
use crate::names::ClientId;
use crate::store::{Key, Record};

/// An authorization request that its client has pushed (RFC 9126).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PushedRequest {
    /// The SHA-256 of its `request_uri`, base64url.
    pub id: String,
    /// Who has pushed it.
    pub client_id: ClientId,
    /// What is asked for.
    pub parameters: Parameters,
    /// When it can be opened no longer. Who has opened it before can go on for a while.
    pub expires_at: Timestamp,
    /// Whose approval has used it up.
    #[serde(default)]
    pub used_by: Option<String>,
}

impl PushedRequest {
    /// The id of the request with this `request_uri`.
    pub fn id_of(request_uri: &str) -> String {
        sha256_text(request_uri.as_bytes())
    }

    /// The key of the request with this id.
    pub fn key_of(id: &str) -> Key<Self> {
        Key::single(Self::PREFIX, id)
    }

    /// The prefix of the partition key of every request.
    pub const PREFIX: &'static str = "REQUEST";
}

impl Record for PushedRequest {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.id)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at.after(KEPT_FOR_THE_PAGES))
    }
}

/// Longer than a request can be on its way through the pages.
const KEPT_FOR_THE_PAGES: Duration = Duration::from_secs(20 * 60);
