use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokensmith_verifier::Timestamp;

use crate::federation::ForeignIssuer;
use crate::keys::Wrapped;
use crate::names::{Scopes, SubjectName, UpstreamName};
use crate::store::{Key, Record};

/// An OpenID provider that people can sign in through.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Upstream {
    /// Its name here, which is in its redirect URI.
    pub name: UpstreamName,
    /// What people are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_as: Option<String>,
    /// The `iss` of its ID tokens.
    pub issuer: ForeignIssuer,
    /// What this service is called there.
    pub client_id: String,
    /// What this service proves itself with there; `None` for a public client, which has PKCE alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SealedSecret>,
    /// What is asked for there besides `openid`.
    #[serde(default)]
    pub scopes: Scopes,
    /// Whether somebody who is not known here becomes a user by signing in.
    #[serde(default)]
    pub creates_users: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Upstream {
    /// The key of the upstream of this name.
    pub fn key_of(name: &UpstreamName) -> Key<Self> {
        Key::ranged(UPSTREAM, name.as_str())
    }

    /// What people are shown as its name.
    pub fn shown_name(&self) -> &str {
        self.shown_as.as_deref().unwrap_or(self.name.as_str())
    }
}

impl Record for Upstream {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.name)
    }
}

/// A secret that is encrypted with a key of its own, which no rotation of other keys concerns.
#[derive(Clone, Deserialize, Serialize)]
pub struct SealedSecret {
    /// The key.
    pub key: Wrapped,
    /// Nonce, ciphertext and tag, base64url.
    pub sealed: String,
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedSecret({})", self.key.context.key_id)
    }
}

/// The partition of all upstreams. There are few, and one query reads them.
pub const UPSTREAM: &str = "UPSTREAM";

/// An account at an upstream that a user signs in with. Nothing but issuer and subject identify it (OpenID Connect Core 1.0 §5.7):
/// an e-mail address can be given to somebody else.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LinkedAccount {
    /// The hash of issuer and subject.
    pub id: String,
    /// The upstream by which it was linked.
    pub upstream: UpstreamName,
    /// Who signs in with it.
    #[serde(rename = "user")]
    pub subject: SubjectName,
    /// Since when.
    pub linked_at: Timestamp,
}

impl LinkedAccount {
    /// The id of the account `account` at `issuer`. It is longer than the id of any [`Login`](super::Login), which has the same
    /// prefix.
    pub fn id_of(issuer: &ForeignIssuer, account: &str) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [issuer.as_str(), account] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(context.finish())
    }

    /// The key of the account with this id.
    pub fn key_of(id: &str) -> Key<Self> {
        Key::single(Self::PREFIX, id)
    }

    /// The list of the accounts that a user signs in with.
    pub fn list_of(subject: &SubjectName) -> String {
        format!("{}#{subject}", Self::PREFIX)
    }

    /// The attribute that says whose it is.
    pub const SUBJECT: &'static str = "user";

    /// The prefix of the partition key of each: that of every other way to sign in.
    pub const PREFIX: &'static str = "LOGIN";
}

impl Record for LinkedAccount {
    fn key(&self) -> Key<Self> {
        Self::key_of(&self.id)
    }

    fn listed_in(&self) -> Option<String> {
        Some(Self::list_of(&self.subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenID Connect Core 1.0 §5.7: the two together are unique.
    #[test]
    fn an_account_is_identified_by_issuer_and_subject() {
        let id = |issuer: &str, account: &str| {
            LinkedAccount::id_of(&issuer.parse().expect("an issuer"), account)
        };
        let one = id("https://one.example", "alice");
        assert_eq!(one.len(), 43);
        assert_eq!(one, id("https://one.example", "alice"));
        assert_ne!(one, id("https://two.example", "alice"));
        assert_ne!(one, id("https://one.example", "bob"));
        assert_ne!(one, id("https://one.example/", "alice"));
        assert_ne!(
            id("https://one.example/a", "lice"),
            id("https://one.example/al", "ice")
        );
    }
}
