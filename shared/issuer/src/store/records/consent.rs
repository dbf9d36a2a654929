use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::names::{Audience, ClientId, Scopes, SubjectName};
use crate::store::{Key, Record};

/// What a user has let a client do, so that it is not asked again.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Consent {
    /// Whose consent it is.
    #[serde(rename = "user")]
    pub subject: SubjectName,
    /// Who may.
    pub client_id: ClientId,
    /// What it may, for each audience.
    pub given: Vec<ConsentedAccess>,
    /// When the user last agreed.
    pub given_at: Timestamp,
}

impl Consent {
    /// The key of a user's consent for a client.
    pub fn key_of(subject: &SubjectName, client: &ClientId) -> Key<Self> {
        Key::ranged(Self::partition_of(subject), client.as_str())
    }

    /// The partition with every consent of a user.
    pub fn partition_of(subject: &SubjectName) -> String {
        format!("{}#{subject}", Self::PREFIX)
    }

    /// Whether the user has agreed to all these scopes for this audience.
    pub fn covers(&self, audience: &Audience, scopes: &Scopes) -> bool {
        let mut given = self.given.iter();
        let given = given.find(|given| given.audience.is_same_as(audience));
        given.is_some_and(|given| given.scopes.contains_all(scopes))
    }

    /// The prefix of every consent's partition key.
    pub const PREFIX: &'static str = "CONSENT";
}

impl Record for Consent {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.subject, &self.client_id)
    }
}

/// Scopes that a user has agreed to for one audience.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConsentedAccess {
    /// The audience.
    pub audience: Audience,
    /// The scopes.
    pub scopes: Scopes,
}
