use serde::{Deserialize, Serialize};

use crate::config::MAX_ACCESS_TTL;
use crate::credential::GrantId;
use crate::names::{Audience, ClientId, OFFLINE_ACCESS, Scopes, SubjectName};
use crate::store::{Key, Record};
use tokensmith_verifier::{KeyId, Timestamp};

/// What a subject has granted to a client. Each code or refresh token of it is one generation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    /// Its id, which its tokens carry.
    pub id: GrantId,
    /// The client it was given to.
    pub client_id: ClientId,
    /// The subject that gave it. The sparse index `by_subject` finds grants by it, and nothing else: records of people call theirs
    /// `user`.
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
    /// The HMAC key version of the current credential; 0 for a device code, which has no HMAC.
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
    /// What its authorization code demands of who redeems it.
    #[serde(default)]
    pub code: Option<CodeTerms>,
    /// How its subject had signed in, if it was a person.
    #[serde(default)]
    pub sign_in: Option<SignIn>,
    /// The key that its refresh tokens are bound to (RFC 9449 §5): the thumbprint.
    #[serde(default)]
    pub bound_to: Option<KeyId>,
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

    /// Whether it ends with the session in which it was given (OpenID Connect Core 1.0 §11): it is not for offline access, nor for a
    /// device, which has no part in the session of the browser that it was allowed in.
    pub fn ends_with_session(&self) -> bool {
        let session = self.sign_in.as_ref().map(|sign_in| &sign_in.session);
        let is_in_session = session.is_some_and(Option::is_some) && self.origin == Origin::Code;
        is_in_session && !self.scopes.has(OFFLINE_ACCESS)
    }

    /// Whether it was given in the session with this id.
    pub fn was_given_in(&self, session: &str) -> bool {
        let sign_in = self.sign_in.as_ref();
        sign_in.is_some_and(|sign_in| sign_in.session.as_deref() == Some(session))
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
    /// A person gave it to a client that sent them here; its first credential is a code, generation 0.
    Code,
    /// A person gave it to a device; its first credential is the device's code, generation 0.
    Device,
}

/// What an authorization code demands of who redeems it (RFC 6749 §4.1.3, RFC 7636 §4.6).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CodeTerms {
    /// The `redirect_uri` of the authorization request; `None` when it named none.
    pub redirect_uri: Option<String>,
    /// The S256 challenge; `None` when the client needs none.
    pub challenge: Option<String>,
    /// The key that the code is bound to (RFC 9449 §10): the thumbprint.
    #[serde(default)]
    pub bound_to: Option<KeyId>,
    /// The `nonce` of the authorization request, which the ID token repeats (OpenID Connect Core 1.0 §3.1.3.7).
    pub nonce: Option<String>,
}

/// How a person had signed in (OpenID Connect Core 1.0 §2).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignIn {
    /// When (`auth_time`).
    pub at: Timestamp,
    /// By what means (`amr`, RFC 8176).
    pub methods: Vec<String>,
    /// The session, which ends the grant with it unless it is for offline access: the id of its record.
    pub session: Option<String>,
}
