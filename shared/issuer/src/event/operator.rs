use serde::{Deserialize, Serialize};
use strum::VariantNames;
use tokensmith_verifier::KeyId;

use crate::config::Level;
use crate::credential::{ApiKeyId, GrantId};
use crate::names::{Audience, ClientId, FederationName, IssuerUrl, SubjectName, UpstreamName};
use crate::store::records::{ChangeOutcome, OperatorChange, Settings};

/// What an operator changes. Before the change, what will be known only after it is empty.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, VariantNames)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "docs/events.md has each field")]
pub enum AdminEvent {
    /// A client was registered.
    ClientCreated { client: ClientId },
    /// A client's metadata was changed.
    ClientUpdated { client: ClientId },
    /// A disabled client may authenticate again.
    ClientEnabled { client: ClientId },
    /// A client was disabled, and all its grants and tokens were revoked.
    ClientDisabled { client: ClientId },
    /// A client was deleted, and all its grants and tokens were revoked.
    ClientDeleted { client: ClientId },
    /// A client was given a new secret.
    SecretRotated { client: ClientId },
    /// A new secret that nobody had seen was taken back.
    SecretTakenBack { client: ClientId },
    /// A resource was registered.
    ResourceCreated { resource: Audience },
    /// A resource was changed.
    ResourceUpdated { resource: Audience },
    /// A resource was deleted: its URI is an audience without a record again.
    ResourceDeleted { resource: Audience },
    /// A federation source was registered.
    FederationSourceCreated { federation_source: FederationName },
    /// A federation source was given other keys.
    FederationSourceUpdated { federation_source: FederationName },
    /// A federation source was deleted.
    FederationSourceDeleted { federation_source: FederationName },
    /// A federation rule was made.
    FederationRuleCreated {
        rule: FederationName,
        client: ClientId,
        federation_source: FederationName,
    },
    /// A federation rule was deleted.
    FederationRuleDeleted { rule: FederationName },
    /// A client was granted access on behalf of a subject.
    GrantCreated {
        grant: GrantId,
        client: ClientId,
        subject: SubjectName,
    },
    /// An OpenID provider was registered that people sign in through.
    UpstreamCreated { upstream: UpstreamName },
    /// An OpenID provider was deleted: nobody signs in through it any more.
    UpstreamDeleted { upstream: UpstreamName },
    /// A user was made.
    UserCreated { subject: SubjectName },
    /// What is known about a user was changed.
    UserUpdated { subject: SubjectName },
    /// A disabled user may sign in again.
    UserEnabled { subject: SubjectName },
    /// A user was disabled, and all sessions, grants and tokens were ended.
    UserDisabled { subject: SubjectName },
    /// A user was deleted, and all sessions, grants and tokens were ended.
    UserDeleted { subject: SubjectName },
    /// A user was given another password, and all sessions were ended.
    PasswordSet { subject: SubjectName },
    /// One session of a user was ended.
    SessionEnded { subject: SubjectName },
    /// All sessions of a user were ended.
    SessionsEnded { subject: SubjectName },
    /// An API key was made.
    ApiKeyCreated { key: ApiKeyId, client: ClientId },
    /// An API key was replaced.
    ApiKeyRotated {
        key: ApiKeyId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<ClientId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaced_by: Option<ApiKeyId>,
    },
    /// An API key was revoked, with every token that it was exchanged for.
    ApiKeyRevoked {
        key: ApiKeyId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<ClientId>,
    },
    /// One access token was revoked.
    TokenRevoked { jti: String },
    /// A grant and all its tokens were revoked.
    GrantRevoked { grant: GrantId },
    /// All grants and tokens that a client had were revoked.
    ClientRevoked { client: ClientId },
    /// All grants that a subject had given, and their tokens, were revoked.
    SubjectRevoked { subject: String },
    /// An access token was made in the name of a client.
    TokenIssued {
        client: ClientId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jti: Option<String>,
    },
    /// Successors of signing keys were made. They sign once they have been published for long
    /// enough.
    KeysRotated { created: Vec<KeyId> },
    /// Signing keys were replaced at once; every token that the withdrawn ones signed is refused.
    KeysReplaced {
        created: Vec<KeyId>,
        withdrawn: Vec<KeyId>,
    },
    /// A new version of the HMAC key was made.
    HmacKeyRotated {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hmac_key_version: Option<u32>,
    },
    /// A pending or retiring signing key was withdrawn.
    KeyRetired { kid: String },
    /// Moments that lay ahead of the time were lowered, after every key was replaced.
    Repaired {
        /// The clients and subjects whose `not_before` was lowered.
        lowered: Vec<String>,
    },
    /// Data that came from a backup was made safe to use: every key was replaced.
    Restored {
        created: Vec<KeyId>,
        withdrawn: Vec<KeyId>,
        /// The version of the HMAC key that refresh tokens are now made and proven with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hmac_key_version: Option<u32>,
        /// To whom the data belonged, if that was another issuer or wrapping key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        belonged_to: Option<Settings>,
    },
    /// The data were given to another issuer URL.
    IssuerReplaced { from: IssuerUrl, to: IssuerUrl },
}

/// A record of a change, as a line.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OperatorLine<'a> {
    #[serde(flatten)]
    change: &'a AdminEvent,
    change_id: &'a str,
    by: &'a str,
    outcome: ChangeOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl OperatorLine<'_> {
    pub(super) const fn level(&self) -> Level {
        match self.outcome {
            ChangeOutcome::Done | ChangeOutcome::Refused => Level::Info,
            ChangeOutcome::Begun => Level::Warn,
            ChangeOutcome::Failed => Level::Error,
        }
    }
}

impl<'a> From<&'a OperatorChange> for OperatorLine<'a> {
    fn from(record: &'a OperatorChange) -> Self {
        Self {
            change: &record.change,
            change_id: &record.id,
            by: &record.by,
            outcome: record.outcome,
            reason: record.reason.as_deref(),
        }
    }
}
