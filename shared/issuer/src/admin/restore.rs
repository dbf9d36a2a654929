//! Data that was restored from a backup.
//!
//! A backup does not contain what was revoked or used up after it was made. So all keys are
//! replaced, and every token that was issued before is refused. Clients stay as they are in the
//! backup.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use tokensmith_verifier::Timestamp;

use super::keys::names;
use super::settings::take_over;
use super::{AdminEvent, Administrator, Changed, SettleError, TableScan};
use crate::error::Unavailable;
use crate::federation::{self, SourcesAndRules};
use crate::keys::{ReplacedHmacKeys, RotatedNow};
use crate::names::ClientId;
use crate::store::records::{Allowance, Client, FederationRule, LiveSecret, Settings};
use crate::store::{CheckedTime, StoreError};

impl Administrator {
    /// Replaces all keys, and gives the data to the configured issuer and wrapping key. If the table
    /// that the backup was made of still exists as `old`, also lists the clients that can do more in the
    /// backup than there.
    ///
    /// Safe to repeat: if it is killed at any point, another call withdraws the keys that are left. The
    /// data change their owner last: until then, no function of the new owner uses them.
    ///
    /// # Errors
    /// [`RestoreError`] when table or custody fail, or another process gives the data away at the same
    /// time.
    pub async fn restore(
        &self,
        old: Option<&TableScan>,
    ) -> Result<Changed<Restored>, RestoreError> {
        let change = |_: CheckedTime| async move {
            let restored = self.restore_from(old).await?;
            let event = AdminEvent::Restored {
                created: names(&restored.signing_keys.created),
                withdrawn: restored.signing_keys.withdrawn.clone(),
                hmac_key_version: Some(restored.hmac_keys.version),
                belonged_to: restored.belonged_to.clone(),
            };
            // Replacing all keys may have taken a while.
            let time = self.time().await?;
            Ok(self.in_feed(restored, event, time))
        };
        let event = AdminEvent::Restored {
            created: Vec::new(),
            withdrawn: Vec::new(),
            hmac_key_version: None,
            belonged_to: None,
        };
        self.recorded(event, change).await
    }

    async fn restore_from(&self, old: Option<&TableScan>) -> Result<Restored, RestoreError> {
        let (signing_keys, hmac_keys) = self.replace_all_keys().await?;
        let belonged_to = take_over(&self.table, &self.config.owner()).await?;
        let back_to_life = match old {
            None => None,
            Some(old) => {
                let (restored, known) = (records(&self.scan()).await?, records(old).await?);
                let rules = self.federation().await?;
                let rules = revived_rules(&rules, &federation::read(old.table()).await?);
                let now = self.time().await?.now();
                Some(back_to_life(restored, known, &rules, now))
            }
        };
        Ok(Restored {
            signing_keys,
            hmac_keys,
            belonged_to,
            back_to_life,
        })
    }

    /// Withdraws every signing key and every HMAC key, and makes new ones: no token that was issued
    /// before is accepted any more.
    pub(super) async fn replace_all_keys(
        &self,
    ) -> Result<(RotatedNow, ReplacedHmacKeys), Unavailable> {
        let now = self.time().await?.now();
        let signing_keys = self.replace_signing_keys(Vec::new(), now).await?;
        let (issuer, now) = (&self.config.issuer, self.time().await?.now());
        let hmac_keys = self.hmac_rotation().replace(issuer, now).await?;
        Ok((signing_keys, hmac_keys))
    }
}

async fn records(table: &TableScan) -> Result<Vec<Client>, StoreError> {
    let clients = table.records::<Client>(Client::PREFIX).await?;
    Ok(clients.into_iter().map(|client| client.record).collect())
}

/// The clients of rules that the old data do not have, or whose source they do not have like this.
fn revived_rules(restored: &SourcesAndRules, old: &SourcesAndRules) -> HashSet<ClientId> {
    let source_of = |(sources, _): &SourcesAndRules, rule: &FederationRule| {
        let source = sources.iter().find(|source| source.name == rule.source);
        source.cloned()
    };
    let is_new = |rule: &&FederationRule| {
        !old.1.contains(rule) || source_of(restored, rule) != source_of(old, rule)
    };
    let revived = restored.1.iter().filter(is_new);
    revived.map(|rule| rule.client_id.clone()).collect()
}

/// The clients that can do more in the restored data than in the old data; `by_rules` are those that tokens of
/// other issuers speak for again.
fn back_to_life(
    restored: Vec<Client>,
    old: Vec<Client>,
    by_rules: &HashSet<ClientId>,
    now: Timestamp,
) -> Vec<Revived> {
    let old = old.into_iter().map(|client| (client.id.clone(), client));
    let old: HashMap<_, _> = old.collect();
    let usable = |client: &Client| client.deleted_at.is_none() && !client.disabled;
    let revived = restored.into_iter().filter(usable).map(|client| {
        let mut because = reasons(&client, old.get(&client.id), now);
        because.extend(by_rules.contains(&client.id).then_some(Reason::Federation));
        Revived {
            because,
            client_id: client.id,
        }
    });
    revived
        .filter(|revived| !revived.because.is_empty())
        .collect()
}

fn reasons(restored: &Client, old: Option<&Client>, now: Timestamp) -> Vec<Reason> {
    let Some(old) = old.filter(|old| old.deleted_at.is_none()) else {
        return vec![Reason::Deleted];
    };
    let is_live = |secret: &&LiveSecret| secret.expires_at.is_none_or(|end| now < end);
    let mut live = restored.secrets.iter().filter(is_live);
    let secret = live.any(|secret| !outlasts(&old.secrets, secret));
    let keys = |client: &Client| (client.jwks.clone(), client.jwks_uri.clone());
    let keys = keys(restored) != (None, None) && keys(restored) != keys(old);
    let scope = !old.scopes.contains_all(&restored.scopes);
    let mut audiences = restored.audiences.iter();
    let audience = audiences.any(|one| one.registered_in(&old.audiences).is_none());
    let allowed = restored.allowed.iter().any(|held| !holds(old, held));
    let claims = !restored.claims.is_empty() && restored.claims != old.claims;
    let grant_type = exceeds(&restored.grant_types, &old.grant_types);
    let reasons = [
        (old.disabled, Reason::Disabled),
        (secret, Reason::Secret),
        (keys, Reason::Keys),
        (scope, Reason::Scope),
        (audience, Reason::Audience),
        (allowed, Reason::Resource),
        (claims, Reason::Claims),
        (grant_type, Reason::GrantType),
    ];
    let held = reasons.into_iter().filter(|(holds, _)| *holds);
    held.map(|(_, reason)| reason).collect()
}

/// Whether `secret` is one of the secrets in `old`, and does not end earlier there.
fn outlasts(old: &[LiveSecret], secret: &LiveSecret) -> bool {
    let same = old.iter().find(|other| other.hash.matches(&secret.hash));
    same.is_some_and(|other| match (secret.expires_at, other.expires_at) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(end), Some(other)) => end <= other,
    })
}

/// Whether a client holds these scopes.
fn holds(client: &Client, held: &Allowance) -> bool {
    let mut allowed = client.allowed.iter();
    let same = allowed.find(|one| one.resource.is_same_as(&held.resource));
    same.is_some_and(|one| one.scopes.contains_all(&held.scopes))
}

fn exceeds<T: PartialEq>(restored: &[T], old: &[T]) -> bool {
    restored.iter().any(|one| !old.contains(one))
}

/// Why data were not restored. Another call does what is left.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// They could not be given to their owner.
    #[error("{0}")]
    Settle(#[from] SettleError),
    /// Table or custody failed.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for RestoreError {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}

/// What a restore has done.
#[derive(Debug)]
pub struct Restored {
    /// The signing keys that were made and withdrawn.
    pub signing_keys: RotatedNow,
    /// The HMAC keys that were made and withdrawn.
    pub hmac_keys: ReplacedHmacKeys,
    /// To whom the data belonged, if that was another issuer or wrapping key.
    pub belonged_to: Option<Settings>,
    /// The clients that can do more than in the old data; `None` when the old data is gone.
    pub back_to_life: Option<Vec<Revived>>,
}

/// A client that can do more in the restored data than in the old data.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Revived {
    /// The client.
    pub client_id: ClientId,
    /// What it can do again.
    pub because: Vec<Reason>,
}

/// What a client cannot do in the old data, and can do again in the restored data.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Exist.
    Deleted,
    /// Authenticate at all.
    Disabled,
    /// Authenticate with a secret that it has again.
    Secret,
    /// Authenticate with keys that it has again.
    Keys,
    /// Authenticate with tokens of another issuer, by a rule or a source that it has again.
    Federation,
    /// Ask for a scope that it has again.
    Scope,
    /// Get tokens for an audience that it has again.
    Audience,
    /// Ask for a scope that it holds again for a registered resource.
    Resource,
    /// Get tokens that say of it what they say no longer.
    Claims,
    /// Use a grant type that it has again.
    GrantType,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::ClientChanges;
    use crate::credential::ClientSecret;
    use crate::names::Scopes;
    use crate::store::records::{FederationSource, GrantType, SourceKeys, StoredJwks};
    use crate::token::StaticClaims;

    fn client() -> Client {
        let changes = ClientChanges {
            scopes: vec!["a".parse().expect("a scope")],
            audiences: vec!["https://one.example/".parse().expect("a URI")],
            allowed: vec![Allowance {
                resource: "https://two.example/".parse().expect("a URI"),
                scopes: "a".parse().expect("a scope"),
            }],
            claims: [("tenant".to_owned(), "t1".into())].into_iter().collect(),
            ..ClientChanges::default()
        };
        let (id, issuer) = ("app".parse(), "https://issuer.example".parse());
        let (id, issuer) = (id.expect("an id"), issuer.expect("a URL"));
        let client = changes.new_client(id, &issuer, &ClientSecret::generate(), NOW);
        client.expect("it is allowed")
    }

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    #[test]
    fn a_client_is_revived_by_each_thing_that_it_can_do_again() {
        let ends = |at: u64| {
            move |client: &mut Client| {
                client.secrets[0].expires_at = Some(Timestamp::from_seconds(at));
            }
        };
        type Difference = Box<dyn Fn(&mut Client)>;
        let cases: [(Difference, &[Reason]); 13] = [
            (Box::new(|_| {}), &[]),
            (
                Box::new(|old| old.deleted_at = Some(NOW)),
                &[Reason::Deleted],
            ),
            (Box::new(|old| old.disabled = true), &[Reason::Disabled]),
            (Box::new(|old| old.secrets.clear()), &[Reason::Secret]),
            (Box::new(ends(2000)), &[Reason::Secret]),
            (
                Box::new(|old| old.scopes = Scopes::default()),
                &[Reason::Scope],
            ),
            (Box::new(|old| old.audiences.clear()), &[Reason::Audience]),
            (Box::new(|old| old.allowed.clear()), &[Reason::Resource]),
            (
                Box::new(|old| old.allowed[0].scopes = Scopes::default()),
                &[Reason::Resource],
            ),
            (
                Box::new(|old| old.claims = StaticClaims::default()),
                &[Reason::Claims],
            ),
            (
                Box::new(|old| old.grant_types = vec![GrantType::RefreshToken]),
                &[Reason::GrantType],
            ),
            // A right that only the old data has is not revived.
            (
                Box::new(|old| old.scopes = "a b".parse().expect("scopes")),
                &[],
            ),
            (
                Box::new(|old| {
                    old.disabled = true;
                    old.scopes = Scopes::default();
                }),
                &[Reason::Disabled, Reason::Scope],
            ),
        ];
        for (index, (change, expected)) in cases.into_iter().enumerate() {
            let (restored, mut old) = (client(), client());
            old.secrets.clone_from(&restored.secrets);
            change(&mut old);
            assert_eq!(reasons(&restored, Some(&old), NOW), expected, "{index}");
        }
        assert_eq!(reasons(&client(), None, NOW), [Reason::Deleted]);
    }

    #[test]
    fn a_secret_revives_nobody_when_it_has_ended_or_ends_no_later_than_it_did() {
        for (restored_end, old_end, revived) in [
            (Some(1001), Some(1001), false),
            (Some(1001), None, false),
            (Some(1002), Some(1001), true),
            // Its overlap has ended in the backup as well.
            (Some(1000), Some(900), false),
        ] {
            let (mut restored, mut old) = (client(), client());
            old.secrets.clone_from(&restored.secrets);
            restored.secrets[0].expires_at = restored_end.map(Timestamp::from_seconds);
            old.secrets[0].expires_at = old_end.map(Timestamp::from_seconds);
            let reasons = reasons(&restored, Some(&old), NOW);
            let expected: &[Reason] = if revived { &[Reason::Secret] } else { &[] };
            assert_eq!(reasons, expected, "{restored_end:?} {old_end:?}");
        }
    }

    #[test]
    fn a_client_that_can_do_nothing_in_the_backup_is_not_revived() {
        let [mut disabled, mut deleted] = [client(), client()];
        disabled.disabled = true;
        deleted.deleted_at = Some(NOW);
        assert_eq!(
            back_to_life(vec![disabled, deleted], vec![], &HashSet::new(), NOW),
            []
        );
    }

    #[test]
    fn a_client_is_listed_when_a_rule_or_its_source_is_back() {
        let source = |issuer: &str| FederationSource {
            name: "source".parse().expect("a name"),
            issuer: issuer.parse().expect("an issuer"),
            keys: SourceKeys::Jwks(jwks()),
            created_at: NOW,
        };
        let rule = |client: &str, audience: &str| FederationRule {
            name: "rule".parse().expect("a name"),
            source: "source".parse().expect("a name"),
            client_id: client.parse().expect("a client id"),
            audience: audience.to_owned(),
            subject: Some("workload".parse().expect("a pattern")),
            conditions: Vec::new(),
            created_at: NOW,
        };
        let (one, other) = ("https://one.example", "https://other.example");
        let restored = (vec![source(one)], vec![rule("app", "a")]);
        for (old, is_revived) in [
            (restored.clone(), false),
            ((vec![source(one)], vec![]), true),
            ((vec![source(one)], vec![rule("app", "b")]), true),
            ((vec![source(one)], vec![rule("other", "a")]), true),
            ((vec![source(other)], vec![rule("app", "a")]), true),
            ((vec![], vec![rule("app", "a")]), true),
        ] {
            let revived = revived_rules(&restored, &old);
            assert_eq!(revived.len(), usize::from(is_revived), "{old:?}");
        }
        let by_rules = revived_rules(&restored, &(vec![], vec![]));
        let listed = back_to_life(vec![client()], vec![client()], &by_rules, NOW);
        assert_eq!(listed.len(), by_rules.len());
    }

    /// RFC 8037 appendix A.2.
    fn jwks() -> StoredJwks {
        let key = serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        StoredJwks::new(&serde_json::json!({ "keys": [key] })).expect("a key set")
    }
}
